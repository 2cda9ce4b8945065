import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { run } from "../lib/run.ts";
import { certManager, crdZips, gatewayApi, prometheusOperator } from "../versions.ts";
import { cached } from "./cache.ts";
import type { ToolchainContext } from "./context.ts";
import { downloadPinned } from "./download.ts";
import { goProblem } from "./goBuild.ts";
import { findPython, pythonRemedy } from "./python.ts";

interface CrdSource {
  readonly module: string;
  readonly version: string;
  readonly folder: string;
  readonly files: readonly string[];
}

/** The custom resources the program declares, from the modules of their projects. */
export const crdSources: readonly CrdSource[] = [
  {
    module: "sigs.k8s.io/gateway-api",
    version: gatewayApi,
    folder: "config/crd/standard",
    files: ["gatewayclasses", "gateways", "httproutes", "listenersets", "referencegrants"].map(
      (kind) => `gateway.networking.k8s.io_${kind}.yaml`,
    ),
  },
  {
    module: "github.com/cert-manager/cert-manager",
    version: certManager,
    folder: "deploy/crds",
    files: ["certificates", "issuers", "clusterissuers"].map((kind) => `cert-manager.io_${kind}.yaml`),
  },
  {
    module: "github.com/prometheus-operator/prometheus-operator",
    version: prometheusOperator,
    folder: "example/prometheus-operator-crd",
    files: ["servicemonitors", "prometheusrules"].map((kind) => `monitoring.coreos.com_${kind}.yaml`),
  },
];

export const crdFiles: readonly string[] = crdSources.flatMap(({ files }) => files);

/** The unpacked module, by Go: checked against go.sum. */
async function byGo(context: ToolchainContext, source: CrdSource): Promise<string> {
  const result = await run("go", ["mod", "download", "-json", `${source.module}@v${source.version}`], {
    cwd: join(projectRoot, "sandbox", "toolchain", "crds"),
    env: { ...context.env, GOFLAGS: "-mod=mod", GOWORK: "off" },
  });
  const answer = JSON.parse(result.stdout === "" ? "{}" : result.stdout) as {
    readonly Dir?: string;
    readonly Error?: string;
  };
  if (result.code === 0 && answer.Dir !== undefined) return answer.Dir;
  throw new SandboxError(
    `The custom resource definitions of ${source.module} could not be downloaded:\n${answer.Error ?? result.stderr.trim()}\nCheck the network and GOPROXY, then run \`npm run sandbox\` again.`,
  );
}

/** The unpacked module, from the zip of the module proxy: checked against its pinned SHA-256. */
async function byProxy(context: ToolchainContext, source: CrdSource, scratch: string): Promise<string> {
  const key = `${source.module}@${source.version}`;
  const sha256 = crdZips[key];
  if (sha256 === undefined)
    throw new SandboxError(`No checksum is pinned for ${key}; install Go, which has go.sum.`);
  const proxy =
    (context.env.GOPROXY ?? "").split(/[,|]/).find((part) => part.startsWith("https://")) ??
    "https://proxy.golang.org";
  const zip = join(scratch, `${sha256}.zip`);
  try {
    await downloadPinned(
      `${proxy.replace(/\/$/, "")}/${source.module}/@v/v${source.version}.zip`,
      sha256,
      zip,
    );
  } catch (error) {
    if (error instanceof SandboxError) throw error;
    throw new SandboxError(
      `The custom resource definitions of ${source.module} could not be downloaded from ${proxy}: check the network.`,
    );
  }
  const python = await findPython(context.env);
  if (python === undefined) throw new SandboxError(pythonRemedy);
  const folder = join(scratch, sha256);
  const { code, stderr } = await run(python, ["-m", "zipfile", "-e", zip, folder]);
  if (code !== 0) throw new SandboxError(`Unpacking ${key} failed: ${stderr.trim()}`);
  return join(folder, `${source.module}@v${source.version}`);
}

/** The folder with the selected definitions, one file each; taken from the modules once, then cached. */
export async function obtainCrds(context: ToolchainContext): Promise<string> {
  const name = `crds-${gatewayApi}-${certManager}-${prometheusOperator}`;
  return cached(
    context,
    name,
    (folder) => crdFiles.every((file) => existsSync(join(folder, file))),
    async (staging) => {
      const scratch = mkdtempSync(join(tmpdir(), "warehouse-crds-"));
      try {
        const useGo = (await goProblem(context.env)) === undefined;
        for (const source of crdSources) {
          const module = useGo ? await byGo(context, source) : await byProxy(context, source, scratch);
          mkdirSync(staging, { recursive: true });
          for (const file of source.files) cpSync(join(module, source.folder, file), join(staging, file));
        }
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    },
  );
}
