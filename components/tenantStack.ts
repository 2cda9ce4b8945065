import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from "@pulumi/pulumi";
import { MOVE_INIT, namespaceName, TENANT_LABEL, tenantLabels } from "../registry/naming.ts";
import { hasOwnApp } from "../registry/placement.ts";
import type { TenantSpec } from "../registry/spec.ts";
import { createApp, createInit, type App } from "./app.ts";
import { createUploads } from "./application.ts";
import { createBackup } from "./backup.ts";
import type { CellConfig } from "./cell/config.ts";
import { createDatabase, type SharedRoles, type TenantDatabase } from "./database.ts";
import { createEdge, type Backend } from "./edge.ts";
import { createMonitoring } from "./monitoring.ts";
import { createMove } from "./move.ts";
import { createNamespace } from "./namespace.ts";
import { createNetworkPolicies } from "./network.ts";
import { createQuota } from "./quota.ts";
import type { TenantScope } from "./scope.ts";

/** Arguments of a TenantStack. */
export interface TenantStackArgs {
  /** The tenant, with every default applied. */
  readonly spec: TenantSpec;
  /** The cell it lives in. */
  readonly cell: CellConfig;
  /** Its quota becomes smaller than it is: the workload shrinks first, then the quota. Default: false. */
  readonly shrinks?: boolean;
  /** What answers its hosts, for a tenant whose application is a pool's. */
  readonly pool?: Backend;
  /** Roles of the shared database, for a tenant with data in it. */
  readonly shared?: SharedRoles;
}

/**
 * The complete environment of one tenant, whatever its placement. Its identity is the tenant's id alone, and it depends
 * on no other tenant: adding, changing or reordering tenants leaves every resource of the others as it is.
 */
export class TenantStack extends ComponentResource {
  /** The URL of the database that serves it, a secret: for the directory of its pool. */
  readonly databaseUrl: Output<string>;

  constructor(
    { spec, cell, shrinks = false, pool, shared }: TenantStackArgs,
    opts: ComponentResourceOptions,
  ) {
    super("warehouse:tenancy:TenantStack", spec.id, {}, opts);
    const outer = { name: spec.id, labels: tenantLabels(spec.id), cell, parent: this };
    const annotations = { [TENANT_LABEL]: spec.id, "tenantstack.io/plan": spec.plan };
    const namespace = createNamespace(outer, namespaceName(spec.id), annotations);
    const scope = { ...outer, namespace, spec };
    // No pod starts before its limits and its isolation are in force.
    const limits = shrinks ? [] : createQuota(scope, spec.quota);
    const guards = [...limits, ...createNetworkPolicies(scope)];

    const { move } = spec;
    // What was moved is compared with the record before anybody writes to it.
    const opened = move?.phase === "soak" ? createMove(scope, guards) : [];
    const database = createDatabase(scope, shared, opened);
    const ready = [...guards, ...opened];
    const app = createOwnApp(scope, database, ready);
    const stopped = app === undefined ? [] : [app.deployment];
    if (shrinks) createQuota(scope, spec.quota, stopped);
    if (pool !== undefined && spec.serving) {
      createInit(scope, database.migrate.name, { ...spec, after: ready });
    }
    const target =
      move === undefined || database.target === undefined
        ? []
        : [createInit(scope, database.target.name, { ...move.other, name: MOVE_INIT, after: guards })];

    const backend = pool ?? app;
    if (backend === undefined) throw new Error(`nothing answers the hosts of ${spec.id}`);
    const route = createEdge(scope, backend, opened);
    if (move !== undefined && move.phase !== "soak") {
      createMove(scope, [...guards, ...database.access, ...target, ...stopped, route]);
    }
    createBackup(scope, database.backup.name, guards);
    createMonitoring(scope);
    this.databaseUrl = database.app.url;
    this.registerOutputs({});
  }
}

/** The tenant's own files and application, where a side of its move or its placement has them. */
function createOwnApp(
  scope: TenantScope,
  database: TenantDatabase,
  ready: readonly Resource[],
): App | undefined {
  const { placement, move, uploadsBytes } = scope.spec;
  if (uploadsBytes === 0) return undefined;
  const serves = hasOwnApp(placement);
  // Until cutover it holds copies only, and in cleanup what is left behind.
  const disposable = !serves && move !== undefined && ["prepare", "sync", "cleanup"].includes(move.phase);
  const uploads = createUploads(scope, uploadsBytes, !disposable);
  // While a move away from it cuts over, it is stopped rather than gone: the move waits for its end.
  return serves || move?.phase === "cutover" ? createApp(scope, database, uploads, ready) : undefined;
}
