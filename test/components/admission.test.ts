import { admissionPolicies } from "../../components/cell/admission.ts";
import { gatewayCell, ingressCell, renderCell } from "../support/cell.ts";
import type { Registration } from "../support/mocks.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const registry = loadValid(
  registryOf(
    { id: "acme", domains: [{ host: "wms.acme.example", verification: "verified" }] },
    { id: "carla", plan: "starter" },
    { id: "dora", plan: "starter" },
  ),
);

const ofKind = (registrations: readonly Registration[], kind: string): Registration[] =>
  registrations.filter(({ type }) => type.endsWith(`:${kind}`));
const nameOf = ({ inputs }: Registration): string => (inputs["metadata"] as { name: string }).name;

/** The hosts that a namespace says may be claimed in it. */
function claims(registrations: readonly Registration[], name: string): Record<string, string> {
  const namespace = ofKind(registrations, "Namespace").find((each) => nameOf(each) === name);
  const { annotations } = namespace?.inputs["metadata"] as { annotations: Record<string, string> };
  return Object.fromEntries(
    Object.entries(annotations).filter(([key]) => key.startsWith("hosts.tenantstack.io/")),
  );
}

describe("admission policies", () => {
  it("have names and bindings of their cell alone, so that cells can share a cluster", async () => {
    const perCell = async (cell: string): Promise<string[]> => {
      const registrations = await renderCell(registry, { ...gatewayCell, cell });
      const bindings = ofKind(registrations, "ValidatingAdmissionPolicyBinding");
      for (const { inputs } of bindings) {
        expect(JSON.stringify(inputs["spec"])).toContain(`{"matchLabels":{"tenantstack.io/cell":"${cell}"}}`);
      }
      for (const { inputs } of ofKind(registrations, "Namespace")) {
        expect(inputs["metadata"]).toMatchObject({ labels: { "tenantstack.io/cell": cell } });
      }
      const cluster = ["ValidatingAdmissionPolicy", "PriorityClass"];
      return [...bindings, ...cluster.flatMap((kind) => ofKind(registrations, kind))].map(nameOf);
    };
    const [a, b] = [await perCell("prod-a"), await perCell("prod-b")];
    expect(a).toHaveLength(2 * admissionPolicies(gatewayCell).length + 2);
    expect(a.filter((name) => b.includes(name))).toEqual([]);
  });

  it("fail closed", async () => {
    const policies = ofKind(await renderCell(registry), "ValidatingAdmissionPolicy");
    for (const { inputs } of policies) expect(inputs["spec"]).toMatchObject({ failurePolicy: "Fail" });
    for (const { inputs } of ofKind(await renderCell(registry), "ValidatingAdmissionPolicyBinding")) {
      expect(inputs["spec"]).toMatchObject({ validationActions: ["Deny"] });
    }
  });

  it("learn a tenant's hosts where its routes are", async () => {
    const acme = { "hosts.tenantstack.io/acme": "acme.yourwarehousesaas.com,wms.acme.example" };
    const gateway = await renderCell(registry);
    expect(claims(gateway, "customer-acme")).toEqual(acme);
    expect(claims(gateway, "pool-starter")).toEqual({});
    const ingress = await renderCell(registry, ingressCell);
    expect(claims(ingress, "customer-acme")).toEqual(acme);
    expect(claims(ingress, "pool-starter")).toEqual({
      "hosts.tenantstack.io/carla": "carla.yourwarehousesaas.com",
      "hosts.tenantstack.io/dora": "dora.yourwarehousesaas.com",
    });
  });
});

describe("pods", () => {
  it("have a priority class that the cell makes", async () => {
    const registrations = await renderCell(registry);
    const made = ofKind(registrations, "PriorityClass").map(nameOf);
    const used = registrations.flatMap(({ inputs }) =>
      [...JSON.stringify(inputs).matchAll(/"priorityClassName":"([^"]*)"/g)].map(([, name]) => name),
    );
    expect(new Set(used)).toEqual(new Set(made));
  });
});
