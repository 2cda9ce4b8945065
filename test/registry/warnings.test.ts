import { formatIssue } from "../../registry/issues.ts";
import { CATALOGUE_FILE } from "../../registry/load.ts";
import { warningRules } from "../../registry/warnings.ts";
import { CONTEXT, load, realCatalogue, realRegistry, registryOf } from "../support/registry.ts";

const covered = new Set<string>();

function warn(
  rule: keyof typeof warningRules,
  registry: string,
  now = CONTEXT.now,
  catalogue = realCatalogue,
): string[] {
  covered.add(rule);
  const loaded = load({ "tenants/tenants.yaml": registry, [CATALOGUE_FILE]: catalogue }, { ...CONTEXT, now });
  if (!loaded.ok) throw new Error(loaded.issues.map(formatIssue).join("\n"));
  for (const { severity } of loaded.value.warnings) expect(severity).toBe("warning");
  return loaded.value.warnings
    .map(formatIssue)
    .map((text) => text.replace(/^tenants\/tenants\.yaml:(\d+):\d+ /, "$1 "));
}

const billing = { subscriptionRef: "sub_1" };
const acme = { id: "acme", billing };

describe("warnings", () => {
  it("tell that a pin has expired, from the day after its last", () => {
    const pinned = realRegistry.replace("2027-03-31", "2026-11-22");
    const message = "33 beta.pin.until: the pin ended on 2026-11-22 but still holds; lift or extend it";
    expect(warn("pinHasExpired", pinned)).toEqual([message]);
    expect(warn("pinHasExpired", pinned, new Date("2026-11-22T23:59:59Z"))).toEqual([]);
  });

  it("tell that a trial has ended", () => {
    const trial = { id: "acme", state: "trial", trial: { endsAt: "2026-11-23T00:00:00Z" } };
    expect(warn("trialHasEnded", registryOf(trial))).toEqual([
      "18 acme.trial.endsAt: the trial ended at 2026-11-23T00:00:00Z; set state active, suspended or offboarding",
    ]);
    expect(warn("trialHasEnded", registryOf(trial), new Date("2026-11-22T00:00:00Z"))).toEqual([]);
  });

  it("tell that a pin has no effect", () => {
    expect(warn("pinHasNoEffect", registryOf({ ...acme, release: "v2.1.0" }))).toEqual([
      "18 acme.pin: has no effect: the ring runs v2.1.0 too; lift it",
    ]);
  });

  it("tell that a pin is ahead of every ring", () => {
    const old = registryOf({ ...acme, release: "v2.1.0" }).replaceAll(
      "version: v2.1.0 }",
      "version: v2.0.5 }",
    );
    expect(warn("pinIsAheadOfRings", old)).toEqual([
      "18 acme.pin.version: v2.1.0 is newer than ring 0 (v2.0.5): no ring has tried it",
    ]);
  });

  it("tell that a ring has no effect in a pool", () => {
    expect(warn("ringHasNoEffect", registryOf({ ...acme, plan: "starter", ring: 1 }))).toEqual([
      "18 acme.ring: has no effect: all tenants of Starter run what ring 2 runs; remove it",
    ]);
    expect(warn("ringHasNoEffect", registryOf({ ...acme, ring: 1 }))).toEqual([]);
  });

  it("tell that since lies ahead", () => {
    expect(warn("sinceIsAhead", registryOf({ ...acme, since: "2027-01-01T00:00:00Z" }))).toEqual([
      "18 acme.since: 2027-01-01T00:00:00Z is in the future; plan and state hold at once all the same",
    ]);
  });

  it("tell that a tenant is not charged", () => {
    expect(warn("tenantIsNotBilled", registryOf({ id: "acme" }, { id: "beta", state: "suspended" }))).toEqual(
      ["18 acme.billing: names no subscriptionRef, so the tenant is not charged"],
    );
  });

  it("tell that a host will get no certificate", () => {
    const domains = [{ host: "wms.acme.internal", verification: "pending" }];
    expect(warn("domainHasNoSuffix", registryOf({ ...acme, domains }))).toEqual([
      '18 acme.domains[0].host: "wms.acme.internal" is below no public suffix: no public certificate will be issued for it',
    ]);
  });

  it("tell that two tenants share a registered domain, whatever its suffix", () => {
    const at = (host: string) => [{ host, verification: "pending" }];
    const pair = (one: string, two: string) =>
      registryOf(
        { ...acme, domains: at(one) },
        { id: "beta", billing: { subscriptionRef: "sub_2" }, domains: at(two) },
      );
    expect(warn("domainsShareOwner", pair("a.example.co.uk", "b.example.co.uk"))).toEqual([
      '19 beta.domains[0].host: "b.example.co.uk" shares the domain example.co.uk with "acme" at tenants/tenants.yaml:18: each could set cookies for the other',
    ]);
    expect(warn("domainsShareOwner", pair("one.co.uk", "two.co.uk"))).toEqual([]);
    expect(warn("domainsShareOwner", pair("one.github.io", "two.github.io"))).toEqual([]);
  });

  it("tell that a plan loses money", () => {
    const dear = realCatalogue.replace("totalMinor: 1500", "totalMinor: 15000");
    expect(warn("planLosesMoney", registryOf(acme), CONTEXT.now, dear)).toEqual([
      "tenants/plans.yaml:11:25 plans.starter.cost.totalMinor: Starter costs 15000 and brings 9900: it loses money",
    ]);
  });

  it("tell that a cell is crowded", () => {
    const many = Array.from({ length: 51 }, (_, n) => ({
      id: `tenant-${n}`,
      billing: { subscriptionRef: `sub_${n}` },
    }));
    expect(warn("cellIsCrowded", registryOf(...many))).toEqual([
      "17 tenants: the cell has 51 tenants; beyond 50, new ones are better in another cell",
    ]);
  });

  afterAll(() => {
    expect([...covered].sort()).toEqual(Object.keys(warningRules).sort());
  });
});
