import { existsSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf, SandboxError } from "../lib/errors.ts";
import { isExecutable, run, which } from "../lib/run.ts";
import { accepted, actionlint, etcd, kubernetes, pulumi, terraform } from "../versions.ts";
import { cached } from "./cache.ts";
import type { Found, ToolchainContext } from "./context.ts";
import { download, platform } from "./download.ts";
import { goBuild } from "./goBuild.ts";
import type { Host } from "./network.ts";
import { fits, type Range } from "./version.ts";

/** A tool that is on the machine, downloaded from its vendor or built from its Go module. */
interface GoTool {
  readonly name: string;
  readonly version: string;
  readonly range: Range;
  readonly programs: readonly string[];
  /** Folder of the programs below the tool's folder in the cache. */
  readonly folder: string;
  readonly versionArgs: readonly string[];
  readonly host: Host;
  readonly fetch: (staging: string) => Promise<void>;
  readonly module: string;
  readonly packages: readonly string[];
  readonly ldflags: string;
}

const unpack = async (archive: string, into: string): Promise<void> => {
  const result = await run("tar", ["-xzf", archive, "-C", into, "--strip-components=1"]);
  if (result.code !== 0) throw new Error(`unpacking ${archive}: ${result.stderr.trim()}`);
};

const { os, arch } = platform;

const pulumiTool: GoTool = {
  name: "pulumi",
  version: pulumi,
  range: accepted.pulumi,
  programs: ["pulumi"],
  folder: "bin",
  versionArgs: ["version"],
  host: "github.com",
  async fetch(staging) {
    const base = `https://github.com/pulumi/pulumi/releases/download/v${pulumi}`;
    const archive = join(staging, "pulumi.tar.gz");
    const vendorArch = process.arch === "x64" ? "x64" : "arm64";
    await download(
      `${base}/pulumi-v${pulumi}-${os}-${vendorArch}.tar.gz`,
      `${base}/pulumi-${pulumi}-checksums.txt`,
      archive,
    );
    await unpackInto(archive, join(staging, "bin"));
  },
  module: "pulumi",
  packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
  ldflags: `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumi}`,
};

const etcdTool: GoTool = {
  name: "etcd",
  version: etcd,
  range: accepted.etcd,
  programs: ["etcd"],
  folder: "",
  versionArgs: ["--version"],
  host: "github.com",
  async fetch(staging) {
    if (os !== "linux") throw new Error("the vendor's archive is unpacked on Linux only");
    const base = `https://github.com/etcd-io/etcd/releases/download/v${etcd}`;
    const archive = join(staging, "etcd.tar.gz");
    await download(`${base}/etcd-v${etcd}-${os}-${arch}.tar.gz`, `${base}/SHA256SUMS`, archive);
    await unpack(archive, staging);
  },
  module: "etcd",
  packages: ["go.etcd.io/etcd/server/v3"],
  ldflags: "",
};

const actionlintTool: GoTool = {
  name: "actionlint",
  version: actionlint,
  range: accepted.actionlint,
  programs: ["actionlint"],
  folder: "",
  versionArgs: ["--version"],
  host: "github.com",
  async fetch(staging) {
    const base = `https://github.com/rhysd/actionlint/releases/download/v${actionlint}`;
    const archive = join(staging, "actionlint.tar.gz");
    const file = `actionlint_${actionlint}_${os}_${arch}.tar.gz`;
    await download(`${base}/${file}`, `${base}/actionlint_${actionlint}_checksums.txt`, archive);
    const result = await run("tar", ["-xzf", archive, "-C", staging, "actionlint"]);
    if (result.code !== 0) throw new Error(`unpacking ${archive}: ${result.stderr.trim()}`);
  },
  module: "actionlint",
  packages: ["github.com/rhysd/actionlint/cmd/actionlint"],
  ldflags: `-X github.com/rhysd/actionlint.version=${actionlint}`,
};

/** What the benchmark compares with: run, and neither handed on nor part of anything (its licence is BUSL 1.1). */
const terraformTool: GoTool = {
  name: "terraform",
  version: terraform,
  range: accepted.terraform,
  programs: ["terraform"],
  folder: "",
  versionArgs: ["version"],
  host: "releases.hashicorp.com",
  async fetch(staging) {
    const base = `https://releases.hashicorp.com/terraform/${terraform}`;
    const archive = join(staging, "terraform.zip");
    const file = `terraform_${terraform}_${os}_${arch}.zip`;
    await download(`${base}/${file}`, `${base}/terraform_${terraform}_SHA256SUMS`, archive);
    const result = await run("unzip", ["-q", archive, "terraform", "-d", staging]);
    if (result.code !== 0) throw new Error(`unpacking ${archive}: ${result.stderr.trim()}`);
  },
  module: "terraform",
  packages: ["github.com/hashicorp/terraform"],
  ldflags: "-X github.com/hashicorp/terraform/version.dev=no",
};

const kubernetesFlags = (() => {
  const [major = "1", minor = "0"] = kubernetes.split(".");
  const at = "-X k8s.io/component-base/version";
  return `${at}.gitVersion=v${kubernetes} ${at}.gitMajor=${major} ${at}.gitMinor=${minor}`;
})();

const kubernetesTool = (
  programs: readonly string[],
  range: Range,
  versionArgs: readonly string[],
): GoTool => ({
  name: "kubernetes",
  version: kubernetes,
  range,
  programs,
  folder: "",
  versionArgs,
  host: "dl.k8s.io",
  async fetch(staging) {
    // The vendor builds the servers for Linux only; elsewhere this answers 404 and Go builds them.
    for (const program of programs) {
      const url = `https://dl.k8s.io/v${kubernetes}/bin/${os}/${arch}/${program}`;
      await download(url, `${url}.sha256`, join(staging, program));
    }
  },
  module: "kubernetes",
  packages: programs.map((program) => `k8s.io/kubernetes/cmd/${program}`),
  ldflags: kubernetesFlags,
});

async function unpackInto(archive: string, folder: string): Promise<void> {
  await run("mkdir", ["-p", folder]);
  await unpack(archive, folder);
}

/** The machine's own, when every program is there in an accepted version. */
async function onMachine(tool: GoTool, env: NodeJS.ProcessEnv): Promise<Found | undefined> {
  const [first] = tool.programs;
  const file = first === undefined ? undefined : which(first, env.PATH);
  if (file === undefined) return undefined;
  const bin = dirname(file);
  if (!tool.programs.every((program) => isExecutable(join(bin, program)))) return undefined;
  const { stdout, stderr } = await run(file, tool.versionArgs, { env, timeoutMs: 10_000 });
  const text = (stdout + stderr).trim();
  return fits(text, tool.range)
    ? { bin, version: /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? "?", source: "machine" }
    : undefined;
}

/** Finds, downloads or builds a tool. */
async function obtain(context: ToolchainContext, tool: GoTool, note: (text: string) => void): Promise<Found> {
  const present = await onMachine(tool, context.env);
  if (present !== undefined) return present;
  let source: Found["source"] = "cache";
  const complete = (folder: string): boolean =>
    tool.programs.every((program) => isExecutable(join(folder, tool.folder, program)));
  const folder = await cached(context, `${tool.name}-${tool.version}`, complete, async (staging) => {
    if (await context.network.reaches(tool.host)) {
      note(`${tool.name}: downloading`);
      try {
        await tool.fetch(staging);
        if (complete(staging)) {
          source = "vendor";
          return;
        }
      } catch (error) {
        context.report.info(`  ${tool.name}: no download (${messageOf(error)}); building it instead`);
      }
    }
    note(`${tool.name}: building, once, some minutes`);
    await goBuild(context, {
      module: tool.module,
      packages: tool.packages,
      ldflags: tool.ldflags,
      output: join(staging, tool.folder),
    });
    // `go build` names a program after its package's path, which for etcd's is `…/server/v3`.
    const server = join(staging, "server");
    if (existsSync(server)) renameSync(server, join(staging, "etcd"));
    if (!complete(staging))
      throw new SandboxError(`Building ${tool.name} made no ${tool.programs.join(", ")}.`);
    source = "built";
  });
  return { bin: join(folder, tool.folder), version: tool.version, source };
}

const servers = kubernetesTool(["kube-apiserver", "kube-controller-manager"], accepted.kubernetes, [
  "--version",
]);
const kubectl = kubernetesTool(["kubectl"], accepted.kubectl, ["version", "--client"]);

export type GoToolName = "pulumi" | "etcd" | "kubernetes" | "kubectl" | "actionlint" | "terraform";
const tools: Readonly<Record<GoToolName, GoTool>> = {
  pulumi: pulumiTool,
  etcd: etcdTool,
  kubernetes: servers,
  kubectl,
  actionlint: actionlintTool,
  terraform: terraformTool,
};
/** Those that the sandbox runs. */
export const sandboxTools: readonly GoToolName[] = ["pulumi", "etcd", "kubernetes", "kubectl"];

/** Obtains one of the tools written in Go. */
export const obtainGoTool = (
  context: ToolchainContext,
  name: GoToolName,
  note: (text: string) => void,
): Promise<Found> => obtain(context, tools[name], note);

/** True if the tool is on the machine or in the cache: nothing has to be downloaded or built. */
export async function hasGoTool(context: ToolchainContext, name: GoToolName): Promise<boolean> {
  const tool = tools[name];
  const folder = join(context.cache, `${tool.name}-${tool.version}`, tool.folder);
  if (tool.programs.every((program) => isExecutable(join(folder, program)))) return true;
  return (await onMachine(tool, context.env)) !== undefined;
}
