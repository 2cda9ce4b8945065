import { mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { which } from "../lib/run.ts";
import { postgresUser } from "../services/postgresHome.ts";
import { moto } from "../versions.ts";
import type { ToolchainContext } from "./context.ts";
import { goProblem } from "./goBuild.ts";
import { sandboxTools, hasGoTool } from "./goTools.ts";
import type { Host } from "./network.ts";
import { hasPostgres } from "./postgres.ts";
import { findPython, hasPackage, pythonRemedy } from "./python.ts";

const GIB = 1024 ** 3;
/** A Go build of Kubernetes writes this much into the Go caches; the sandbox itself starts with far less. */
const BUILD_BYTES = 6 * GIB;
const RUN_BYTES = 1 * GIB;

const vendorOf: Readonly<Record<string, Host>> = {
  pulumi: "github.com",
  etcd: "github.com",
  kubernetes: "dl.k8s.io",
  kubectl: "dl.k8s.io",
};

function freeBytes(folder: string): number {
  mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GB`;

/** Everything that would stop the sandbox later, found now and told at once. Returns one line on what is to come. */
export async function checkPrerequisites(context: ToolchainContext, paths: Layout): Promise<string> {
  const problems: string[] = [];
  if (process.platform !== "linux" && process.platform !== "darwin") {
    problems.push(`The sandbox runs on Linux and macOS, not on ${process.platform}. On Windows use WSL 2.`);
  }
  if (which("sh", `${context.env.PATH ?? ""}:/bin`) === undefined)
    problems.push("A POSIX shell (sh) is needed.");

  const present = await Promise.all(sandboxTools.map((name) => hasGoTool(context, name)));
  const missing = sandboxTools.filter((_, index) => present[index] !== true);
  const toBuild: string[] = [];
  for (const name of missing) {
    const host = vendorOf[name];
    if (host === undefined || !(await context.network.reaches(host))) toBuild.push(name);
  }
  if (toBuild.length > 0) {
    const problem = await goProblem(context.env);
    if (problem !== undefined)
      problems.push(`To build ${toBuild.join(", ")} (no download was reachable): ${problem}`);
  }

  const hasMoto = hasPackage(join(context.cache, `moto-${moto}`), "moto");
  const needsPython = !hasMoto || !(await hasPostgres(context));
  if (needsPython && (await findPython(context.env)) === undefined) problems.push(pythonRemedy);
  try {
    await postgresUser();
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    problems.push(error.message);
  }

  const needed = toBuild.length > 0 ? BUILD_BYTES : RUN_BYTES;
  for (const folder of new Set([context.cache, paths.root])) {
    const wanted = folder === context.cache ? needed : RUN_BYTES;
    const free = freeBytes(folder);
    if (free < wanted)
      problems.push(
        `${folder} has ${gib(free)} free and needs ${gib(wanted)}: free some, or set WAREHOUSE_CACHE or --dir to a folder on another disk.`,
      );
  }
  if (problems.length > 0) {
    throw new SandboxError(
      `Something is missing:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    );
  }
  if (toBuild.length === 0) return "all there";
  return `to be built with Go, once, up to 20 min: ${toBuild.join(", ")}`;
}
