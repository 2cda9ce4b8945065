import { ComponentResource, type ComponentResourceOptions, type Input } from "@pulumi/pulumi";
import { fleetDashboard } from "../../monitoring/fleet.ts";
import { createDashboard } from "../monitoring.ts";
import type { CellConfig } from "./config.ts";

/** Arguments of a Fleet. */
export interface FleetArgs {
  readonly cell: CellConfig;
  /** The namespace of the operations. */
  readonly namespace: Input<string>;
  /** ISO 4217. */
  readonly currency: string;
}

/** What Grafana shows of all tenants of the cell together. It names none of them, so it is the same whoever they are. */
export class Fleet extends ComponentResource {
  constructor({ cell, namespace, currency }: FleetArgs, opts: ComponentResourceOptions) {
    const name = "fleet";
    super("warehouse:tenancy:Fleet", name, {}, opts);
    const labels = { "app.kubernetes.io/managed-by": "pulumi" };
    createDashboard(
      { name, labels, cell, parent: this, namespace },
      {
        name: `warehouse-fleet-${cell.cell}`,
        file: `fleet-${cell.cell}`,
        dashboard: fleetDashboard(cell.cell, currency),
      },
    );
    this.registerOutputs({});
  }
}
