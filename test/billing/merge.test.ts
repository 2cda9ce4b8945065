import { mergeBilling } from "../../billing/merge.ts";
import { formatIssue } from "../../registry/issues.ts";
import { tombstone } from "../support/registry.ts";
import { billingOf, mergedOf } from "../support/billing.ts";

const west = billingOf("west", { id: "one" }, { id: "two", plan: "starter", state: "trial" });
const east = billingOf("east", { id: "three", plan: "ai_enhanced" }, tombstone);
const issuesOf = (...values: unknown[]): string[] => {
  const merged = mergeBilling(values.map((value, index) => ({ name: `${index}.json`, value })));
  return merged.ok ? [] : merged.issues.map(formatIssue);
};

describe("mergeBilling", () => {
  it("adds cells up", () => {
    const { tenants, totals, currency } = mergedOf(west, east);
    expect([...tenants.values()].map(({ tenantId, cell }) => `${cell}/${tenantId}`)).toEqual([
      "west/one",
      "west/two",
      "east/three",
      "east/gone",
    ]);
    expect({ totals, currency }).toEqual({
      totals: { billableCount: 2, mrrMinor: 109_800, estimatedCostMinor: 24_000 },
      currency: "USD",
    });
  });

  it("takes all outputs of a stack, too", () => {
    expect(issuesOf({ billing: west, tenants: {} })).toEqual([]);
  });

  it("refuses a tenant in two cells, a cell twice and two currencies", () => {
    expect(issuesOf(west, west)).toEqual([
      '1.json cell: "west" is that of 0.json as well; give each once',
      "1.json tenants.one: is in 0.json as well: it would be charged twice",
      "1.json tenants.two: is in 0.json as well: it would be charged twice",
    ]);
    expect(issuesOf(west, { ...east, currency: "EUR" })).toEqual([
      "1.json currency: EUR cannot be added to the USD of 0.json; merge them apart",
    ]);
  });

  it("refuses an output that contradicts itself, and what is none", () => {
    const [record] = Object.values(west.tenants);
    const edited = {
      ...west,
      tenants: { ...west.tenants, one: { ...record, priceMinor: 1, revision: "0".repeat(16) } },
    };
    expect(issuesOf(edited)).toEqual([
      expect.stringMatching(
        /^0\.json tenants\.one\.idempotencyKey: "billing-v1:one:\w+" is not that of revision 0+$/,
      ),
      "0.json totals.mrrMinor: 69900 is not what the tenants add up to: 1",
    ]);
    expect(issuesOf({ ...west, contract: "else" })).toHaveLength(1);
    expect(issuesOf(null)).toHaveLength(1);
  });
});
