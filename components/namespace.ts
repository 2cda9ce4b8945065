import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { Output } from "@pulumi/pulumi";
import { namespaceName, TENANT_LABEL, tenantLabels } from "../registry/naming.ts";
import type { Scope } from "./scope.ts";

/** The tenant's namespace: unit of access, quota, cost and backup identity. Protected: deleting it deletes all in it. */
export function createNamespace({ spec, parent }: Scope): Output<string> {
  const namespace = new Namespace(
    `${spec.id}-namespace`,
    {
      metadata: {
        name: namespaceName(spec.id),
        labels: {
          ...tenantLabels(spec.id),
          "pod-security.kubernetes.io/enforce": "restricted",
          "pod-security.kubernetes.io/audit": "restricted",
          "pod-security.kubernetes.io/warn": "restricted",
        },
        annotations: { [TENANT_LABEL]: spec.id, "tenantstack.io/plan": spec.plan },
      },
    },
    { parent, protect: true },
  );
  return namespace.metadata.name;
}
