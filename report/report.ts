import { provisionedCost, totalsOf } from "../billing/build.ts";
import type { BillingRecord } from "../billing/contract.ts";
import { DRILL_MAX_DAYS } from "../monitoring/rules.ts";
import type { Plan } from "../registry/catalogue.ts";
import { isProvisioned } from "../registry/lifecycle.ts";
import type { LoadedRegistry, RegisteredTenant } from "../registry/load.ts";
import { moveOf } from "../registry/placement.ts";
import { cellOf, regionOf } from "../registry/resolve.ts";
import { ringOf, servingVersion } from "../registry/rollout.ts";
import { attentionOf, type Attention } from "./attention.ts";
import {
  SECTIONS,
  type Applied,
  type Backup,
  type CertificateFact,
  type Drill,
  type LiveFacts,
  type QuotaUse,
  type Service,
  type Source,
} from "./facts.ts";

/** What is known of a tenant. Of facts that were looked for, null: there is none; absent: nobody could look. */
export interface TenantReport {
  readonly id: string;
  readonly displayName: string;
  /** Empty where the registry names none. */
  readonly cell: string;
  readonly region: string;
  readonly plan: string;
  readonly placement: string;
  readonly state: string;
  readonly since: string;
  /** null of a tombstone. */
  readonly ring: number | null;
  readonly version: string | null;
  readonly pinned: boolean;
  /** `starter → enterprise: sync`; null without. */
  readonly move: string | null;
  /** Due a month, minor units; 0 where nothing is. */
  readonly priceMinor: number;
  readonly costMinor: number;
  /** Of the price, basis points; null where nothing is due. */
  readonly marginBps: number | null;
  readonly objective: Plan["slo"];
  readonly applied?: Applied | null;
  readonly backup?: Backup | null;
  readonly drill?: Drill | null;
  readonly certificates?: readonly CertificateFact[];
  readonly quota?: QuotaUse | null;
  /** Resources that differ from the last `up`. */
  readonly drifted?: number;
  readonly service?: Service | null;
}

/** So many tenants for each value, the most first. */
export type Distribution = readonly { readonly value: string; readonly count: number }[];

export interface Report {
  /** RFC 3339 UTC. */
  readonly generatedAt: string;
  /** Commit of the checkout; null outside of Git. */
  readonly commit: string | null;
  /** ISO 4217. */
  readonly currency: string;
  readonly totals: {
    /** Those that exist: tombstones are not counted. */
    readonly tenants: number;
    readonly billable: number;
    /** A month, minor units. */
    readonly mrrMinor: number;
    readonly costMinor: number;
    readonly marginMinor: number;
    readonly marginBps: number | null;
  };
  readonly distributions: Readonly<Record<"plan" | "state" | "ring" | "version", Distribution>>;
  readonly attention: readonly Attention[];
  /** In the order of the registry; tombstones last. */
  readonly tenants: readonly TenantReport[];
  readonly sources: Readonly<Record<"registry" | keyof LiveFacts, Source>>;
}

/** What a report is made of. */
export interface ReportInput {
  readonly registry: LoadedRegistry;
  /** By tenant. */
  readonly billing: Readonly<Record<string, BillingRecord>>;
  readonly facts: LiveFacts;
  readonly now: Date;
  readonly commit: string | null;
}

/** Puts together what is known of all tenants. Free of secrets: it is made of names, numbers and times. */
export function buildReport({ registry, billing, facts, now, commit }: ReportInput): Report {
  const { catalogue } = registry;
  const all = [...registry.entries, ...registry.elsewhere].map((tenant) =>
    tenantReport(tenant, registry, billing, facts),
  );
  const present = all.filter(({ state }) => state !== "deleted");
  const { billableCount, mrrMinor, estimatedCostMinor } = totalsOf(Object.values(billing));
  const marginMinor = mrrMinor - estimatedCostMinor;
  const generatedAt = now.toISOString().replace(/\.\d+Z$/, "Z");
  return {
    generatedAt,
    commit,
    currency: catalogue.currency,
    totals: {
      tenants: present.length,
      billable: billableCount,
      mrrMinor,
      costMinor: estimatedCostMinor,
      marginMinor,
      marginBps: mrrMinor === 0 ? null : Math.round((marginMinor * 10_000) / mrrMinor),
    },
    distributions: {
      plan: distribution(present.map(({ plan }) => plan)),
      state: distribution(present.map(({ state }) => state)),
      ring: distribution(present.flatMap(({ ring }) => (ring === null ? [] : `ring ${ring}`))),
      version: distribution(present.flatMap(({ version }) => version ?? [])),
    },
    attention: attentionOf(present, registry.warnings, now, DRILL_MAX_DAYS),
    tenants: [...present, ...all.filter(({ state }) => state === "deleted")],
    sources: {
      registry: { read: true, from: "tenants/ of this checkout", at: generatedAt },
      ...(Object.fromEntries(SECTIONS.map((section) => [section, facts[section].source])) as Readonly<
        Record<keyof LiveFacts, Source>
      >),
    },
  };
}

function tenantReport(
  { entry }: RegisteredTenant,
  registry: LoadedRegistry,
  billing: Readonly<Record<string, BillingRecord>>,
  facts: LiveFacts,
): TenantReport {
  const { defaults, catalogue, context } = registry;
  const { id, state, since, displayName = id } = entry;
  const record = billing[id];
  if (record === undefined) throw new Error(`${id} has no billing record`);
  const exists = isProvisioned(state);
  const move = moveOf(entry);
  const { plan, placement } = record;
  return {
    ...{ id, displayName, plan, placement, state, since },
    cell: cellOf(entry, defaults) ?? context.cell ?? "",
    region: regionOf(entry, defaults) ?? context.region ?? "",
    ring: exists ? ringOf(entry, defaults) : null,
    version: exists ? servingVersion(entry, registry).version : null,
    pinned: entry.pin !== undefined,
    move: move === undefined ? null : `${move.from} → ${move.to}: ${move.phase}`,
    priceMinor: record.billable ? record.priceMinor : 0,
    costMinor: provisionedCost(record),
    marginBps: record.billable ? record.grossMarginBps : null,
    objective: catalogue.plans[entry.plan].slo,
    ...(exists ? factsOf(id, facts) : {}),
  };
}

function factsOf(id: string, facts: LiveFacts): Partial<TenantReport> {
  const { applied, backups, drills, certificates, quotas, drift, service } = facts;
  const found: { -readonly [Key in keyof TenantReport]?: TenantReport[Key] } = {};
  if (applied.source.read) found.applied = applied.byTenant.get(id) ?? null;
  if (backups.source.read) found.backup = backups.byTenant.get(id) ?? null;
  if (drills.source.read) found.drill = drills.byTenant.get(id) ?? null;
  if (certificates.source.read) found.certificates = certificates.byTenant.get(id) ?? [];
  if (quotas.source.read) found.quota = quotas.byTenant.get(id) ?? null;
  if (drift.source.read) found.drifted = drift.byTenant.get(id) ?? 0;
  if (service.source.read) found.service = service.byTenant.get(id) ?? null;
  return found;
}

function distribution(values: readonly string[]): Distribution {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
}
