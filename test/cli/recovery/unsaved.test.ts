import type { ExportedStack } from "../../../cli/recovery/state.ts";
import { enterUnsaved, type PlannedStep } from "../../../cli/recovery/unsaved.ts";

const ROOT = "urn:pulumi:s::warehouse::pulumi:pulumi:Stack::warehouse-s";
const PROVIDER = "urn:pulumi:s::warehouse::pulumi:providers:postgresql::postgresql";
const tenant = (id: string): string => `urn:pulumi:s::warehouse::warehouse:tenancy:TenantStack::${id}`;

function step(
  id: string,
  type: string,
  name: string,
  inputs: Readonly<Record<string, unknown>>,
  more: { readonly op?: string; readonly dependencies?: readonly string[] } = {},
): PlannedStep {
  const urn = `urn:pulumi:s::warehouse::warehouse:tenancy:TenantStack$${type}::${id}-${name}`;
  const { op = "create", dependencies = [] } = more;
  return {
    ...{ op, urn },
    newState: { urn, type, parent: tenant(id), provider: `${PROVIDER}::1`, inputs, dependencies },
  };
}
const component = (id: string): PlannedStep => ({
  op: "create",
  urn: tenant(id),
  newState: { urn: tenant(id), type: "warehouse:tenancy:TenantStack", parent: ROOT },
});
const ROLE = "postgresql:index/role:Role";
const DATABASE = "postgresql:index/database:Database";
const group = (id: string) =>
  step(
    id,
    ROLE,
    "ro",
    { name: `warehouse_${id}_ro`, login: false },
    { dependencies: [`${ROOT}-unknown`, ROOT] },
  );
const login = (id: string) =>
  step(id, ROLE, "app-a", {
    name: `warehouse_${id}_app_a`,
    password: "[secret]",
    roles: [`warehouse_${id}_ro`],
  });
const database = (id: string) =>
  step(id, DATABASE, "database", { name: `warehouse_${id}`, template: "template0" });
const secret = (id: string) =>
  step(id, "kubernetes:core/v1:Secret", "db-secret", {
    metadata: { name: "db", namespace: id, annotations: { of: id, hash: "[secret]" } },
    stringData: "[secret]",
  });
/** Made again by the engine without harm. */
const object = (id: string) =>
  step(id, "aws:s3/bucketObjectv2:BucketObjectv2", "descriptor", { key: `customers/${id}/tenant.json` });
const all = (id: string) => [component(id), group(id), login(id), database(id), secret(id), object(id)];

const POOL = "urn:pulumi:s::warehouse::warehouse:tenancy:Pool::pool-starter";
const GRANT = "kubernetes:gateway.networking.k8s.io/v1:ReferenceGrant";
/** Of a pool, and so of no tenant. */
const shared = (type: string, name: string, inputs: Readonly<Record<string, unknown>>): PlannedStep => {
  const urn = `urn:pulumi:s::warehouse::warehouse:tenancy:Pool$${type}::${name}`;
  return { op: "create", urn, newState: { urn, type, parent: POOL, inputs } };
};
const POOLED = [
  shared(GRANT, "grant-0", { metadata: { name: "pool", namespace: "pool-starter" } }),
  shared(DATABASE, "shared", { name: "warehouse_shared" }),
];

const exported: ExportedStack = { deployment: { resources: [{ urn: ROOT, type: "pulumi:pulumi:Stack" }] } };

describe("enterUnsaved", () => {
  const steps = [...all("acme"), ...all("acme-2"), ...POOLED];
  const { stack, isChanged, unsure } = enterUnsaved(exported, steps, new Set(["acme"]));
  const resources = stack.deployment.resources ?? [];
  const ends = (urns: readonly string[]) => urns.map((urn) => urn.split("::").at(-1));

  it("enters what the tenants that are noted have under a name, and objects that belong to no tenant", () => {
    expect(resources.map(({ urn, id }) => [urn.split("::").at(-1), id])).toEqual([
      ["warehouse-s", undefined],
      ["acme", undefined],
      ["acme-ro", "warehouse_acme_ro"],
      ["acme-app-a", "warehouse_acme_app_a"],
      ["acme-database", "warehouse_acme"],
      ["acme-db-secret", "acme/db"],
      ["grant-0", "pool-starter/pool"],
    ]);
    expect(isChanged).toBe(true);
    expect(ends(unsure)).toEqual(["acme-ro", "acme-app-a", "acme-database", "acme-db-secret", "grant-0"]);
  });

  it("leaves out values that are not shown, and dependencies that the state does not know", () => {
    expect(resources.find(({ id }) => id === "warehouse_acme_app_a")?.inputs).toEqual({
      name: "warehouse_acme_app_a",
      roles: ["warehouse_acme_ro"],
    });
    expect(resources.find(({ id }) => id === "acme/db")?.inputs).toEqual({
      metadata: { name: "db", namespace: "acme", annotations: { of: "acme" } },
    });
    expect(resources.find(({ id }) => id === "warehouse_acme_ro")?.dependencies).toEqual([ROOT]);
    expect(JSON.stringify(stack)).not.toContain("[secret]");
  });

  it("enters below a component that another run has left, and is as unsure of what was entered before", () => {
    const [known] = all("acme");
    const begun = { deployment: { resources: [...(exported.deployment.resources ?? []), known?.newState] } };
    const entered = enterUnsaved(begun as ExportedStack, steps, new Set(["acme"]));
    expect(ends(entered.unsure)).toEqual(ends(unsure));
    const again = enterUnsaved(stack, steps, new Set(["acme"]));
    expect(again).toEqual({ stack, isChanged: false, unsure });
  });

  it("looks for nothing that is only read", () => {
    const [urn, type] = [`${tenant("acme")}-keys`, "kubernetes:core/v1:Secret"];
    const inputs = { metadata: { name: "keys", namespace: "ops" } };
    const read = { urn, type, parent: tenant("acme"), id: "ops/keys", external: true, inputs };
    expect(enterUnsaved({ deployment: { resources: [read] } }, [], new Set(["acme"])).unsure).toEqual([]);
  });

  it("does nothing for others", () => {
    const others = steps.filter((one) => !POOLED.includes(one));
    expect(enterUnsaved(exported, others, new Set(["beta"]))).toEqual({
      stack: exported,
      isChanged: false,
      unsure: [],
    });
  });
});
