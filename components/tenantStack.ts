import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from "@pulumi/pulumi";
import {
  ALLOW_DELETE,
  MOVE_INIT,
  namespaceName,
  PLAN_ANNOTATION,
  TENANT_LABEL,
  tenantLabels,
} from "../registry/naming.ts";
import { hasOwnApp } from "../registry/placement.ts";
import { keepsData, runsPods, type TenantSpec } from "../registry/spec.ts";
import { createApp, createInit, type App } from "./app.ts";
import { createUploads } from "./application.ts";
import { createBackup } from "./backup.ts";
import { backupAccounts, type TenantBucket } from "./backupAccount.ts";
import { provingHosts } from "./certificate.ts";
import type { CellConfig } from "./cell/config.ts";
import type { LifecycleHooks } from "./cell/leaving.ts";
import { createDatabase, type SharedRoles, type TenantDatabase } from "./database.ts";
import { createEdge, type Backend } from "./edge.ts";
import { createLifecycle } from "./lifecycle.ts";
import { createMonitoring } from "./monitoring.ts";
import { moveJobs, type TenantVolume, type Volume } from "./move.ts";
import { createNamespace, hostClaims } from "./namespace.ts";
import { createNetworkPolicies, type NetworkArgs } from "./network.ts";
import { nodesOf } from "./nodes.ts";
import { createArchiveJobs, createFinalJobs, type OwnLogin } from "./offboarding.ts";
import { createPrefix } from "./prefix.ts";
import { createQuota } from "./quota.ts";
import type { TenantScope } from "./scope.ts";

/** Arguments of a TenantStack. */
export interface TenantStackArgs {
  /** The tenant, with every default applied. */
  readonly spec: TenantSpec;
  /** The cell it lives in. */
  readonly cell: CellConfig;
  /** What is in force before its namespace is made. */
  readonly foundation: readonly Resource[];
  /** What the passwords of its logins follow from. */
  readonly seed: Output<string>;
  readonly hooks: LifecycleHooks;
  readonly bucket: TenantBucket;
  /** Its quota becomes smaller than it is: the workload shrinks first, then the quota. Default: false. */
  readonly shrinks?: boolean;
  /** The pool whose application serves it. Default: its own application does. */
  readonly pool?: SharedApp;
  /** The pool on the other side of its move. Default: none. */
  readonly otherPool?: SharedApp;
  /** Roles of the shared database, for a tenant with data in it. */
  readonly shared?: SharedRoles;
}

/** An application that several tenants share. */
export interface SharedApp {
  /** Its name and its namespace's, e.g. pool-starter. */
  readonly name: string;
  /** What answers the hosts of a tenant. */
  backend(tenant: TenantSpec): Backend;
  /** Holds the files of each tenant in a folder of its id. */
  readonly volume: Volume;
  /** What is in force in its namespace before the first pod. */
  readonly guards: readonly Resource[];
}

/**
 * The complete environment of one tenant, whatever its placement. Its identity is the tenant's id alone, and it depends
 * on no other tenant: adding, changing or reordering tenants leaves every resource of the others as it is.
 */
export class TenantStack extends ComponentResource {
  /** The URL of the database that serves it, a secret: for the directory of its pool. */
  readonly databaseUrl: Output<string>;

  /** Depends on everything of the tenant. */
  readonly lifecycle: Resource;

  constructor(args: TenantStackArgs, opts: ComponentResourceOptions) {
    const { spec, cell, foundation, seed, bucket, hooks, shrinks = false, pool, otherPool, shared } = args;
    super("warehouse:tenancy:TenantStack", spec.id, {}, opts);
    const outer = {
      name: spec.id,
      labels: tenantLabels(spec.id),
      cell,
      foundation,
      seed,
      nodes: nodesOf(cell, spec),
      parent: this,
    };
    const annotations = {
      [TENANT_LABEL]: spec.id,
      [PLAN_ANNOTATION]: spec.plan,
      ...hostClaims(spec),
      // A step before it is deleted: see components/cell/admission/namespaces.ts.
      ...(keepsData(spec) ? {} : { [ALLOW_DELETE]: spec.id }),
    };
    const prefix = createPrefix(outer, spec, { after: bucket.ready, beforeDelete: hooks.prefix });
    const solvers = solversOf(spec, cell);
    const pods = runsPods(spec) || solvers > 0;
    const namespace = createNamespace(outer, namespaceName(spec.id), {
      annotations,
      pods,
      protect: keepsData(spec),
      after: [prefix],
    });
    const scope = { ...outer, namespace, prefix, spec };
    // No pod starts before its limits and its isolation are in force.
    const limits = shrinks || !pods ? [] : createQuota(scope, spec.quota, { solvers });
    const guards = pods ? [...limits, ...createNetworkPolicies(scope, networkOf(scope))] : [];

    const { move } = spec;
    const accountIn = backupAccounts(scope, bucket);
    const account = runsPods(spec) ? accountIn({ namespace }) : undefined;
    const own = createOwnVolume(scope, account, limits);
    const shares = (app: SharedApp | undefined): TenantVolume | undefined =>
      app && sharedVolume(accountIn, app);
    const served = shares(pool) ?? own;
    if (served === undefined) throw new Error(`${spec.id} has no volume for its files`);
    const jobs = moveJobs(scope, { account, served, other: shares(otherPool) ?? own });
    const opened = jobs.gate(guards);
    const database = createDatabase(scope, shared, served, opened);
    const ready = [...guards, ...opened];
    const app = createOwnApp(scope, database, own, ready);
    const stopped = app === undefined ? [] : [app.deployment];
    if (shrinks && pods) createQuota(scope, spec.quota, { after: stopped, solvers });
    if (pool !== undefined && spec.serving) {
      const inPool = { ...scope, namespace: served.namespace };
      createInit(inPool, database.init, { ...spec, after: [...pool.guards, ...opened] });
    }
    const target =
      move === undefined || database.target === undefined
        ? []
        : [
            createInit(scope, database.target, {
              ...(move.phase === "cutover" ? spec : move.other),
              name: MOVE_INIT,
              after: guards,
            }),
          ];

    const sharedReady = shared === undefined ? [] : [shared.ready];
    const done = [...guards, ...sharedReady, ...database.access, ...target, ...stopped];
    const source = { volume: served, login: database.backup };
    const atEnd = (): OwnLogin => {
      if (account === undefined || database.migrate === undefined)
        throw new Error(`${spec.id} leaves without a login of its own`);
      return { account, login: database.migrate };
    };
    if (spec.state === "archived") createArchiveJobs(scope, atEnd(), served, done);
    else {
      const backend = pool?.backend(spec) ?? app;
      if (backend === undefined) throw new Error(`nothing answers the hosts of ${spec.id}`);
      const route = createEdge(scope, backend, opened);
      jobs.work([...done, route]);
      createBackup(scope, source, pool?.guards ?? guards);
      if (spec.state === "offboarding") createFinalJobs(scope, atEnd(), source, [...done, route]);
      else if (hasOwnApp(spec.placement)) createMonitoring(scope);
    }
    this.lifecycle = createLifecycle(scope, this, hooks);
    this.databaseUrl = database.url;
    this.registerOutputs({});
  }
}

/** The tenant's hosts whose certificates are in its own namespace, and which prove themselves by HTTP there. */
function solversOf(spec: TenantSpec, cell: CellConfig): number {
  if (spec.state === "archived") return 0;
  if (cell.edge.mode === "gateway") return provingHosts(cell, spec.customHosts.length);
  return hasOwnApp(spec.placement) ? provingHosts(cell, 1 + spec.customHosts.length) : 0;
}

/** What runs in the tenant's own namespace: of pooled tenants only Jobs of moves and of their end. */
function networkOf(scope: TenantScope): NetworkArgs {
  const { spec, cell } = scope;
  const app = runsOwnApp(spec);
  const { placement, move, state, egress } = spec;
  return {
    door: app ? "namespace" : "none",
    bucket: hasOwnApp(placement) || move !== undefined || state === "archived",
    solvers: solversOf(spec, cell),
    egress: app ? egress : [],
  };
}

/** The tenant's own uploads volume, where its placement or a side of its move has one. */
function createOwnVolume(
  scope: TenantScope,
  account: Output<string> | undefined,
  after: readonly Resource[],
): TenantVolume | undefined {
  const { placement, move, uploadsBytes } = scope.spec;
  if (account === undefined || uploadsBytes === 0) return undefined;
  // Until cutover it holds copies only, and in cleanup what is left behind.
  const disposable =
    !hasOwnApp(placement) && move !== undefined && ["prepare", "sync", "cleanup"].includes(move.phase);
  const claim = createUploads(scope, {
    bytes: uploadsBytes,
    protect: !disposable && keepsData(scope.spec),
    after,
  });
  return { namespace: scope.namespace, claim, account };
}

/** A pool's volume, where the tenant has its files in a folder of its id and a ServiceAccount of its own. */
function sharedVolume(
  accountIn: ReturnType<typeof backupAccounts>,
  { name: pool, volume }: SharedApp,
): TenantVolume {
  return { ...volume, pool, account: accountIn({ namespace: volume.namespace, pool }) };
}

/** Whether the tenant has an application of its own in its namespace. */
const runsOwnApp = ({ placement, move, state }: TenantSpec): boolean =>
  state !== "archived" && (hasOwnApp(placement) || move?.phase === "cutover");

/** The tenant's own application. While a move away from it cuts over, it is stopped rather than gone. */
function createOwnApp(
  scope: TenantScope,
  database: TenantDatabase,
  volume: Volume | undefined,
  ready: readonly Resource[],
): App | undefined {
  return volume !== undefined && runsOwnApp(scope.spec)
    ? createApp(scope, database, volume.claim, ready)
    : undefined;
}
