import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import type { Output, Resource } from "@pulumi/pulumi";
import { CELL_LABEL, hostsAnnotation, PODS_LABEL } from "../registry/naming.ts";
import type { TenantSpec } from "../registry/spec.ts";
import type { Scope } from "./scope.ts";

/** The hosts of a tenant, for the namespace whose Ingresses, routes and certificates may be for them; an archived one has none. */
export const hostClaims = ({ id, state, host, customHosts }: TenantSpec): Record<string, string> =>
  state === "archived" ? {} : { [hostsAnnotation(id)]: [host, ...customHosts].join(",") };

/**
 * A namespace: unit of access, quota, cost and backup identity. Deleting it deletes all in it. Its label binds the
 * cell's admission policies, which keep pods out where none are to be, and tokens of the API server out of pods.
 */
export function createNamespace(
  { name: prefix, labels, cell, foundation = [], parent }: Scope,
  name: string,
  args: {
    /** Default: none. */
    readonly annotations?: Readonly<Record<string, string>>;
    /** Whether pods may be in it. Default: true. */
    readonly pods?: boolean;
    /** Default: true. */
    readonly protect?: boolean;
    /** Default: nothing. */
    readonly after?: readonly Resource[];
  } = {},
): Output<string> {
  const { annotations = {}, pods = true, protect = true, after = [] } = args;
  return new Namespace(
    `${prefix}-namespace`,
    {
      metadata: {
        name,
        labels: {
          ...labels,
          [CELL_LABEL]: cell.cell,
          ...(pods ? {} : { [PODS_LABEL]: "none" }),
          "pod-security.kubernetes.io/enforce": "restricted",
          "pod-security.kubernetes.io/audit": "restricted",
          "pod-security.kubernetes.io/warn": "restricted",
        },
        annotations,
      },
    },
    { parent, protect, dependsOn: [...foundation, ...after] },
  ).metadata.name;
}
