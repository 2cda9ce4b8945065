import fc from "fast-check";
import { compareVersions, effectiveVersion, ringVersion, rolloutTurn } from "../../registry/rollout.ts";
import type { Releases } from "../../registry/schema.ts";
import { loadValid, realRegistry } from "../support/registry.ts";

const { releases } = loadValid();
const withRing2 = (ring: Partial<Releases["rings"]["2"]>): Releases => ({
  ...releases,
  rings: { ...releases.rings, "2": { name: "general", version: "v2.1.0", ...ring } },
});
const ids = fc.stringMatching(/^[a-z](-?[a-z0-9]){2,20}$/);

describe("the effective version", () => {
  it("is the pin's, expired or not, else the ring's", () => {
    const pin = { version: "v2.0.5", until: "2020-01-01", reason: "test" };
    expect(effectiveVersion({ id: "acme", ring: 0, pin }, releases, {})).toEqual({
      version: "v2.0.5",
      from: "pin",
    });
    expect(effectiveVersion({ id: "acme", ring: 1, pin: undefined }, releases, {})).toEqual({
      version: "v2.1.0",
      from: "ring",
    });
  });

  it("comes from the entry's ring, the default's, else ring 2", () => {
    const rings = withRing2({ version: "v2.0.5" });
    expect(ringVersion({ id: "acme", ring: undefined }, rings, {}).version).toBe("v2.0.5");
    expect(ringVersion({ id: "acme", ring: undefined }, rings, { ring: 0 }).version).toBe("v2.1.0");
    expect(ringVersion({ id: "acme", ring: 2 }, rings, { ring: 0 }).version).toBe("v2.0.5");
  });

  it("changes for a tenant at most once while the percentage grows", () => {
    fc.assert(
      fc.property(ids, (id) => {
        const versions = Array.from(
          { length: 101 },
          (_, percent) =>
            ringVersion({ id, ring: 2 }, withRing2({ percent, previous: "v2.0.5" }), {}).version,
        );
        expect(versions[0]).toBe("v2.0.5");
        expect(versions[100]).toBe("v2.1.0");
        expect(versions.filter((version, at) => at > 0 && version !== versions[at - 1])).toHaveLength(1);
      }),
    );
  });

  it("reaches about as many tenants as the percentage says", () => {
    const reached = Array.from({ length: 2000 }, (_, n) => rolloutTurn(`tenant-${n}`)).filter(
      (turn) => turn < 30,
    );
    expect(reached.length / 2000).toBeGreaterThan(0.25);
    expect(reached.length / 2000).toBeLessThan(0.35);
  });

  it("is promoted by one line", () => {
    const before = realRegistry.replaceAll("version: v2.1.0 }", "version: v2.0.5 }");
    const after = before.replace("internal, version: v2.0.5", "internal, version: v2.1.0");
    const ringOf0 = (text: string) =>
      loadValid(text.replace("plan: enterprise", "plan: enterprise\n    ring: 0")).tenants.map(
        ({ release }) => release.version,
      );
    expect(ringOf0(before)).toEqual(["v2.0.5", "v2.0.5"]);
    expect(ringOf0(after)).toEqual(["v2.1.0", "v2.0.5"]);
  });
});

describe("compareVersions", () => {
  it("orders by numbers, not by text", () => {
    const sorted = ["v10.0.0", "v2.10.0", "v2.9.9", "v2.9.10", "v0.0.1"].sort(compareVersions);
    expect(sorted).toEqual(["v0.0.1", "v2.9.9", "v2.9.10", "v2.10.0", "v10.0.0"]);
    expect(compareVersions("v1.2.3", "v1.2.3")).toBe(0);
  });
});
