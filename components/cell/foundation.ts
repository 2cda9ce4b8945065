import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import { createAdmission } from "./admission.ts";
import type { CellConfig } from "./config.ts";
import { createPriorities } from "./priorities.ts";

/** What is in force in the cluster before the cell's first namespace: admission policies and priority classes. */
export class Foundation extends ComponentResource {
  readonly parts: readonly Resource[];

  constructor(cell: CellConfig, opts: ComponentResourceOptions) {
    super("warehouse:tenancy:Foundation", "foundation", {}, opts);
    this.parts = [...createPriorities(cell, this), ...createAdmission(cell, this)];
    this.registerOutputs({});
  }
}
