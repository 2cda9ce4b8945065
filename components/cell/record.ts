import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { OPERATIONS } from "../../registry/naming.ts";
import type { CellConfig } from "./config.ts";
import type { LifecycleHooks } from "./leaving.ts";

/** Arguments of the CellRecord. */
export interface CellRecordArgs {
  readonly cell: CellConfig;
  readonly hooks: LifecycleHooks;
  /** Everything else of the cell. */
  readonly all: readonly Resource[];
}

/**
 * Names the cell on its cluster. It depends on everything of the cell, so it is the first to go when the stack is
 * destroyed, and its hook refuses that as long as a tenant is left.
 */
export class CellRecord extends ComponentResource {
  constructor({ cell, hooks, all }: CellRecordArgs, opts: ComponentResourceOptions) {
    const name = "cell-record";
    super("warehouse:tenancy:CellRecord", name, {}, opts);
    const { region, baseDomain } = cell;
    new ConfigMap(
      name,
      {
        metadata: {
          name: `warehouse-cell-${cell.cell}`,
          namespace: OPERATIONS.namespace,
          labels: { "app.kubernetes.io/managed-by": "pulumi" },
        },
        data: { cell: cell.cell, region, baseDomain },
      },
      { parent: this, dependsOn: [...all], hooks: { beforeDelete: [...hooks.cell] } },
    );
    this.registerOutputs({});
  }
}
