import { createHash } from "node:crypto";
import { PLAN_NAMES, type Catalogue, type Plan, type PlanName } from "./catalogue.ts";
import { egressOf } from "./integrations.ts";
import { compareText } from "./issues.ts";
import { isBillable, isLive, isProvisioned } from "./lifecycle.ts";
import { platformHost, poolLabel, poolName, sharedDatabaseName } from "./naming.ts";
import { effectivePlan, hasOwnApp, isCutOver } from "./placement.ts";
import { namespaceQuota, podCompute, podOf, POOL_JOB_PODS } from "./quota.ts";
import { effectiveVersion, poolVersion, ringOf, servingVersion } from "./rollout.ts";
import type { Defaults, Releases } from "./schema.ts";
import type { Move, PoolSpec, Release, TenantSpec } from "./spec.ts";
import type { TenantEntry } from "./tenantSchema.ts";

export { JOB_POD } from "./quota.ts";

/** Connections that moving a tenant's rows takes. */
const MOVE_CONNECTIONS = 3;

/** Context that a registry resolves in. */
export interface ResolveContext {
  /** The platform's domain, e.g. yourwarehousesaas.com. */
  readonly baseDomain: string;
  /** The cell to resolve for; entries of another are checked but not resolved. Default: all cells. */
  readonly cell?: string;
  /** The cell's region, which its entries must share. Default: any. */
  readonly region?: string;
  /** What completes the names of the cell's pools. Default: nothing. */
  readonly qualifier?: string;
  /** The cells of the base domain, as far as they are known, and how many tenants each may have. */
  readonly ceilings?: ReadonlyMap<string, number>;
}

/** What of the registry is common to all tenants. */
export interface Common {
  readonly releases: Releases;
  readonly defaults: Defaults;
  readonly catalogue: Catalogue;
}

/** Cell of an entry; undefined where it belongs to any cell that reads the registry. */
export const cellOf = (entry: Pick<TenantEntry, "cell">, defaults: Defaults): string | undefined =>
  entry.cell ?? defaults.cell;

/** Region that an entry asks for; undefined where it takes its cell's. */
export const regionOf = (entry: Pick<TenantEntry, "region">, defaults: Defaults): string | undefined =>
  entry.region ?? defaults.region;

/** Bytes of an uploads volume under a plan: the plan's or an override's, unless a larger one is kept. */
export const volumeBytes = (
  { overrides, uploadsVolume }: Pick<TenantEntry, "overrides" | "uploadsVolume">,
  { resources }: Pick<Plan, "resources">,
): number => uploadsVolume ?? overrides.storage ?? resources.storage;

/** The plan that gives an entry an application of its own: that of either side as long as a move lasts. */
function ownAppPlan(entry: Pick<TenantEntry, "plan" | "migration">, { plans }: Catalogue): Plan | undefined {
  const sides = [entry.plan, ...(entry.migration?.from === undefined ? [] : [entry.migration.from])];
  return sides.map((name) => plans[name]).find(({ placement }) => hasOwnApp(placement));
}

/** Bytes of an entry's own uploads volume; 0 where it has none. */
export function uploadsBytes(
  entry: Pick<TenantEntry, "plan" | "migration" | "overrides" | "uploadsVolume">,
  catalogue: Catalogue,
): number {
  const plan = ownAppPlan(entry, catalogue);
  return plan === undefined ? 0 : volumeBytes(entry, plan);
}

/** Applies every default: the only place that knows them. The result is deeply frozen. Tombstones have none. */
export function resolveTenant(
  entry: TenantEntry,
  common: Common,
  context: ResolveContext,
): TenantSpec | undefined {
  if (!isProvisioned(entry.state)) return undefined;
  const { defaults, catalogue } = common;
  const planName = effectivePlan(entry);
  const plan = catalogue.plans[planName];
  const own = ownAppPlan(entry, catalogue);
  const replicas = entry.overrides.replicas ?? (own ?? plan).replicas;
  const pod = podCompute((own ?? plan).resources, replicas.min);
  const uploads = uploadsBytes(entry, catalogue);
  const { features, branding } = entry;
  const move = resolveMove(entry, common);
  const serving = isLive(entry.state) && entry.state !== "suspended" && move?.phase !== "cutover";
  return deepFreeze({
    id: entry.id,
    displayName: entry.displayName ?? entry.id,
    plan: planName,
    placement: plan.placement,
    state: entry.state,
    serving,
    suspensionMode: entry.suspension?.mode ?? "maintenance",
    since: entry.since,
    region: regionOf(entry, defaults) ?? context.region ?? "",
    host: platformHost(entry.id, context.baseDomain),
    customHosts: entry.domains
      .filter((domain) => domain.verification === "verified")
      .map((domain) => domain.host)
      .sort(compareText),
    ring: ringOf(entry, defaults),
    release: released(servingVersion(entry, common).version, common.releases),
    features: {
      aiWorkflows: features.ai_workflows ?? plan.entitlements.aiWorkflows,
      chatbot: features.chatbot ?? plan.entitlements.chatbot,
      theme: features.custom_theme ?? "",
      integrations: [...features.integrations].sort(compareText),
    },
    egress: serving ? egressOf(features.integrations, entry.integrationServers, catalogue.integrations) : [],
    branding: {
      productName: branding.productName ?? "",
      primaryColor: branding.primaryColor ?? "",
      logoUrl: branding.logoUrl ?? "",
    },
    pod,
    replicas: { min: replicas.min, max: replicas.max },
    uploadsBytes: uploads,
    quota: namespaceQuota(
      own === undefined || entry.state === "archived" ? undefined : { pod, replicas },
      uploads,
    ),
    connections: {
      app: plan.database.appConnections,
      // Copying takes a connection to either database, and one to spare for the retry.
      migrate: Math.max(plan.database.migrateConnections, move === undefined ? 0 : MOVE_CONNECTIONS),
      backup: plan.database.backupConnections,
      database: plan.database.connections,
    },
    credentials: { rotation: entry.credentials.rotation },
    dashboard: entry.observability.dashboard,
    backup: {
      schedule: spreadMinute(plan.backup.schedule, entry.id),
      retainDays: plan.backup.retainDays,
      maxAgeMinutes: plan.slo.backupMaxAgeMinutes,
    },
    slo: { availability: plan.slo.availability, p95Ms: plan.slo.p95Ms },
    money: {
      revenueMinor: isBillable(entry.state) ? plan.priceMinor : 0,
      costMinor: plan.cost.totalMinor,
      currency: catalogue.currency,
    },
    ...(move === undefined ? {} : { move }),
    ...(entry.legalHold === undefined ? {} : { legalHold: entry.legalHold.caseRef }),
    ...resolveLeaving(entry),
  });
}

function resolveLeaving({ offboarding }: TenantEntry): Pick<TenantSpec, "leaving"> {
  if (offboarding === undefined) return {};
  const { export: kind, purgeAfter, finalBackup } = offboarding;
  return {
    leaving: {
      exports: kind === "return",
      purgeAfter,
      ...(finalBackup === undefined ? {} : { finalBackup }),
    },
  };
}

/** The other side of a move between placements. */
function resolveMove(entry: TenantEntry, { releases, defaults, catalogue }: Common): Move | undefined {
  const { plan, migration } = entry;
  if (migration?.from === undefined) return undefined;
  const other = isCutOver(migration.phase) ? migration.from : plan;
  const { placement } = catalogue.plans[other];
  const version = hasOwnApp(placement)
    ? effectiveVersion(entry, releases, defaults).version
    : poolVersion(releases);
  return {
    phase: migration.phase,
    other: { plan: other, placement, release: released(version, releases) },
    checksum: migration.checksum ?? "",
  };
}

/** The pools that the catalogue describes, one for each plan whose tenants share the application. Deeply frozen. */
export function resolvePools(
  { releases, catalogue }: Pick<Common, "releases" | "catalogue">,
  { qualifier = "" }: Pick<ResolveContext, "qualifier">,
): PoolSpec[] {
  const release = released(poolVersion(releases), releases);
  return PLAN_NAMES.flatMap((name: PlanName) => {
    const { displayName, placement, pool, replicas, slo, database } = catalogue.plans[name];
    if (placement === "silo" || pool === undefined) return [];
    const pod = podOf(pool);
    const quota = namespaceQuota({ pod, replicas }, pool.storage, POOL_JOB_PODS);
    return deepFreeze({
      plan: name,
      displayName,
      name: poolName(name, qualifier),
      label: poolLabel(name, qualifier),
      sharedDatabase: sharedDatabaseName(qualifier),
      placement,
      release,
      pod,
      replicas: { min: replicas.min, max: replicas.max },
      uploadsBytes: pool.storage,
      quota,
      slo: { availability: slo.availability, p95Ms: slo.p95Ms },
      backupMaxAgeMinutes: slo.backupMaxAgeMinutes,
      connections: database.connections,
    });
  });
}

function released(version: string, { image, versions }: Releases): Release {
  const found = versions[version];
  if (found === undefined) throw new Error(`version ${version} passed validation but is not released`);
  return { version, image: `${image}@${found.digest}`, secrets: found.secrets };
}

/** Replaces the minute of a cron schedule by one drawn from the id, so that a cell's backups do not start together. */
function spreadMinute(schedule: string, id: string): string {
  const minute = createHash("sha256").update(id).digest().readUInt32BE(0) % 60;
  return schedule.replace(/^\S+/, String(minute));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
