import { execFileSync } from "node:child_process";
import {
  CATALOGUE_FILE,
  REGISTRY_FILE,
  REGISTRY_FOLDER,
  tenantFiles,
  type RegistryTexts,
} from "../registry/files.ts";
import { Refusal } from "./failures.ts";

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

function git(dir: string, args: readonly string[]): string {
  try {
    return execFileSync("git", args, {
      cwd: dir,
      encoding: "utf8",
      maxBuffer: MAX_OUTPUT_BYTES,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: string; readonly stderr?: string };
    if (code === "ENOENT") throw new Refusal("git is not installed; diff compares with a revision of it");
    throw new Refusal(`git ${args[0] ?? ""}: ${stderr.trim().split("\n")[0] ?? ""}`);
  }
}

function exists(dir: string, ref: string): boolean {
  try {
    git(dir, ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
    return true;
  } catch {
    return false;
  }
}

/** Where this branch left a ref. */
export interface MergeBase {
  readonly ref: string;
  readonly commit: string;
}

/** @param ref Default: origin/main, else HEAD. */
export function mergeBase(dir: string, ref?: string): MergeBase {
  const target = ref ?? (exists(dir, "origin/main") ? "origin/main" : "HEAD");
  if (ref !== undefined && !exists(dir, ref))
    throw new Refusal(`"${ref}" is no revision here; fetch it first, or name another --ref`);
  return { ref: target, commit: git(dir, ["merge-base", "HEAD", target]).trim() };
}

/** The newest commit that is older than a time; undefined where there is none, or no repository. */
export function commitBefore(dir: string, time: Date): string | undefined {
  try {
    const commit = git(dir, ["rev-list", "--first-parent", "-1", `--before=${time.toISOString()}`, "HEAD"]);
    return commit.trim() === "" ? undefined : commit.trim();
  } catch {
    return undefined;
  }
}

/** The commit of the checkout; null outside of Git. */
export function headCommit(dir: string): string | null {
  try {
    return git(dir, ["rev-parse", "HEAD"]).trim();
  } catch {
    return null;
  }
}

/** The files that differ from a commit, what is not committed included; relative to the folder. */
export const changedFiles = (dir: string, commit: string): string[] =>
  [
    ["diff", "--name-only", "--relative", "-z", commit],
    ["ls-files", "--others", "--exclude-standard", "-z"],
  ].flatMap((args) =>
    git(dir, args)
      .split("\0")
      .filter((file) => file !== ""),
  );

/** The files of the registry as a commit has them. Empty where it had none. */
export function registryTextsAt(dir: string, commit: string): RegistryTexts {
  const folder = `${REGISTRY_FOLDER}/`;
  const names = git(dir, ["ls-tree", "--name-only", "-z", commit, folder])
    .split("\0")
    .filter((path) => path.startsWith(folder))
    .map((path) => path.slice(folder.length));
  const shared = [CATALOGUE_FILE, REGISTRY_FILE].filter((file) => names.includes(file.slice(folder.length)));
  // `./`: the project need not be the top of the repository.
  return new Map(
    [...shared, ...tenantFiles(names)].map((file) => [file, git(dir, ["show", `${commit}:./${file}`])]),
  );
}
