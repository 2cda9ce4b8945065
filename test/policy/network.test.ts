import { FORBIDDEN_ADDRESSES, podOf } from "../../policy/checks/isolation.ts";
import { CellView } from "../../policy/cell.ts";
import { Network, type Endpoint } from "../../policy/network.ts";
import { gatewayCell, ingressCell } from "../support/cell.ts";
import { renderManifests } from "../support/manifests.ts";

const policy = (spec: object) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "p", namespace: "a" },
  spec,
});
const pod = (namespace: string, labels = {}, ip = "10.0.0.1"): Endpoint => ({
  name: namespace,
  ip,
  pod: { namespace, labels },
});
const internet: Endpoint = { name: "internet", ip: "203.0.113.1" };

describe("the network simulator", () => {
  it("lets everything pass where no policy selects the pod", () => {
    const network = new Network([
      policy({ podSelector: { matchLabels: { app: "x" } }, policyTypes: ["Egress"] }),
    ]);
    expect(network.allows({ from: pod("a"), to: internet, port: 25 })).toBe(true);
    expect(network.allows({ from: pod("a", { app: "x" }), to: internet, port: 25 })).toBe(false);
    expect(network.allows({ from: pod("b", { app: "x" }), to: internet, port: 25 })).toBe(true);
  });

  it("adds rules up, and reads a missing list as everything", () => {
    const ports = [{ protocol: "TCP", port: 443 }];
    const rules = [
      { to: [{ ipBlock: { cidr: "0.0.0.0/0", except: ["203.0.113.0/24"] } }], ports },
      { ports: [{ protocol: "UDP", port: 53 }] },
    ];
    const network = new Network([policy({ podSelector: {}, policyTypes: ["Egress"], egress: rules })]);
    const from = pod("a");
    expect(network.allows({ from, to: internet, port: 443 })).toBe(false);
    expect(network.allows({ from, to: { name: "x", ip: "198.51.100.1" }, port: 443 })).toBe(true);
    expect(network.allows({ from, to: { name: "x", ip: "2001:db8::1" }, port: 443 })).toBe(false);
    expect(network.allows({ from, to: internet, port: 53, protocol: "UDP" })).toBe(true);
    expect(network.allows({ from, to: internet, port: 53 })).toBe(false);
  });

  it("takes both selectors of a peer together, and the sender's side as well", () => {
    const from = [
      {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "b" } },
        podSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["x"] }] },
      },
    ];
    const network = new Network([policy({ podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from }] })]);
    expect(network.allows({ from: pod("b", { app: "x" }), to: pod("a"), port: 1 })).toBe(true);
    expect(network.allows({ from: pod("b", { app: "y" }), to: pod("a"), port: 1 })).toBe(false);
    expect(network.allows({ from: pod("c", { app: "x" }), to: pod("a"), port: 1 })).toBe(false);
  });
});

describe("a cell's network", () => {
  it("keeps every pair of namespaces apart, and addresses of the platform away", async () => {
    const cell = new CellView(await renderManifests(gatewayCell));
    const network = new Network(cell.manifests);
    const pods = cell.workloads.map(podOf);
    expect(new Set(pods.map((each) => each.pod?.namespace)).size).toBeGreaterThan(8);
    const leaks = pods.flatMap((from) =>
      [...pods.filter((to) => to.pod?.namespace !== from.pod?.namespace), ...FORBIDDEN_ADDRESSES].flatMap(
        (to) =>
          [443, 8080, 9090, 5432]
            .filter((port) => network.allows({ from, to, port }))
            .map((port) => `${from.name} → ${to.name}:${port}`),
      ),
    );
    expect(leaks).toEqual([]);
  }, 60_000);

  it("opens an integration's port to the tenant's application alone, and in a pool to all of its tenants", async () => {
    const cell = new CellView(await renderManifests(gatewayCell));
    const network = new Network(cell.manifests);
    const reaching = (ip: string, port: number): string[] =>
      cell.workloads
        .filter((each) => network.allows({ from: podOf(each), to: { name: ip, ip }, port }))
        .map(({ manifest, namespace }) => `${namespace} ${manifest.kind} ${manifest.metadata.name}`);
    expect(reaching("198.51.100.1", 44300)).toEqual(["customer-acme Deployment warehouse-app"]);
    expect(reaching("198.51.100.65", 1522)).toEqual(["pool-professional Deployment warehouse-app"]);
    expect(reaching("198.51.100.17", 44300)).toEqual([]);
    expect(reaching("198.51.100.1", 3300)).toEqual([]);
  }, 60_000);

  it("lets the edge and Prometheus into the pods of a pool that answer, and of a tenant's namespace to all", async () => {
    const cell = new CellView(await renderManifests(gatewayCell));
    const network = new Network(cell.manifests);
    const reached = (namespace: string, from: string, port: number): Record<string, boolean> =>
      Object.fromEntries(
        cell.workloads
          .filter((each) => each.namespace === namespace)
          .map((each) => [
            each.manifest.metadata.name,
            network.allows({ from: pod(from, {}, "10.0.2.2"), to: podOf(each), port }),
          ]),
      );
    for (const [from, port] of [
      ["gateway-system", 8080],
      ["monitoring", 9090],
    ] as const) {
      expect(reached("pool-starter", from, port)).toMatchObject({
        "warehouse-app": true,
        "warehouse-maintenance": true,
        "warehouse-backup-carla": false,
        "warehouse-init-carla": false,
      });
      expect(Object.values(reached("customer-acme", from, port))).toEqual([true, true, true]);
    }
    for (const [from, port] of [
      ["gateway-system", 9090],
      ["monitoring", 8080],
      ["default", 8080],
      ["pool-starter", 8080],
    ] as const)
      expect(Object.values(reached("customer-acme", from, port))).toEqual([false, false, false]);
  }, 60_000);

  it("leads to the agent that gives out credentials those pods alone that use the bucket", async () => {
    const cell = new CellView(await renderManifests(gatewayCell));
    const network = new Network(cell.manifests);
    const agent = { name: "agent", ip: "169.254.170.23" };
    const reaching = cell.workloads.filter((from) =>
      network.allows({ from: podOf(from), to: agent, port: 80 }),
    );
    expect(reaching.length).toBeGreaterThan(8);
    const usersOf = (workloads: typeof cell.workloads) =>
      workloads.map(({ manifest }) => manifest.metadata.name);
    expect(usersOf(reaching)).not.toContain("warehouse-app");
    expect(usersOf(reaching)).not.toContain("warehouse-init");
    expect(usersOf(reaching)).toContain("warehouse-backup");
  }, 60_000);

  it("lets the edge reach solvers where hosts prove themselves by HTTP, and nobody else", async () => {
    const solver = (namespace: string): Endpoint =>
      pod(namespace, { "acme.cert-manager.io/http01-solver": "true" });
    const edge = (namespace: string): Endpoint => pod(namespace, {}, "10.0.2.2");
    const byHttp = new Network(await renderManifests(ingressCell));
    const byDns = new Network(await renderManifests(gatewayCell));
    for (const place of ["customer-acme", "pool-starter"]) {
      const to = solver(place);
      expect(byHttp.allows({ from: edge("ingress-nginx"), to, port: 8089 })).toBe(true);
      expect(byHttp.allows({ from: edge("customer-dora"), to, port: 8089 })).toBe(false);
      expect(byHttp.allows({ from: edge("ingress-nginx"), to, port: 443 })).toBe(false);
      expect(byDns.allows({ from: edge("gateway-system"), to, port: 8089 })).toBe(false);
    }
  }, 60_000);
});
