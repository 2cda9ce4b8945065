import type { types } from "@pulumi/kubernetes";
import { DEDICATED } from "../registry/naming.ts";
import { hasOwnApp } from "../registry/placement.ts";
import type { TenantSpec } from "../registry/spec.ts";
import type { CellConfig } from "./cell/config.ts";

/** What decides where pods run, and how far from the node's kernel. */
export type Nodes = Pick<types.input.core.v1.PodSpec, "runtimeClassName" | "nodeSelector" | "tolerations">;

/**
 * The nodes of a tenant with pods of its own, as the cell's configuration says for it, else for its plan. Dedicated nodes are
 * labelled and tainted with the name that they are for.
 */
export function nodesOf({ nodes }: CellConfig, { id, plan, placement }: TenantSpec): Nodes {
  const own = nodes.tenants[id];
  const choice = own === undefined ? nodes.plans[plan] : own;
  if (choice === undefined || !hasOwnApp(placement)) return {};
  const value = own === undefined ? plan : id;
  return {
    ...(choice.runtimeClass === undefined ? {} : { runtimeClassName: choice.runtimeClass }),
    ...(choice.dedicated
      ? {
          nodeSelector: { [DEDICATED]: value },
          tolerations: [{ key: DEDICATED, operator: "Equal", value, effect: "NoSchedule" }],
        }
      : {}),
  };
}
