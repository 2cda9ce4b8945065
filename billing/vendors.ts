import type { BillingEvent } from "./events.ts";

export const VENDORS = ["stripe", "lago", "openmeter"] as const;
export type Vendor = (typeof VENDORS)[number];

/** A request to a billing system, as an example of how an event maps to it. Nothing here sends it. */
export interface VendorRequest {
  readonly event: string;
  readonly method: "POST" | "DELETE";
  readonly path: string;
  /** Stripe: form fields; the others: JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Value of the header Idempotency-Key. Where a vendor has none, keep the events that were done. */
  readonly idempotencyKey: string;
}

type Mapping = (event: BillingEvent) => Pick<VendorRequest, "method" | "path" | "body">;

/** What is in braces is to be looked up: the registry does not know it. */
const subscription = ({ subscriptionRef }: BillingEvent): string => subscriptionRef ?? "{subscription}";
const customer = ({ customerRef, tenantId }: BillingEvent): string => customerRef ?? tenantId;
const seconds = ({ effectiveAt }: BillingEvent): number => Math.floor(Date.parse(effectiveAt) / 1000);

/** A product `warehouse-<plan>` per plan; the price is the catalogue's, so that it has one source. */
const stripe: Mapping = (event) => {
  const path = `/v1/subscriptions/${subscription(event)}`;
  const item = {
    "items[0][price_data][product]": `warehouse-${event.plan}`,
    "items[0][price_data][currency]": event.currency.toLowerCase(),
    "items[0][price_data][unit_amount]": event.priceMinor,
    "items[0][price_data][recurring][interval]": event.interval,
  };
  switch (event.type) {
    case "started":
      return {
        method: "POST",
        path: "/v1/subscriptions",
        body: {
          customer: customer(event),
          ...item,
          backdate_start_date: seconds(event),
          "metadata[tenant]": event.tenantId,
        },
      };
    case "changed":
      return {
        method: "POST",
        path,
        body: {
          // Without it Stripe would add a second item and charge both.
          "items[0][id]": "{id of the subscription's item}",
          ...item,
          ...(event.proration === "prorate"
            ? { proration_behavior: "create_prorations", proration_date: seconds(event) }
            : { proration_behavior: "none" }),
        },
      };
    case "paused":
      return { method: "POST", path, body: { "pause_collection[behavior]": "void" } };
    case "resumed":
      return { method: "POST", path, body: { pause_collection: "" } };
    case "ended":
      return { method: "DELETE", path, body: { prorate: true, invoice_now: true } };
    default:
      return event.type satisfies never;
  }
};

/** The subscription's external id is the tenant's. Lago knows no pause: it ends, and a new one starts. */
const lago: Mapping = (event) => {
  switch (event.type) {
    case "started":
    case "resumed":
    case "changed":
      return {
        method: "POST",
        path: "/api/v1/subscriptions",
        body: {
          subscription: {
            external_customer_id: customer(event),
            external_id: event.tenantId,
            plan_code: event.plan,
            ...(event.type === "changed" ? {} : { subscription_at: event.effectiveAt }),
            plan_overrides: { amount_cents: event.priceMinor, amount_currency: event.currency },
          },
        },
      };
    case "paused":
    case "ended":
      return { method: "DELETE", path: `/api/v1/subscriptions/${event.tenantId}`, body: {} };
    default:
      return event.type satisfies never;
  }
};

/** A published plan by the same key per plan. OpenMeter knows no pause either. */
const openmeter: Mapping = (event) => {
  const path = `/api/v1/subscriptions/${subscription(event)}`;
  const plan = { key: event.plan };
  switch (event.type) {
    case "started":
    case "resumed":
      return {
        method: "POST",
        path: "/api/v1/subscriptions",
        body: {
          customerKey: customer(event),
          plan,
          timing: "immediate",
          metadata: { tenant: event.tenantId },
        },
      };
    case "changed": {
      const timing = event.proration === "period_end" ? "next_billing_cycle" : "immediate";
      return { method: "POST", path: `${path}/change`, body: { plan, timing } };
    }
    case "paused":
    case "ended":
      return { method: "POST", path: `${path}/cancel`, body: { timing: "immediate" } };
    default:
      return event.type satisfies never;
  }
};

const MAPPINGS: Readonly<Record<Vendor, Mapping>> = { stripe, lago, openmeter };

export const vendorRequest = (vendor: Vendor, event: BillingEvent): VendorRequest => ({
  event: event.id,
  ...MAPPINGS[vendor](event),
  idempotencyKey: event.id,
});
