import type { MergedBilling, MergedRecord } from "./merge.ts";

export const EVENT_TYPES = ["started", "changed", "paused", "resumed", "ended"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** What happens to a subscription between two outputs. Made of the records alone: replays give the same events. */
export interface BillingEvent {
  /** `<idempotency key of the new record>:<type>`: what was done under it is not done again. */
  readonly id: string;
  readonly type: EventType;
  readonly tenantId: string;
  readonly customerRef: string | null;
  readonly subscriptionRef: string | null;
  /** RFC 3339 UTC. */
  readonly effectiveAt: string;
  readonly plan: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly interval: "month";
  /** What held before; null where nothing was charged. */
  readonly previous: { readonly plan: string; readonly priceMinor: number } | null;
  /** prorate: from effectiveAt; period_end: with the next period; none: nothing is due for the part of a period. */
  readonly proration: "prorate" | "period_end" | "none";
}

type Phase = "none" | "charged" | "paused" | "ended";

/** The events that lead from one output to a later one, tenant by tenant. */
export function billingEvents(
  before: MergedBilling,
  after: MergedBilling,
): { readonly events: readonly BillingEvent[]; readonly missing: readonly string[] } {
  return {
    events: [...after.tenants.values()].flatMap(
      (record) => eventOf(before.tenants.get(record.tenantId), record, after.currency) ?? [],
    ),
    // Tombstones stay: a record that is gone was left out, not ended.
    missing: [...before.tenants.keys()].filter((id) => !after.tenants.has(id)),
  };
}

function eventOf(
  before: MergedRecord | undefined,
  after: MergedRecord,
  currency: string,
): BillingEvent | undefined {
  if (before?.revision === after.revision) return undefined;
  const type = typeOf(before, after);
  if (type === undefined) return undefined;
  const { tenantId, customerRef, subscriptionRef, effectiveAt, plan, priceMinor, interval } = after;
  return {
    id: `${after.idempotencyKey}:${type}`,
    type,
    ...{ tenantId, customerRef, subscriptionRef, effectiveAt, plan, priceMinor, currency, interval },
    previous:
      before === undefined || phaseOf(before) === "none" || phaseOf(before) === "ended"
        ? null
        : { plan: before.plan, priceMinor: before.priceMinor },
    proration: prorationOf(type, before, after),
  };
}

function typeOf(before: MergedRecord | undefined, after: MergedRecord): EventType | undefined {
  const [from, to] = [before === undefined ? "none" : phaseOf(before), phaseOf(after)];
  switch (to) {
    case "charged":
      if (from === "charged") return before !== undefined && isChanged(before, after) ? "changed" : undefined;
      return from === "paused" ? "resumed" : "started";
    case "paused":
      return from === "charged" ? "paused" : undefined;
    case "ended":
      return from === "charged" || from === "paused" ? "ended" : undefined;
    case "none":
      return undefined;
    default:
      return to satisfies never;
  }
}

/** By what is due. A suspended trial counts as paused: resuming what never started starts it. */
function phaseOf({ billable, state }: MergedRecord): Phase {
  if (billable) return "charged";
  switch (state) {
    case "trial":
      return "none";
    case "suspended":
      return "paused";
    case "active":
    case "past_due":
    case "offboarding":
    case "archived":
    case "deleted":
      return "ended";
    default:
      return state satisfies never;
  }
}

/** past_due is what the billing system itself has said: it changes nothing there. */
const isChanged = (before: MergedRecord, after: MergedRecord): boolean =>
  before.plan !== after.plan ||
  before.priceMinor !== after.priceMinor ||
  before.customerRef !== after.customerRef ||
  before.subscriptionRef !== after.subscriptionRef ||
  JSON.stringify(before.entitlements) !== JSON.stringify(after.entitlements);

function prorationOf(
  type: EventType,
  before: MergedRecord | undefined,
  after: MergedRecord,
): BillingEvent["proration"] {
  if (type !== "changed" || before === undefined) return type === "paused" ? "none" : "prorate";
  if (before.priceMinor === after.priceMinor) return "none";
  return after.priceMinor > before.priceMinor ? "prorate" : "period_end";
}
