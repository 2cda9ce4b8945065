import type { CellConfig } from "../../components/cell/config.ts";
import { manifestOf } from "../../policy/pack/resource.ts";
import { gatewayCell, renderCell } from "../support/cell.ts";
import { loadValid, registryOf } from "../support/registry.ts";
import { CellView } from "../../policy/cell.ts";

const REGISTRY = registryOf(
  { id: "acme", plan: "enterprise" },
  { id: "zeta", plan: "enterprise" },
  { id: "beta", plan: "ai_enhanced" },
  { id: "carla", plan: "starter" },
);

/** Where the pods of each namespace run. */
async function placements(nodes: CellConfig["nodes"]): Promise<Record<string, unknown>> {
  const registered = await renderCell(loadValid(REGISTRY), { ...gatewayCell, nodes });
  const { workloads } = new CellView(registered.flatMap((each) => manifestOf(each) ?? []));
  const found: Record<string, unknown> = {};
  for (const { namespace, spec } of workloads) {
    const { nodeSelector, runtimeClassName, tolerations } = spec;
    const placement = { nodeSelector, runtimeClassName, tolerations };
    if (namespace in found) expect([namespace, placement]).toEqual([namespace, found[namespace]]);
    found[namespace] = placement;
  }
  return found;
}

const SHARED = { nodeSelector: undefined, runtimeClassName: undefined, tolerations: undefined };
const dedicated = (value: string, runtimeClassName?: string) => ({
  nodeSelector: { "tenantstack.io/dedicated": value },
  runtimeClassName,
  tolerations: [{ key: "tenantstack.io/dedicated", operator: "Equal", value, effect: "NoSchedule" }],
});

describe("nodes", () => {
  it("are shared by all, unless the cell says otherwise", async () => {
    const found = await placements({ plans: {}, tenants: {} });
    expect(new Set(Object.values(found).map((each) => JSON.stringify(each))).size).toBe(1);
    expect(found["customer-acme"]).toEqual(SHARED);
  });

  it("are a plan's or a tenant's own, with every pod of it and nobody else's", async () => {
    const found = await placements({
      plans: {
        enterprise: { runtimeClass: "gvisor", dedicated: true },
        starter: { runtimeClass: "gvisor", dedicated: true },
      },
      tenants: { zeta: { dedicated: true }, beta: { runtimeClass: "kata", dedicated: false } },
    });
    const { "customer-acme": acme, "customer-zeta": zeta, "customer-beta": beta, ...others } = found;
    expect(acme).toEqual(dedicated("enterprise", "gvisor"));
    expect(zeta).toEqual(dedicated("zeta"));
    expect(beta).toEqual({ ...SHARED, runtimeClassName: "kata" });
    // Who shares pods shares their nodes: the choice of a pooled plan has nothing to choose for.
    expect(Object.keys(others)).toEqual(expect.arrayContaining(["pool-starter", "warehouse-shared"]));
    for (const other of Object.values(others)) expect(other).toEqual(SHARED);
  });
});
