import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { Output, Resource } from "@pulumi/pulumi";
import type { Scope } from "./scope.ts";

/** A namespace: unit of access, quota, cost and backup identity. Deleting it deletes all in it. */
export function createNamespace(
  scope: Scope,
  name: string,
  args: {
    /** Default: none. */
    readonly annotations?: Readonly<Record<string, string>>;
    /** Default: true. */
    readonly protect?: boolean;
    /** Default: nothing. */
    readonly after?: readonly Resource[];
  } = {},
): Output<string> {
  const { annotations = {}, protect = true, after = [] } = args;
  const namespace = new Namespace(
    `${scope.name}-namespace`,
    {
      metadata: {
        name,
        labels: {
          ...scope.labels,
          "pod-security.kubernetes.io/enforce": "restricted",
          "pod-security.kubernetes.io/audit": "restricted",
          "pod-security.kubernetes.io/warn": "restricted",
        },
        annotations,
      },
    },
    { parent: scope.parent, protect, dependsOn: [...after] },
  );
  return namespace.metadata.name;
}
