import { billingEvents, type BillingEvent } from "../../billing/events.ts";
import { vendorRequest, VENDORS } from "../../billing/vendors.ts";
import { tombstone } from "../support/registry.ts";
import { billingOf, mergedOf } from "../support/billing.ts";

const ACTIVE = {
  id: "one",
  plan: "ai_enhanced",
  billing: { customerRef: "cus_1", subscriptionRef: "sub_1" },
};
const LATER = "2026-03-01T00:00:00Z";
const later = (change: object) => ({ ...ACTIVE, since: LATER, ...change });
const events = (before: readonly object[], after: readonly object[]): readonly BillingEvent[] =>
  billingEvents(mergedOf(billingOf("c", ...before)), mergedOf(billingOf("c", ...after))).events;
const OTHER = { id: "other", plan: "starter" };

describe("billingEvents", () => {
  it.each<[string, object | undefined, object, string | undefined]>([
    ["a new tenant", undefined, ACTIVE, "started prorate"],
    ["a new trial", undefined, later({ state: "trial" }), undefined],
    ["the end of a trial", { ...ACTIVE, state: "trial" }, later({}), "started prorate"],
    ["an upgrade", ACTIVE, later({ plan: "enterprise" }), "changed prorate"],
    ["a downgrade", { ...ACTIVE, plan: "enterprise" }, later({}), "changed period_end"],
    ["another subscription", ACTIVE, { ...ACTIVE, billing: { subscriptionRef: "sub_2" } }, "changed none"],
    ["nothing", ACTIVE, ACTIVE, undefined],
    ["a display name", ACTIVE, { ...ACTIVE, displayName: "Other" }, undefined],
    ["a late payment", ACTIVE, later({ state: "past_due" }), undefined],
    ["a suspension", ACTIVE, later({ state: "suspended" }), "paused none"],
    ["the end of a suspension", { ...ACTIVE, state: "suspended" }, later({}), "resumed prorate"],
    ["a suspended trial", { ...ACTIVE, state: "trial" }, later({ state: "suspended" }), undefined],
    ["the end", { ...ACTIVE, id: "gone" }, tombstone, "ended prorate"],
    [
      "the end of a suspended tenant",
      { ...ACTIVE, id: "gone", state: "suspended" },
      tombstone,
      "ended prorate",
    ],
    ["the end of a trial that never paid", { ...ACTIVE, id: "gone", state: "trial" }, tombstone, undefined],
  ])("makes of %s the right event", (_, before, after, expected) => {
    const found = events(before === undefined ? [OTHER] : [OTHER, before], [OTHER, after]);
    expect(found.map(({ type, proration }) => `${type} ${proration}`)).toEqual(
      expected === undefined ? [] : [expected],
    );
  });

  it("tells what it takes to act on it, and the same at every replay", () => {
    const [change] = events([ACTIVE], [later({ plan: "enterprise" })]);
    expect(change).toEqual({
      id: expect.stringMatching(/^billing-v1:one:[0-9a-f]{16}:changed$/) as string,
      type: "changed",
      tenantId: "one",
      customerRef: "cus_1",
      subscriptionRef: "sub_1",
      effectiveAt: LATER,
      plan: "enterprise",
      priceMinor: 69_900,
      currency: "USD",
      interval: "month",
      previous: { plan: "ai_enhanced", priceMinor: 39_900 },
      proration: "prorate",
    });
    expect(events([ACTIVE], [later({ plan: "enterprise" })])[0]).toEqual(change);
  });

  it("starts a returning tenant under a new key", () => {
    const [first] = events([OTHER], [ACTIVE]);
    const [again] = events([OTHER], [later({})]);
    expect(first?.id).not.toBe(again?.id);
  });

  it("takes a record that is gone for a cell that was left out, not for an end", () => {
    const [before, after] = [mergedOf(billingOf("c", ACTIVE, OTHER)), mergedOf(billingOf("c", OTHER))];
    expect(billingEvents(before, after)).toEqual({ events: [], missing: ["one"] });
  });
});

describe("vendorRequest", () => {
  const all = [
    ...events([OTHER], [ACTIVE]),
    ...events([ACTIVE], [later({ plan: "enterprise" })]),
    ...events([ACTIVE], [later({ state: "suspended" })]),
    ...events([{ ...ACTIVE, state: "suspended" }], [later({})]),
    ...events([{ ...ACTIVE, id: "gone" }], [tombstone]),
  ];

  it("maps every event for every vendor, under the event's key", () => {
    for (const vendor of VENDORS)
      for (const event of all)
        expect(vendorRequest(vendor, event)).toMatchObject({ event: event.id, idempotencyKey: event.id });
    expect(all.map(({ type }) => type)).toEqual(["started", "changed", "paused", "resumed", "ended"]);
  });

  it("prorates an upgrade at Stripe from its effective time, in the item that is there", () => {
    const [, change] = all;
    if (change === undefined) throw new Error("no event");
    expect(vendorRequest("stripe", change)).toMatchObject({
      method: "POST",
      path: "/v1/subscriptions/sub_1",
      body: {
        "items[0][id]": "{id of the subscription's item}",
        "items[0][price_data][unit_amount]": 69_900,
        "items[0][price_data][currency]": "usd",
        proration_behavior: "create_prorations",
        proration_date: Date.parse(LATER) / 1000,
      },
    });
  });
});
