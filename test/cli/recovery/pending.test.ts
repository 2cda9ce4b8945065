import { settlePendingCreates } from "../../../cli/recovery/pending.ts";
import type { ExportedStack } from "../../../cli/recovery/state.ts";

const pending = (type: string, name: string, inputs: Record<string, unknown>, operation = "creating") => ({
  type: operation,
  resource: { urn: `urn:pulumi:s::warehouse::${type}::${name}`, type, inputs },
});

describe("settlePendingCreates", () => {
  const stack: ExportedStack = {
    deployment: {
      resources: [
        {
          urn: "urn:pulumi:s::warehouse::kubernetes:batch/v1:Job::acme-init",
          type: "kubernetes:batch/v1:Job",
          id: "customer-acme/warehouse-init",
        },
      ],
      pending_operations: [
        pending("kubernetes:core/v1:Namespace", "acme-namespace", { metadata: { name: "customer-acme" } }),
        pending("kubernetes:core/v1:Secret", "acme-db-secret", {
          metadata: { name: "acme-db-secret", namespace: "customer-acme" },
        }),
        pending("postgresql:index/database:Database", "acme-database", { name: "warehouse_acme" }),
        pending("random:index/randomPassword:RandomPassword", "acme-app-password", { length: 32 }),
        pending("kubernetes:batch/v1:Job", "acme-init", {
          metadata: { name: "warehouse-init", namespace: "customer-acme" },
        }),
        pending("kubernetes:core/v1:ConfigMap", "acme-lifecycle", {}, "updating"),
      ],
    },
  };
  const settled = settlePendingCreates(stack);

  it("enters objects under the id that their inputs determine", () => {
    expect(settled.stack.deployment.resources?.map(({ id }) => id)).toEqual([
      "customer-acme/warehouse-init",
      "customer-acme",
      "customer-acme/acme-db-secret",
      "warehouse_acme",
    ]);
    expect(settled.adopted).toHaveLength(3);
  });

  it("drops what is harmless to create again, and what the state already holds", () => {
    expect(settled.dropped.map((urn) => urn.split("::").at(-1))).toEqual(["acme-app-password", "acme-init"]);
  });

  it("keeps other pending operations for the engine", () => {
    expect(settled.stack.deployment.pending_operations?.map(({ type }) => type)).toEqual(["updating"]);
  });

  it("changes nothing where nothing is pending", () => {
    const clean = { deployment: { resources: [] } };
    expect(settlePendingCreates(clean)).toMatchObject({ adopted: [], dropped: [] });
  });
});
