import type { CellConfig } from "../../components/cell/config.ts";
import { Fleet } from "../../components/cell/fleet.ts";
import { gatewayCell, renderCell } from "../support/cell.ts";
import { manifestsOf } from "../support/manifests.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const OTHER: CellConfig = { ...gatewayCell, cell: "other", qualifier: "other", operations: false };

interface Relabeling {
  readonly sourceLabels: string[];
  readonly regex: string;
  readonly targetLabel: string;
}
interface Monitor {
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly namespaceSelector: object;
  readonly endpoints: readonly { readonly port: string; readonly relabelings: readonly Relabeling[] }[];
}

/** The objects of a cell with its fleet. */
async function render(cell: CellConfig, ...entries: readonly object[]) {
  const loaded = loadValid(registryOf(...entries));
  return manifestsOf(
    await renderCell(loaded, cell, () => {
      new Fleet({ cell, namespace: "warehouse-ops", catalogue: loaded.catalogue }, {});
    }),
  );
}

const silos = [{ id: "acme" }, { id: "acme-2", plan: "ai_enhanced", state: "suspended" }];
const pooled = [
  { id: "small", plan: "starter" },
  { id: "mid-size", plan: "professional" },
];

describe("a cell's fleet", () => {
  it("has the Services of its own silo tenants scraped, and no others", async () => {
    const here = await render(gatewayCell, ...silos, ...pooled);
    const there = await render(OTHER, { id: "beta" }, { id: "tiny", plan: "starter" });
    const services = [...here, ...there].filter(({ kind }) => kind === "Service");
    const scraped = (objects: typeof here): unknown[] => {
      const { selector, namespaceSelector } = objects.find(
        ({ kind, metadata }) => kind === "ServiceMonitor" && metadata.namespace === "warehouse-ops",
      )?.["spec"] as Monitor;
      expect(namespaceSelector).toEqual({ any: true });
      return services
        .filter(({ metadata: { labels = {} } }) =>
          Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value),
        )
        .map(({ metadata }) => metadata.namespace);
    };
    expect(services).toHaveLength(6);
    expect(scraped(here)).toEqual(["customer-acme", "customer-acme-2"]);
    expect(scraped(there)).toEqual(["customer-beta"]);
  });

  it("labels what is measured with the tenant and customer whose namespace it is from", async () => {
    const monitor = (await render(gatewayCell, ...silos)).find(
      ({ kind, metadata }) => kind === "ServiceMonitor" && metadata.namespace === "warehouse-ops",
    )?.["spec"] as Monitor;
    expect(monitor.endpoints).toHaveLength(1);
    const { port, relabelings } = monitor.endpoints[0] ?? { port: "", relabelings: [] };
    expect(port).toBe("metrics");
    // As Prometheus does: the expression is anchored, and the default replacement is its first group.
    const labels = relabelings.map(({ sourceLabels, regex, targetLabel }) => {
      expect(sourceLabels).toEqual(["__meta_kubernetes_namespace"]);
      return [targetLabel, new RegExp(`^(?:${regex})$`).exec("customer-acme-2")?.[1]];
    });
    expect(labels).toEqual([
      ["tenant", "acme-2"],
      ["customer", "acme-2"],
    ]);
  });

  it("is the same whoever its tenants are, and another's is another", async () => {
    const own = async (cell: CellConfig, ...entries: readonly object[]) =>
      (await render(cell, ...entries)).filter(({ metadata }) => metadata.namespace === "warehouse-ops");
    const objects = await own(gatewayCell, ...silos);
    expect(await own(gatewayCell, ...pooled)).toEqual(objects);
    const named = (each: typeof objects) =>
      each.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
    expect(named(objects)).toEqual([
      "ConfigMap warehouse-fleet-test",
      "ConfigMap warehouse-silo-test",
      "ServiceMonitor warehouse-silo-test",
    ]);
    const others = named(await own(OTHER, ...pooled));
    expect(others.filter((name) => named(objects).includes(name))).toEqual([]);
  });
});
