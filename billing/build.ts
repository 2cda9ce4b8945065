import { createHash } from "node:crypto";
import type { Catalogue } from "../registry/catalogue.ts";
import { isBillable, type TenantState } from "../registry/lifecycle.ts";
import type { LoadedRegistry } from "../registry/load.ts";
import { planMargin } from "../registry/margins.ts";
import { effectivePlan } from "../registry/placement.ts";
import type { TenantEntry } from "../registry/tenantSchema.ts";
import type { Billing, BillingRecord } from "./contract.ts";

const CONTRACT_VERSION = "1.0.0";

/**
 * Builds the stack output `billing` from registry and catalogue alone: no resource output, or one failed tenant would
 * keep everybody's record from being written; no clock, or every `up` would show a change. Tombstones stay, so that
 * the billing system sees the end of a subscription whenever it looks.
 * @param cell name of the cell
 */
export function buildBilling(
  { entries, catalogue }: Pick<LoadedRegistry, "entries" | "catalogue">,
  cell: string,
): Billing {
  const records = entries.map(({ entry }) => billingRecord(entry, catalogue));
  return {
    contract: "tenantstack.io/billing",
    contractVersion: CONTRACT_VERSION,
    cell,
    catalogVersion: catalogue.catalogVersion,
    currency: catalogue.currency,
    tenants: Object.fromEntries(records.map((record) => [record.tenantId, record])),
    totals: totalsOf(records),
  };
}

function billingRecord(entry: TenantEntry, catalogue: Catalogue): BillingRecord {
  const planName = effectivePlan(entry);
  const plan = catalogue.plans[planName];
  const { priceMinor, cost, resources, placement } = plan;
  const { marginMinor, marginBps, computeMinor } = planMargin(plan);
  const charged = {
    tenantId: entry.id,
    customerRef: entry.billing.customerRef ?? null,
    subscriptionRef: entry.billing.subscriptionRef ?? null,
    plan: planName,
    state: entry.state,
    billable: isBillable(entry.state),
    effectiveAt: entry.since,
    interval: "month" as const,
    priceMinor,
    entitlements: {
      cpuMillicores: resources.cpu,
      memoryBytes: resources.memory,
      storageBytes: resources.storage,
    },
  };
  // Costs and placement are told, but change nothing for the customer. A field that a later 1.x adds stays out as well:
  // a new revision of every tenant would have the billing system update every subscription.
  const revision = revisionOf({ ...charged, currency: catalogue.currency });
  return {
    ...charged,
    placement,
    estimatedCostMinor: cost.totalMinor,
    costBreakdownMinor: { compute: computeMinor, ai: cost.aiMinor, support: cost.supportMinor },
    grossMarginMinor: marginMinor,
    grossMarginBps: marginBps,
    revision,
    idempotencyKey: idempotencyKey(entry.id, revision),
  };
}

const revisionOf = (charged: object): string =>
  createHash("sha256").update(JSON.stringify(charged)).digest("hex").slice(0, 16);

export const idempotencyKey = (tenant: string, revision: string): string =>
  `billing-v1:${tenant}:${revision}`;

/** What the tenant's environment costs, minor units: nothing once it is gone. */
export const provisionedCost = ({
  state,
  estimatedCostMinor,
}: Pick<BillingRecord, "state" | "estimatedCostMinor">): number =>
  isProvisioned(state) ? estimatedCostMinor : 0;

function isProvisioned(state: TenantState): boolean {
  return state !== "archived" && state !== "deleted";
}

/** What the tenants bring and cost together. */
export const totalsOf = (records: readonly BillingRecord[]): Billing["totals"] => ({
  billableCount: records.filter(({ billable }) => billable).length,
  mrrMinor: sum(records.map(({ billable, priceMinor }) => (billable ? priceMinor : 0))),
  estimatedCostMinor: sum(records.map(provisionedCost)),
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
