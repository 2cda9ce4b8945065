import { readExport } from "../../billing/export.ts";
import { reconcile, type Subscription } from "../../billing/reconcile.ts";
import { formatIssue } from "../../registry/issues.ts";
import { tombstone } from "../support/registry.ts";
import { billingOf, mergedOf } from "../support/billing.ts";

const due = mergedOf(
  billingOf(
    "west",
    { id: "one", billing: { customerRef: "cus_1", subscriptionRef: "sub_1" } },
    { id: "two", plan: "starter", billing: { customerRef: "cus_2", subscriptionRef: "sub_2" } },
    { id: "held", state: "suspended", billing: { subscriptionRef: "sub_3" } },
    tombstone,
  ),
);
const subscription = (id: string, amountMinor: number, rest: Partial<Subscription> = {}): Subscription => ({
  subscription: id,
  customer: "",
  tenant: "",
  status: "active",
  amountMinor,
  currency: "usd",
  ...rest,
});
const GOOD = [
  subscription("sub_1", 69_900),
  subscription("sub_2", 9_900),
  subscription("sub_3", 69_900, { status: "paused" }),
];
const found = (...subscriptions: Subscription[]): string[] =>
  reconcile(due, subscriptions).map(
    ({ kind, tenant, subscriptions: of }) => `${kind} ${tenant || "-"} ${of.join("+")}`,
  );

describe("reconcile", () => {
  it("finds nothing where what is due is charged", () => {
    expect(found(...GOOD)).toEqual([]);
  });

  it("finds a tenant that is charged twice, by reference, metadata or customer", () => {
    expect(found(...GOOD, subscription("sub_9", 69_900, { tenant: "one" }))).toEqual([
      "double_charge one sub_1+sub_9",
    ]);
    expect(found(...GOOD, subscription("sub_9", 9_900, { customer: "cus_2" }))).toEqual([
      "double_charge two sub_2+sub_9",
    ]);
    expect(found(...GOOD, subscription("sub_9", 9_900, { customer: "cus_2", status: "canceled" }))).toEqual(
      [],
    );
  });

  it("finds a tenant that is charged nothing", () => {
    const [one, two, held] = GOOD as [Subscription, Subscription, Subscription];
    expect(found(two, held)).toEqual(["silent_zero one "]);
    expect(found({ ...one, status: "canceled" }, two, held)).toEqual(["silent_zero one "]);
    expect(found({ ...one, amountMinor: 0 }, two, held)).toEqual(["silent_zero one sub_1"]);
  });

  it("finds what charges for nobody, and for those who are suspended or gone", () => {
    expect(found(...GOOD, subscription("sub_9", 100))).toEqual(["orphan - sub_9"]);
    expect(found(...GOOD, subscription("sub_9", 100, { tenant: "gone" }))).toEqual(["orphan gone sub_9"]);
    expect(found(...GOOD.slice(0, 2), subscription("sub_3", 69_900))).toEqual(["orphan held sub_3"]);
  });

  it("finds another amount and another currency", () => {
    const [one, ...rest] = GOOD as [Subscription, ...Subscription[]];
    expect(found({ ...one, amountMinor: 39_900 }, ...rest)).toEqual(["wrong_amount one sub_1"]);
    expect(found({ ...one, currency: "eur" }, ...rest)).toEqual(["wrong_amount one sub_1"]);
  });
});

describe("readExport", () => {
  const CSV =
    'subscription,customer,status,amount_minor,currency,name\r\nsub_1,cus_1,active,69900,usd,"ACME, ""the"" Corp"\r\nsub_2,,canceled,0,USD,"two\nlines"\n';

  it("reads CSV and JSON alike", () => {
    const csv = readExport(CSV, "a.csv");
    expect(csv).toEqual({
      ok: true,
      value: [
        {
          subscription: "sub_1",
          customer: "cus_1",
          tenant: "",
          status: "active",
          amountMinor: 69_900,
          currency: "usd",
        },
        {
          subscription: "sub_2",
          customer: "",
          tenant: "",
          status: "canceled",
          amountMinor: 0,
          currency: "USD",
        },
      ],
    });
    const json = JSON.stringify({
      data: [{ subscription: "sub_1", customer: null, status: "active", amount_minor: 1, currency: "usd" }],
    });
    expect(readExport(json, "a.json")).toMatchObject({
      ok: true,
      value: [{ subscription: "sub_1", amountMinor: 1 }],
    });
  });

  it("names the line of what it cannot read", () => {
    const bad = readExport(CSV.replace("sub_2,,canceled,0,USD", "sub_2,,canceled,0.5,dollars"), "a.csv");
    expect(bad.ok ? [] : bad.issues.map(formatIssue)).toEqual([
      "a.csv:3 amount_minor: must be a whole number of minor units, e.g. 69900",
      "a.csv:3 currency: must be an ISO 4217 code, e.g. USD",
    ]);
    for (const text of ["", '{"a": 1}', "[", 'a,b\n"x']) expect(readExport(text, "a").ok).toBe(false);
  });
});
