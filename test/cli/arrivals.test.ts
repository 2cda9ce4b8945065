import { arrivalsOf, firstPass, isFasterWhole, type Run } from "../../cli/deploy/arrivals.ts";
import type { ExportedStack, ResourceState } from "../../cli/recovery/state.ts";
import { tenantOutputs } from "../../components/cell/outputs.ts";
import { lifecycleData } from "../../registry/records.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const specsOf = (...entries: readonly object[]) =>
  entries.length === 0 ? [] : loadValid(registryOf(...entries)).tenants;
const beta = { id: "beta" };
const fresh = { id: "new" };
const many = Array.from({ length: 10 }, (_, n) => ({ id: `new-${n}` }));
const moving = {
  ...beta,
  plan: "professional",
  migration: { kind: "placement", from: "enterprise", phase: "prepare" },
};

/** A state in which the tenants of some entries are complete, and others were asked for or begun. */
function state(
  complete: readonly object[],
  { asked = complete, begun = [] as readonly string[] } = {},
): ExportedStack {
  const records = specsOf(...complete).map((spec): ResourceState => ({
    urn: `urn:${spec.id}`,
    type: "kubernetes:core/v1:ConfigMap",
    inputs: {
      metadata: { name: "warehouse-lifecycle", labels: { "tenantstack.io/tenant": spec.id } },
      data: lifecycleData(spec),
    },
  }));
  const components = begun.map((id) => ({
    urn: `urn:pulumi:s::p::warehouse:tenancy:TenantStack::${id}`,
    type: "warehouse:tenancy:TenantStack",
  }));
  const outputs = { tenants: tenantOutputs(specsOf(...asked)) };
  const root = { urn: "urn:stack", type: "pulumi:pulumi:Stack", outputs };
  return { deployment: { resources: [root, ...records, ...components] } };
}

const run = (entries: readonly object[], more: Partial<Run> = {}): Run => ({
  members: specsOf(...entries),
  limitedTo: undefined,
  identity: "staticKeys",
  ...more,
});
const limitedTo = ["new"];
const one = { ids: ["new"], inTwoPasses: false };
const inTwo = { ids: many.map(({ id }) => id), inTwoPasses: true };

describe("whom a run brings, of which the state is written once", () => {
  it("are new tenants to whom the run is limited", () => {
    expect(arrivalsOf(run([beta, fresh], { limitedTo }), state([beta]))).toEqual(one);
    expect(arrivalsOf(run([beta], { limitedTo: ["beta"] }), state([beta]))).toBeUndefined();
    const all = inTwo.ids;
    expect(arrivalsOf(run([beta, ...many], { limitedTo: all }), state([beta]))).toEqual({
      ids: all,
      inTwoPasses: false,
    });
    expect(isFasterWhole("staticKeys", 10)).toBe(false);
  });

  it("are many at once in a whole run, in two passes", () => {
    expect(arrivalsOf(run([beta, ...many]), state([beta]))).toEqual(inTwo);
    expect(arrivalsOf(run(many), { deployment: {} })).toEqual(inTwo);
    expect(arrivalsOf(run([beta, fresh]), state([beta]))).toBeUndefined();
  });

  it.each(["podIdentity", "irsa", undefined] as const)(
    "are many at once only with identity %s",
    (identity) => {
      expect(arrivalsOf(run([beta, fresh], { limitedTo, identity }), state([beta]))).toBeUndefined();
      expect(arrivalsOf(run([beta, ...many], { identity }), state([beta]))).toEqual(inTwo);
      expect([isFasterWhole(identity, 9), isFasterWhole(identity, 10)]).toEqual([false, true]);
    },
  );

  it("are those too whom a run that was killed or failed did not complete", () => {
    const killed = state([beta], { asked: [beta, fresh], begun: ["beta", "new"] });
    expect(arrivalsOf(run([beta, fresh], { limitedTo }), killed)).toEqual(one);
    // Unless they are to be something else by now, or nothing.
    const other = { ...fresh, plan: "ai_enhanced" };
    expect(arrivalsOf(run([beta, other], { limitedTo }), killed)).toBeUndefined();
    expect(arrivalsOf(run([beta, ...many]), killed)).toBeUndefined();
  });

  it.each([
    ["its plan", { ...beta, plan: "ai_enhanced" }],
    ["its state", { ...beta, state: "suspended" }],
    ["its login", { ...beta, credentials: { rotation: 1 } }],
    ["where it is served", moving],
  ])("are none where another tenant of the run changes %s", (_, changed) => {
    expect(arrivalsOf(run([changed, ...many]), state([beta]))).toBeUndefined();
    expect(arrivalsOf(run([changed, fresh], { limitedTo: ["beta", "new"] }), state([beta]))).toBeUndefined();
    // It was asked for, and a failed run may have left it undone.
    expect(arrivalsOf(run([changed, ...many]), state([beta], { asked: [changed] }))).toBeUndefined();
    expect(arrivalsOf(run([changed, fresh], { limitedTo }), state([beta]))).toEqual(one);
  });

  it("are none where another tenant goes", () => {
    expect(arrivalsOf(run(many), state([beta]))).toBeUndefined();
    expect(arrivalsOf(run(many), state([], { begun: ["beta"] }))).toBeUndefined();
  });
});

describe("firstPass", () => {
  const excluded = (identity: Parameters<typeof firstPass>[1]) =>
    firstPass("urn:pulumi:s::p::", identity).filter((argument) => argument.includes("TenantStack$"));

  it("leaves to the second what may be made twice or is taken over", () => {
    expect(excluded("staticKeys")).toEqual(["urn:pulumi:s::p::warehouse:tenancy:TenantStack$**::**"]);
    const account = "urn:pulumi:s::p::warehouse:tenancy:TenantStack$kubernetes:core/v1:ServiceAccount::**";
    expect(excluded("irsa")).toContain(account);
    expect(excluded("podIdentity")).not.toContain(account);
    expect(excluded("podIdentity").join()).not.toMatch(/Role|Database|Namespace/);
  });
});
