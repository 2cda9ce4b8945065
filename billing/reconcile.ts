import type { MergedBilling, MergedRecord } from "./merge.ts";

/** A subscription as the billing system exports it. */
export interface Subscription {
  readonly subscription: string;
  /** Empty where the export has none. */
  readonly customer: string;
  /** Our id of the tenant, from the subscription's metadata. Empty where the export has none. */
  readonly tenant: string;
  readonly status: string;
  /** Price an interval, minor units. */
  readonly amountMinor: number;
  readonly currency: string;
}

export const FINDINGS = ["double_charge", "silent_zero", "orphan", "wrong_amount"] as const;

/** A difference between what is due and what is charged. */
export interface Finding {
  readonly kind: (typeof FINDINGS)[number];
  /** Empty where no tenant is known. */
  readonly tenant: string;
  readonly subscriptions: readonly string[];
  readonly message: string;
}

/** Of Stripe, Lago and OpenMeter: those in which nothing is charged any more, or not now. */
const SILENT = new Set([
  "canceled",
  "cancelled",
  "terminated",
  "ended",
  "inactive",
  "paused",
  "incomplete_expired",
]);

/**
 * Compares what is due with a billing system's export.
 * double_charge: a tenant is charged by several subscriptions, or one is that of several tenants; silent_zero: a tenant
 * that is due is charged nothing; orphan: a subscription charges for nobody, or for one that is not due;
 * wrong_amount: another amount or currency than the catalogue's.
 */
export function reconcile(
  { tenants, currency }: MergedBilling,
  subscriptions: readonly Subscription[],
): readonly Finding[] {
  const charging = subscriptions.filter(({ status }) => !SILENT.has(status.toLowerCase()));
  const owned = charging.map((subscription) => ({ subscription, owner: ownerOf(subscription, tenants) }));
  const findings: Finding[] = [...sharedReferences(tenants)];
  for (const record of tenants.values()) {
    const own = owned.flatMap(({ subscription, owner }) => (owner === record.tenantId ? [subscription] : []));
    findings.push(...findingsOf(record, own, currency));
  }
  for (const { subscription, owner } of owned) {
    if (owner !== undefined) continue;
    const message = `charges ${amountOf(subscription)}, but no tenant is known for it`;
    findings.push({ kind: "orphan", tenant: "", subscriptions: [subscription.subscription], message });
  }
  return findings.sort((a, b) => FINDINGS.indexOf(a.kind) - FINDINGS.indexOf(b.kind));
}

/** By the subscription that the registry names, else by the tenant in its metadata, else by the customer, if unique. */
function ownerOf(
  { subscription, tenant, customer }: Subscription,
  tenants: ReadonlyMap<string, MergedRecord>,
): string | undefined {
  const all = [...tenants.values()];
  const named = all.find(({ subscriptionRef }) => subscriptionRef === subscription);
  if (named !== undefined) return named.tenantId;
  if (tenants.has(tenant)) return tenant;
  const ofCustomer = all.filter(({ customerRef }) => customer !== "" && customerRef === customer);
  return ofCustomer.length === 1 ? ofCustomer[0]?.tenantId : undefined;
}

function findingsOf(
  { tenantId: tenant, billable, state, priceMinor }: MergedRecord,
  own: readonly Subscription[],
  currency: string,
): Finding[] {
  const found = (kind: Finding["kind"], of: readonly Subscription[], message: string): Finding => ({
    kind,
    tenant,
    subscriptions: of.map(({ subscription }) => subscription),
    message,
  });
  if (!billable) {
    const paid = own.filter(({ amountMinor }) => amountMinor > 0);
    return paid.length === 0
      ? []
      : [found("orphan", paid, `charges ${paid.map(amountOf).join(" and ")} for a tenant in state ${state}`)];
  }
  const paid = own.filter(({ amountMinor }) => amountMinor > 0);
  const [only, ...more] = paid;
  if (only === undefined)
    return priceMinor === 0
      ? []
      : [found("silent_zero", own, `nothing is charged, ${priceMinor} ${currency} are due`)];
  if (more.length > 0)
    return [
      found(
        "double_charge",
        paid,
        `${paid.length} subscriptions charge: ${paid.map(amountOf).join(" and ")}`,
      ),
    ];
  return only.amountMinor === priceMinor && only.currency.toUpperCase() === currency
    ? []
    : [found("wrong_amount", paid, `${amountOf(only)} are charged, ${priceMinor} ${currency} are due`)];
}

/** Subscriptions that several tenants name: each would seem to be paid for. */
function sharedReferences(tenants: ReadonlyMap<string, MergedRecord>): Finding[] {
  const byReference = new Map<string, string[]>();
  for (const { tenantId, subscriptionRef, billable } of tenants.values()) {
    if (subscriptionRef === null || !billable) continue;
    byReference.set(subscriptionRef, [...(byReference.get(subscriptionRef) ?? []), tenantId]);
  }
  return [...byReference]
    .filter(([, ids]) => ids.length > 1)
    .map(([reference, ids]) => ({
      kind: "double_charge" as const,
      tenant: ids[0] ?? "",
      subscriptions: [reference],
      message: `is the subscription of ${ids.join(" and ")}`,
    }));
}

const amountOf = ({ amountMinor, currency }: Subscription): string =>
  `${amountMinor} ${currency.toUpperCase()}`;
