import { buildBilling, provisionedCost } from "../billing/build.ts";
import { cellOf } from "../registry/resolve.ts";
import type { LoadedRegistry, RegisteredTenant } from "../registry/load.ts";
import { moveOf } from "../registry/placement.ts";
import { servingVersion } from "../registry/rollout.ts";
import type { Risk } from "./risks.ts";

/** What a tenant brings and costs a month, minor units. */
export interface Money {
  readonly priceMinor: number;
  readonly costMinor: number;
  readonly marginMinor: number;
}

/** A tenant at one time, as far as a review tells of it. */
export interface TenantFacts extends Money {
  readonly plan: string;
  readonly state: string;
  readonly release: string;
  /** The move that is under way: `starter → enterprise: sync`. Empty without. */
  readonly move: string;
  /** Empty where the registry names none. */
  readonly cell: string;
}

/** A registry's tenants by id, in the order of the files. */
export function tenantFacts(registry: LoadedRegistry): ReadonlyMap<string, TenantFacts> {
  const all: readonly RegisteredTenant[] = [...registry.entries, ...registry.elsewhere];
  const { tenants } = buildBilling({ ...registry, entries: all }, "");
  return new Map(
    all.map(({ entry }) => {
      const record = tenants[entry.id];
      const move = moveOf(entry);
      const priceMinor = record?.billable === true ? record.priceMinor : 0;
      const costMinor = record === undefined ? 0 : provisionedCost(record);
      return [
        entry.id,
        {
          plan: record?.plan ?? entry.plan,
          state: entry.state,
          release: servingVersion(entry, registry).version,
          move: move === undefined ? "" : `${move.from} → ${move.to}: ${move.phase}`,
          cell: cellOf(entry, registry.defaults) ?? "",
          ...{ priceMinor, costMinor, marginMinor: priceMinor - costMinor },
        },
      ];
    }),
  );
}

export const NO_MONEY: Money = { priceMinor: 0, costMinor: 0, marginMinor: 0 };

export const difference = (before: Money, after: Money): Money => ({
  priceMinor: after.priceMinor - before.priceMinor,
  costMinor: after.costMinor - before.costMinor,
  marginMinor: after.marginMinor - before.marginMinor,
});

export const sumOf = (all: readonly Money[]): Money =>
  all.reduce(
    (total, { priceMinor, costMinor, marginMinor }) => ({
      priceMinor: total.priceMinor + priceMinor,
      costMinor: total.costMinor + costMinor,
      marginMinor: total.marginMinor + marginMinor,
    }),
    NO_MONEY,
  );

/** The edits of the registry that end in the deletion of data, whatever the preview shows of it. */
export function registryRisks(
  id: string,
  before: TenantFacts | undefined,
  after: TenantFacts | undefined,
): Risk[] {
  const at = {
    cell: after?.cell ?? before?.cell ?? "",
    tenant: id,
    kind: "erased",
    replacedFor: [],
  } as const;
  const risks: Risk[] = [];
  if (after?.state === "deleted" && before !== undefined && before.state !== "deleted")
    risks.push({ ...at, subject: `state ${before.state} → deleted`, message: "deletes all of its data" });
  if (after?.move.endsWith(": cleanup") === true && before?.move.endsWith(": cleanup") !== true)
    risks.push({
      ...at,
      subject: `move ${after.move}`,
      message: "deletes what the side it left still holds",
    });
  return risks;
}
