import { PODS_LABEL } from "../registry/naming.ts";
import { at, fieldsOf, labelsOf, listOf, type Fields } from "./fields.ts";
import { objectName, type Finding } from "./finding.ts";
import type { Manifest } from "./manifest.ts";

/** An object that makes pods. */
export interface Workload {
  readonly manifest: Manifest;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the pod. */
  readonly spec: Fields;
  readonly containers: readonly Fields[];
}

/** What checks look at: the objects of a cell, and what belongs together among them. */
export class CellView {
  readonly manifests: readonly Manifest[];
  readonly workloads: readonly Workload[];

  constructor(manifests: readonly Manifest[]) {
    this.manifests = manifests;
    this.workloads = manifests.flatMap((manifest) => {
      const template = templateOf(manifest);
      if (template === undefined) return [];
      const spec = fieldsOf(template["spec"]);
      return [
        {
          manifest,
          namespace: manifest.metadata.namespace ?? "",
          labels: labelsOf(at(template, "metadata", "labels")),
          spec,
          containers: [...listOf(spec["containers"]), ...listOf(spec["initContainers"])],
        },
      ];
    });
  }

  ofKind(kind: string, namespace?: string): Manifest[] {
    return this.manifests.filter(
      (each) => each.kind === kind && (namespace === undefined || each.metadata.namespace === namespace),
    );
  }

  has(kind: string, namespace: string, name: unknown): boolean {
    return this.ofKind(kind, namespace).some(({ metadata }) => metadata.name === name);
  }

  /** Names of the cell's namespaces. */
  get namespaces(): string[] {
    return this.ofKind("Namespace").map(({ metadata }) => metadata.name);
  }
}

/** Whether pods may be in a namespace. */
export const isForPods = ({ metadata }: Manifest): boolean => metadata.labels?.[PODS_LABEL] !== "none";

function templateOf({ kind, spec }: Manifest): Fields | undefined {
  switch (kind) {
    case "Deployment":
    case "Job":
      return fieldsOf(at(spec, "template"));
    case "CronJob":
      return fieldsOf(at(spec, "jobTemplate", "spec", "template"));
    default:
      return undefined;
  }
}

/** One rule over the objects of a cell. */
export type Check = (cell: CellView) => Iterable<readonly [Manifest, string]>;

/** Runs a check under its name. */
export const findingsOf = (name: string, check: Check, cell: CellView): Finding[] =>
  [...check(cell)].map(([{ kind, metadata }, message]) => ({
    tool: "own",
    check: name,
    object: objectName(kind, metadata.namespace, metadata.name),
    message,
  }));
