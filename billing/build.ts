import { createHash } from "node:crypto";
import type { Catalogue } from "../registry/catalogue.ts";
import type { LoadedRegistry } from "../registry/load.ts";
import type { TenantEntry } from "../registry/schema.ts";
import type { Billing, BillingRecord } from "./contract.ts";

const CONTRACT_VERSION = "1.0.0";

/**
 * Builds the stack output `billing` from registry and catalogue alone: no resource output, or one failed tenant would
 * keep everybody's record from being written; no clock, or every `up` would show a change.
 * @param cell name of the cell
 */
export function buildBilling({ registry, catalogue }: LoadedRegistry, cell: string): Billing {
  const records = registry.tenants.map((entry) => billingRecord(entry, catalogue));
  const billable = records.filter((record) => record.billable);
  return {
    contract: "tenantstack.io/billing",
    contractVersion: CONTRACT_VERSION,
    cell,
    catalogVersion: catalogue.catalogVersion,
    currency: catalogue.currency,
    tenants: Object.fromEntries(records.map((record) => [record.tenantId, record])),
    totals: {
      billableCount: billable.length,
      mrrMinor: sum(billable.map((record) => record.priceMinor)),
      estimatedCostMinor: sum(records.map((record) => record.estimatedCostMinor)),
    },
  };
}

function billingRecord(entry: TenantEntry, catalogue: Catalogue): BillingRecord {
  const { priceMinor, cost, resources } = catalogue.plans[entry.plan];
  const grossMarginMinor = priceMinor - cost.totalMinor;
  const fields = {
    tenantId: entry.id,
    customerRef: entry.billing.customerRef ?? null,
    subscriptionRef: entry.billing.subscriptionRef ?? null,
    plan: entry.plan,
    state: entry.state,
    billable: isBillable(entry.state),
    effectiveAt: entry.since,
    interval: "month" as const,
    priceMinor,
    estimatedCostMinor: cost.totalMinor,
    costBreakdownMinor: {
      compute: cost.totalMinor - cost.aiMinor - cost.supportMinor,
      ai: cost.aiMinor,
      support: cost.supportMinor,
    },
    grossMarginMinor,
    grossMarginBps: priceMinor === 0 ? 0 : Math.round((grossMarginMinor * 10_000) / priceMinor),
    entitlements: {
      cpuMillicores: resources.cpu,
      memoryBytes: resources.memory,
      storageBytes: resources.storage,
    },
  };
  const revision = createHash("sha256").update(JSON.stringify(fields)).digest("hex").slice(0, 16);
  return { ...fields, revision, idempotencyKey: `billing-v1:${entry.id}:${revision}` };
}

function isBillable(state: TenantEntry["state"]): boolean {
  switch (state) {
    case "trial":
      return false;
    case "active":
    case "past_due":
      return true;
    default:
      return state satisfies never;
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
