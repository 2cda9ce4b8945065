import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { run, type RunResult } from "../sandbox/lib/run.ts";
import type { Checkers } from "../sandbox/toolchain/checkers.ts";
import { SCHEMA_FILE } from "../sandbox/toolchain/schemas.ts";
import { objectName, type Finding } from "./finding.ts";
import type { Manifest } from "./manifest.ts";

/** One program that checks manifests. */
type Tool = (checkers: Checkers, manifests: readonly Manifest[]) => Promise<Finding[]>;

/** What a program said in JSON; throws what it said otherwise. */
function answer(tool: string, { code, stdout, stderr }: RunResult): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    const said = `${stderr.slice(-2000)}${stdout.slice(0, 500)}`;
    throw new Error(`${tool} ended with ${code} and no findings in JSON: ${said}`);
  }
}

const yaml = (manifests: readonly Manifest[]): string =>
  manifests.map((manifest) => stringify(manifest, { aliasDuplicateObjects: false })).join("---\n");

interface Conformity {
  readonly resources: readonly {
    readonly kind: string;
    readonly name: string;
    readonly status: string;
    readonly msg: string;
  }[];
  readonly summary: { readonly valid: number; readonly skipped: number };
}

/** Fields and types, against the schemas of the API server; strict, and nothing is skipped. */
export const kubeconform: Tool = async ({ kubeconform, schemas }, manifests) => {
  const location = join(schemas, SCHEMA_FILE);
  const result = await run(
    kubeconform,
    ["-strict", "-output", "json", "-summary", "-schema-location", location, "-"],
    { input: yaml(manifests) },
  );
  const { resources, summary } = answer("kubeconform", result) as Conformity;
  const findings = resources.map(({ kind, name, status, msg }) => ({
    tool: "kubeconform",
    check: status,
    object: `${kind} ${name}`,
    message: msg,
  }));
  if (summary.valid + findings.length !== manifests.length)
    throw new Error(
      `kubeconform looked at ${summary.valid + findings.length} of ${manifests.length} objects`,
    );
  return findings;
};

/** Pod Security "restricted", with the library of the API server. */
export const podSecurity: Tool = async ({ podSecurity }, manifests) => {
  const { code, stdout, stderr } = await run(podSecurity, [], { input: JSON.stringify(manifests) });
  if (code !== 0 && code !== 1) throw new Error(`podsecurity: ${stderr.trim()}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [object = "", ...rest] = line.split(": ");
      return { tool: "pod-security", check: "restricted", object, message: rest.join(": ") };
    });
};

interface Scored {
  readonly type_meta: { readonly kind: string };
  readonly object_meta: { readonly name: string; readonly namespace?: string };
  readonly checks: readonly {
    readonly check: { readonly id: string };
    readonly grade: number;
    readonly skipped: boolean;
    readonly comments: readonly { readonly path: string; readonly summary: string }[] | null;
  }[];
}

const GOOD = 10;

/** Good practice, over all objects together: it knows which Service, budget and policy belong to which pods. */
export const kubeScore: Tool = async ({ kubeScore }, manifests) => {
  const result = await run(kubeScore, ["score", "--output-format", "json", "-"], { input: yaml(manifests) });
  return (answer("kube-score", result) as readonly Scored[]).flatMap(({ type_meta, object_meta, checks }) =>
    checks
      .filter(({ grade, skipped }) => !skipped && grade < GOOD)
      .map(({ check, comments }) => ({
        tool: "kube-score",
        check: check.id,
        object: objectName(type_meta.kind, object_meta.namespace, object_meta.name),
        message: (comments ?? []).map(({ path, summary }) => `${path} ${summary}`.trim()).join("; "),
      })),
  );
};

interface Scan {
  readonly results: {
    readonly failed_checks: readonly {
      readonly check_id: string;
      readonly check_name: string;
      readonly resource: string;
    }[];
  };
  readonly summary: { readonly passed: number; readonly parsing_errors: number };
}

/** Known misconfigurations. */
export const checkov: Tool = async ({ checkov: { python, packages } }, manifests) => {
  const folder = mkdtempSync(join(tmpdir(), "warehouse-manifests-"));
  try {
    const file = join(folder, "manifests.yaml");
    writeFileSync(file, yaml(manifests));
    const args = ["-m", "checkov.main", "-f", file, "--framework", "kubernetes", "-o", "json"];
    const result = await run(python, [...args, "--quiet", "--compact", "--skip-download"], {
      cwd: folder,
      env: { ...process.env, PYTHONPATH: packages },
    });
    const { results, summary } = answer("checkov", result) as Scan;
    if (summary.parsing_errors > 0 || summary.passed === 0)
      throw new Error("checkov could not read the manifests");
    return results.failed_checks.map(({ check_id, check_name, resource }) => {
      const [kind = "", namespace, ...name] = resource.split(".");
      return {
        tool: "checkov",
        check: check_id,
        object: objectName(kind, namespace, name.join(".")),
        message: check_name,
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** All of them, the quickest first. */
export const TOOLS: readonly Tool[] = [podSecurity, kubeconform, kubeScore, checkov];
