import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { run, which } from "../lib/run.ts";
import { goLanguage } from "../versions.ts";
import type { ToolchainContext } from "./context.ts";
import { compareVersions, parseVersion } from "./version.ts";

/** Why Go cannot build the tools on this machine; undefined when it can. */
export async function goProblem(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const wanted = goLanguage("kubernetes");
  const remedy = `Install Go ${wanted} or newer (https://go.dev/dl, or \`brew install go\`).`;
  const go = which("go", env.PATH);
  if (go === undefined) return `Go is not installed. ${remedy}`;
  const { stdout } = await run(go, ["version"], { env: { ...env, GOTOOLCHAIN: "local" } });
  const version = parseVersion(stdout);
  const minimum = parseVersion(wanted);
  if (version !== undefined && minimum !== undefined && compareVersions(version, minimum) >= 0)
    return undefined;
  // From 1.21 on Go fetches the release that a go.mod asks for, unless it is told not to.
  const setting = (await run(go, ["env", "GOTOOLCHAIN"], { env })).stdout.trim();
  if (version !== undefined && compareVersions(version, [1, 21, 0]) >= 0 && setting !== "local")
    return undefined;
  return `Go ${version?.join(".") ?? "of unknown version"} is too old. ${remedy}`;
}

export interface GoBuild {
  /** Folder below `sandbox/toolchain` with go.mod and go.sum. */
  readonly module: string;
  readonly packages: readonly string[];
  readonly ldflags: string;
  /** Folder for the programs. */
  readonly output: string;
}

/** Builds programs from their pinned module; go.sum decides what is accepted. */
export async function goBuild(context: ToolchainContext, build: GoBuild): Promise<void> {
  const problem = await goProblem(context.env);
  if (problem !== undefined) throw new SandboxError(problem);
  mkdirSync(build.output, { recursive: true });
  const result = await run(
    "go",
    [
      "build",
      "-mod=readonly",
      "-trimpath",
      "-ldflags",
      `-s -w ${build.ldflags}`,
      "-o",
      `${build.output}/`,
      ...build.packages,
    ],
    {
      cwd: join(projectRoot, "sandbox", "toolchain", build.module),
      // A C compiler is not needed, and must not make the result depend on the machine.
      env: { ...context.env, CGO_ENABLED: "0", GOWORK: "off" },
      guarded: true,
    },
  );
  if (result.code === 0) return;
  throw new SandboxError(explainBuildFailure(build.module, result.stderr));
}

/** The failure of a Go build with what to do about it. */
export function explainBuildFailure(tool: string, stderr: string): string {
  const lines = stderr
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("go: downloading"));
  const detail = lines.slice(-6).join("\n");
  const remedy = /no space left on device/i.test(stderr)
    ? "The disk is full: a build needs about 4 GB below the Go caches and the temporary folder. Free some, or point GOCACHE, GOMODCACHE, TMPDIR and WAREHOUSE_CACHE elsewhere."
    : /checksum mismatch|SECURITY ERROR/.test(stderr)
      ? "A downloaded module is not the pinned one: do not use it. Check GOPROXY and GONOSUMDB."
      : /dial tcp|lookup|timeout|connection refused|proxyconnect/i.test(stderr)
        ? "The Go module proxy was not reached: check the network, GOPROXY and HTTPS_PROXY."
        : /signal: killed|out of memory|cannot allocate memory/i.test(stderr)
          ? "The compiler was killed, most likely for want of memory: a build needs about 4 GB. Set GOFLAGS=-p=1 and try again."
          : "Nothing half-built was kept.";
  return `Building ${tool} with Go failed:\n${detail}\n${remedy} To go on: npm run sandbox`;
}
