import { ComponentResource, type ComponentResourceOptions, type Input } from "@pulumi/pulumi";
import { fleetDashboard } from "../../monitoring/fleet.ts";
import type { Catalogue } from "../../registry/catalogue.ts";
import { createDashboards, createSiloMonitoring } from "../monitoring.ts";
import type { CellConfig } from "./config.ts";

/** Arguments of a Fleet. */
export interface FleetArgs {
  readonly cell: CellConfig;
  /** The namespace of the operations. */
  readonly namespace: Input<string>;
  readonly catalogue: Catalogue;
}

/**
 * What Prometheus and Grafana know of the cell's tenants together, beside what each or its pool has. It names none of them,
 * so it is the same whoever they are.
 */
export class Fleet extends ComponentResource {
  constructor({ cell, namespace, catalogue }: FleetArgs, opts: ComponentResourceOptions) {
    const name = "fleet";
    super("warehouse:tenancy:Fleet", name, {}, opts);
    const labels = { "app.kubernetes.io/managed-by": "pulumi" };
    const scope = { labels, cell, parent: this, namespace };
    createDashboards(
      { name, ...scope },
      {
        name: `warehouse-fleet-${cell.cell}`,
        dashboards: { [`fleet-${cell.cell}`]: fleetDashboard(cell.cell, catalogue.currency) },
      },
    );
    createSiloMonitoring({ name: "silo", ...scope }, catalogue);
    this.registerOutputs({});
  }
}
