import type { CellConfig } from "../../components/cell/config.ts";
import { limitOf } from "../../components/cell/limit.ts";
import { limitIssues } from "../../components/cell/limitedRun.ts";
import { poolOutputs, tenantOutputs } from "../../components/cell/outputs.ts";
import { neededPools } from "../../components/cell/pool.ts";
import { formatIssue } from "../../registry/issues.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const entries = [{ id: "one" }, { id: "two" }, { id: "three", plan: "starter" }];

const BY_GATEWAY = { mode: "gateway" } as CellConfig["edge"];

/** Issues of a run limited to some tenants after `up` of other entries. */
function issues(
  limitedTo: readonly string[],
  after: readonly object[],
  before: readonly object[] = entries,
  edge: CellConfig["edge"] = BY_GATEWAY,
) {
  const [next, last] = [loadValid(registryOf(...after)), loadValid(registryOf(...before))];
  const poolsOf = ({ pools, tenants }: typeof next) => neededPools(pools, tenants, []);
  const outputs = { tenants: tenantOutputs(last.tenants), pools: poolOutputs(poolsOf(last)) };
  return limitIssues(new Set(limitedTo), { edge }, next.tenants, poolsOf(next), outputs).map(formatIssue);
}

const why = "so the run cannot be limited to some tenants; run the whole cell: npx tenant up --whole";

describe("a limited run", () => {
  it("takes its tenants from the environment", () => {
    expect(limitOf({})).toBeUndefined();
    expect(limitOf({ WAREHOUSE_TENANTS: "" })).toBeUndefined();
    expect(limitOf({ WAREHOUSE_TENANTS: "one,two" })).toEqual(new Set(["one", "two"]));
  });

  it("may change and add tenants that stand alone", () => {
    expect(issues(["one"], [{ id: "one", credentials: { rotation: 1 } }, ...entries.slice(1)])).toEqual([]);
    expect(issues(["new"], [...entries, { id: "new" }])).toEqual([]);
    expect(issues(["one"], [{ id: "one", plan: "ai_enhanced" }, ...entries.slice(1)])).toEqual([]);
  });

  it("may change and add tenants whom their pool merely serves", () => {
    const changed = [...entries.slice(0, 2), { ...entries[2], credentials: { rotation: 1 } }];
    expect(issues(["three"], changed)).toEqual([]);
    expect(issues(["new"], [...entries, { id: "new", plan: "starter" }])).toEqual([]);
  });

  it("refuses tenants with another part in a pool, and those that there are not", () => {
    const refused = [`tenants/tenants.yaml three: has a part in what tenants share, ${why}`];
    expect(
      issues(["three"], entries, entries, { mode: "ingress", ingressClass: "nginx" } as CellConfig["edge"]),
    ).toEqual(refused);
    const moved = { ...entries[2], migration: { kind: "placement", from: "enterprise", phase: "prepare" } };
    expect(issues(["three"], entries, [...entries.slice(0, 2), moved])).toContain(refused[0]);
    const suspended = [...entries.slice(0, 2), { ...entries[2], state: "suspended" }];
    expect(issues(["three"], suspended)).toEqual(refused);
    expect(issues(["three"], entries, suspended)).toEqual(refused);
    expect(issues(["gone"], entries)).toEqual([
      `tenants/tenants.yaml gone: is no tenant of this cell that exists, ${why}`,
    ]);
  });

  it("refuses where others differ from what was deployed, pools included", () => {
    const changed = [entries[0] ?? {}, { id: "two", state: "suspended" }, entries[2] ?? {}];
    expect(issues(["one"], changed)).toEqual([
      `tenants/tenants.yaml two: differs from what was deployed last, ${why}`,
    ]);
    expect(issues(["one"], entries, entries.slice(0, 2))).toEqual([
      `tenants/tenants.yaml three: differs from what was deployed last, ${why}`,
      `tenants/tenants.yaml starter: differs from what was deployed last, ${why}`,
    ]);
  });
});
