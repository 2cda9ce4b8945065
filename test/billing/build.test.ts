import { buildBilling } from "../../billing/build.ts";
import { billingSchema } from "../../billing/contract.ts";
import { CONTEXT, loadValid, realRegistry, registryOf, tombstone } from "../support/registry.ts";

describe("buildBilling", () => {
  const billing = buildBilling(loadValid(), "test");

  it("fits its own contract", () => {
    expect(billingSchema.parse(JSON.parse(JSON.stringify(billing)))).toEqual(billing);
  });

  it("computes the founding plan's margins", () => {
    expect(billing.tenants["acme"]).toMatchObject({
      priceMinor: 69900,
      grossMarginMinor: 54900,
      costBreakdownMinor: { compute: 0, ai: 10000, support: 5000 },
    });
    expect(billing.tenants["beta"]).toMatchObject({ priceMinor: 39900, grossMarginMinor: 32400 });
    const percent = (id: string) => Math.round((billing.tenants[id]?.grossMarginBps ?? 0) / 100);
    expect([percent("beta"), percent("acme")]).toEqual([81, 79]);
  });

  it("adds up what is billable", () => {
    expect(billing.totals).toEqual({ billableCount: 2, mrrMinor: 109800, estimatedCostMinor: 22500 });
  });

  it("bills no trial, and a past-due tenant as before", () => {
    const { tenants, totals } = buildBilling(
      loadValid(registryOf({ id: "one", state: "trial" }, { id: "two", state: "past_due" })),
      "test",
    );
    expect(tenants["one"]?.billable).toBe(false);
    expect(tenants["two"]?.billable).toBe(true);
    expect(totals).toMatchObject({ billableCount: 1, mrrMinor: 69900, estimatedCostMinor: 30000 });
  });

  it("pauses a suspended tenant, ends a deleted one and keeps its record", () => {
    const { tenants, totals } = buildBilling(
      loadValid(registryOf({ id: "one", state: "suspended" }, tombstone)),
      "test",
    );
    expect(tenants["one"]).toMatchObject({ state: "suspended", billable: false, placement: "silo" });
    expect(tenants["gone"]).toMatchObject({ state: "deleted", billable: false });
    expect(totals).toEqual({ billableCount: 0, mrrMinor: 0, estimatedCostMinor: 15000 });
  });

  it("tells of the cell's own tenants alone", () => {
    const registry = registryOf({ id: "one", cell: "west" }, { id: "two", cell: "east" });
    const west = loadValid(registry, { ...CONTEXT, cell: "west" });
    expect(Object.keys(buildBilling(west, "west").tenants)).toEqual(["one"]);
  });

  it("changes a tenant's revision with what is billed and with nothing else", () => {
    const revisions = (registry: string) =>
      Object.values(buildBilling(loadValid(registry), "test").tenants).map((record) => record.revision);
    const before = revisions(realRegistry);
    expect(revisions(realRegistry.replace("theme: acme_branding", "theme: another"))).toEqual(before);
    const after = revisions(realRegistry.replace("2025-10-01", "2025-10-02"));
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
  });

  it("is the same at every run", () => {
    expect(JSON.stringify(buildBilling(loadValid(), "test"))).toBe(JSON.stringify(billing));
  });
});
