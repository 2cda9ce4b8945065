import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { Output } from "@pulumi/pulumi";
import type { Scope } from "./scope.ts";

/** A namespace: unit of access, quota, cost and backup identity. Protected: deleting it deletes all in it. */
export function createNamespace(
  scope: Scope,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): Output<string> {
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
    { parent: scope.parent, protect: true },
  );
  return namespace.metadata.name;
}
