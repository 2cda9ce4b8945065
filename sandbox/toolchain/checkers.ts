import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../layout.ts";
import { readText } from "../lib/files.ts";
import { isExecutable, run } from "../lib/run.ts";
import { checkov, kubeconform, kubeScore, podSecurity } from "../versions.ts";
import { cached } from "./cache.ts";
import type { ToolchainContext } from "./context.ts";
import { goBuild } from "./goBuild.ts";
import { hasPackage, pipInstall } from "./python.ts";
import { obtainSchemas } from "./schemas.ts";

/** Tools that check manifests and were not written for this project, but for the program around one library. */
export interface Checkers {
  /** Programs. */
  readonly kubeconform: string;
  readonly kubeScore: string;
  /** sandbox/toolchain/checkers/podsecurity */
  readonly podSecurity: string;
  /** A Python and the folder with checkov's packages. */
  readonly checkov: { readonly python: string; readonly packages: string };
  /** Folder of JSON Schemas for kubeconform. */
  readonly schemas: string;
}

/** Builds programs from a pinned module once; returns their folder. */
async function built(
  context: ToolchainContext,
  name: string,
  module: string,
  packages: readonly string[],
  programs: readonly string[],
): Promise<string> {
  return cached(
    context,
    name,
    (folder) => programs.every((program) => isExecutable(join(folder, program))),
    async (staging) => {
      context.report.info(`  ${programs.join(", ")}: building, once`);
      await goBuild(context, { module, packages, ldflags: "", output: staging });
    },
  );
}

async function obtainCheckov(context: ToolchainContext): Promise<Checkers["checkov"]> {
  const pythonOf = (folder: string): string => (readText(join(folder, "python")) ?? "").trim();
  const packages = await cached(
    context,
    `checkov-${checkov}`,
    (folder) => hasPackage(folder, "checkov") && isExecutable(pythonOf(folder)),
    async (staging) => {
      context.report.info("  checkov: installing, once");
      const python = await pipInstall("checkov", staging, context.env);
      const { stdout } = await run(python, ["-c", "import sys; print(sys.executable)"], { env: context.env });
      writeFileSync(join(staging, "python"), stdout);
    },
  );
  return { python: pythonOf(packages), packages };
}

/** Obtains all of them; what is in the cache already is taken from there. */
export async function obtainCheckers(context: ToolchainContext): Promise<Checkers> {
  const own = readFileSync(join(projectRoot, "sandbox", "toolchain", "checkers", "podsecurity", "main.go"));
  const digest = createHash("sha256").update(own).digest("hex").slice(0, 8);
  const checkers = await built(
    context,
    `checkers-${kubeconform}-${podSecurity}-${digest}`,
    "checkers",
    ["github.com/yannh/kubeconform/cmd/kubeconform", "./podsecurity"],
    ["kubeconform", "podsecurity"],
  );
  const score = await built(
    context,
    `kube-score-${kubeScore}`,
    "kubescore",
    ["github.com/zegl/kube-score/cmd/kube-score"],
    ["kube-score"],
  );
  return {
    kubeconform: join(checkers, "kubeconform"),
    podSecurity: join(checkers, "podsecurity"),
    kubeScore: join(score, "kube-score"),
    checkov: await obtainCheckov(context),
    schemas: await obtainSchemas(context),
  };
}
