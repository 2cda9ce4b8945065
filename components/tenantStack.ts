import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import type { TenantSpec } from "../registry/spec.ts";
import { createApp } from "./app.ts";
import { createBackup } from "./backup.ts";
import type { CellConfig } from "./cell/config.ts";
import { createDatabase } from "./database.ts";
import { createEdge } from "./edge.ts";
import { createMonitoring } from "./monitoring.ts";
import { createNamespace } from "./namespace.ts";
import { createNetworkPolicies } from "./network.ts";
import { createQuota } from "./quota.ts";

/** Arguments of a TenantStack. */
export interface TenantStackArgs {
  /** The tenant, with every default applied. */
  readonly spec: TenantSpec;
  /** The cell it lives in. */
  readonly cell: CellConfig;
  /** Its quota becomes smaller than it is: the workload shrinks first, then the quota. Default: false. */
  readonly shrinks?: boolean;
}

/**
 * The complete environment of one tenant. Its identity is the tenant's id alone, and it depends on no other tenant:
 * adding, changing or reordering tenants leaves every resource of the others as it is.
 */
export class TenantStack extends ComponentResource {
  constructor(args: TenantStackArgs, opts: ComponentResourceOptions) {
    super("warehouse:tenancy:TenantStack", args.spec.id, {}, opts);
    const scope = { ...args, parent: this };
    const namespaced = { ...scope, namespace: createNamespace(scope) };
    // No pod starts before its limits and its isolation are in force.
    const limitsFirst = args.shrinks === true ? [] : createQuota(namespaced, []);
    const guards = [...limitsFirst, ...createNetworkPolicies(namespaced)];
    const secrets = createDatabase(namespaced);
    const { service, deployment } = createApp(namespaced, secrets, guards);
    if (args.shrinks === true) createQuota(namespaced, [deployment]);
    createEdge(namespaced, service);
    createBackup(namespaced, secrets.backup, guards);
    createMonitoring(namespaced);
    this.registerOutputs({});
  }
}
