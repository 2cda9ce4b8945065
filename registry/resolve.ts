import { createHash } from "node:crypto";
import type { Catalogue, Plan } from "./catalogue.ts";
import { compareText } from "./issues.ts";
import { isLive } from "./lifecycle.ts";
import { platformHost } from "./naming.ts";
import { namespaceQuota, podCompute } from "./quota.ts";
import { effectiveVersion, ringOf } from "./rollout.ts";
import type { Defaults, Releases } from "./schema.ts";
import type { TenantSpec } from "./spec.ts";
import type { TenantEntry } from "./tenantSchema.ts";

export { JOB_POD } from "./quota.ts";

/** Context that a registry resolves in. */
export interface ResolveContext {
  /** The platform's domain, e.g. yourwarehousesaas.com. */
  readonly baseDomain: string;
  /** The cell to resolve for; entries of another are checked but not resolved. Default: all cells. */
  readonly cell?: string;
  /** The cell's region, which its entries must share. Default: any. */
  readonly region?: string;
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

/** Bytes of an entry's uploads volume: the plan's or an override's, unless a larger one is kept. */
export const uploadsBytes = (
  { overrides, uploadsVolume }: Pick<TenantEntry, "overrides" | "uploadsVolume">,
  { resources }: Pick<Plan, "resources">,
): number => uploadsVolume ?? overrides.storage ?? resources.storage;

/** Applies every default: the only place that knows them. The result is deeply frozen. Tombstones have none. */
export function resolveTenant(
  entry: TenantEntry,
  { releases, defaults, catalogue }: Common,
  context: ResolveContext,
): TenantSpec | undefined {
  if (!isLive(entry.state)) return undefined;
  const plan = catalogue.plans[entry.plan];
  const { version } = effectiveVersion(entry, releases, defaults);
  const digest = releases.versions[version]?.digest;
  if (digest === undefined) throw new Error(`version ${version} passed validation but has no digest`);
  const replicas = entry.overrides.replicas ?? plan.replicas;
  const uploads = uploadsBytes(entry, plan);
  const pod = podCompute(plan.resources, replicas.min);
  const { features, branding } = entry;
  return deepFreeze({
    id: entry.id,
    displayName: entry.displayName ?? entry.id,
    plan: entry.plan,
    placement: plan.placement,
    state: entry.state,
    serving: entry.state !== "suspended",
    suspensionMode: entry.suspension?.mode ?? "maintenance",
    since: entry.since,
    region: regionOf(entry, defaults) ?? context.region ?? "",
    host: platformHost(entry.id, context.baseDomain),
    customHosts: entry.domains
      .filter((domain) => domain.verification === "verified")
      .map((domain) => domain.host)
      .sort(compareText),
    ring: ringOf(entry, defaults),
    release: { version, image: `${releases.image}@${digest}` },
    features: {
      aiWorkflows: features.ai_workflows ?? plan.entitlements.aiWorkflows,
      chatbot: features.chatbot ?? plan.entitlements.chatbot,
      theme: features.custom_theme ?? "",
      integrations: [...features.integrations].sort(compareText),
    },
    branding: {
      productName: branding.productName ?? "",
      primaryColor: branding.primaryColor ?? "",
      logoUrl: branding.logoUrl ?? "",
    },
    pod,
    replicas: { min: replicas.min, max: replicas.max },
    uploadsBytes: uploads,
    quota: namespaceQuota(pod, replicas.max, uploads),
    connections: {
      app: plan.database.appConnections,
      migrate: plan.database.migrateConnections,
      backup: plan.database.backupConnections,
      database: plan.database.connections,
    },
    credentials: { rotation: entry.credentials.rotation },
    backup: {
      schedule: spreadMinute(plan.backup.schedule, entry.id),
      retainDays: plan.backup.retainDays,
      maxAgeMinutes: plan.slo.backupMaxAgeMinutes,
    },
    slo: { availability: plan.slo.availability, p95Ms: plan.slo.p95Ms },
  });
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
