import { formatIssue } from "../../registry/issues.ts";
import { appliedTenants, forbiddenTransitions } from "../../registry/transitions.ts";
import { tenantOutputs } from "../../components/cell/outputs.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const tenantsOf = (...ids: string[]) =>
  ids.length === 0 ? [] : loadValid(registryOf(...ids.map((id) => ({ id })))).tenants;
const check = (before: string[], after: string[]) =>
  forbiddenTransitions(
    appliedTenants(tenantOutputs(tenantsOf(...before))),
    tenantsOf(...after),
    "tenants/tenants.yaml",
  ).map(formatIssue);

describe("forbiddenTransitions", () => {
  it("allows additions, another order and no change", () => {
    expect(check([], ["acme"])).toEqual([]);
    expect(check(["acme", "beta"], ["beta", "gamma", "acme"])).toEqual([]);
  });

  it("refuses the removal and the renaming of a live tenant", () => {
    const message =
      "tenants/tenants.yaml beta: is live but no longer in the registry: removing or renaming an entry would destroy the tenant's data; put it back, ids never change (another name is a displayName)";
    expect(check(["acme", "beta"], ["acme"])).toEqual([message]);
    expect(check(["acme", "beta"], ["acme", "beta-retail"])).toEqual([message]);
  });

  it("refuses a change of placement", () => {
    const applied = [{ id: "acme", placement: "bridge" }];
    expect(forbiddenTransitions(applied, tenantsOf("acme"), "tenants/tenants.yaml").map(formatIssue)).toEqual(
      [
        "tenants/tenants.yaml acme.plan: would move the tenant from placement bridge to silo, which a change of plan alone does not do safely; choose a plan with placement bridge",
      ],
    );
  });
});

describe("appliedTenants", () => {
  it("knows none before the first run", () => {
    expect(appliedTenants(undefined)).toEqual([]);
  });
});
