import { formatIssue } from "../../registry/issues.ts";
import { CATALOGUE_FILE, REGISTRY_FILE } from "../../registry/load.ts";
import { JOB_POD } from "../../registry/resolve.ts";
import {
  CONTEXT,
  entryOf,
  load,
  loadValid,
  realCatalogue,
  realRegistry,
  registryOf,
  tombstone,
} from "../support/registry.ts";

const DIGITS = { "v2.1.0": "2", "v2.0.5": "3" };

describe("loadRegistry", () => {
  it("resolves the two customers of the founding plan", () => {
    const [acme, beta] = loadValid().tenants;
    expect(acme).toMatchObject({
      id: "acme",
      plan: "enterprise",
      placement: "silo",
      state: "active",
      serving: true,
      ring: 2,
      host: "acme.yourwarehousesaas.com",
      release: {
        version: "v2.1.0",
        image: `registry.example.com/warehouse-saas@sha256:${DIGITS["v2.1.0"].repeat(64)}`,
      },
      features: {
        aiWorkflows: "full",
        chatbot: "enterprise",
        theme: "acme_branding",
        integrations: ["oracle", "quickbooks", "sap"],
      },
      // 2 cores and 4 GiB over two replicas.
      pod: { requests: { cpu: 1000, memory: 2 * 2 ** 30 }, limits: { cpu: 2000, memory: 2 * 2 ** 30 } },
    });
    expect(beta).toMatchObject({
      id: "beta",
      plan: "ai_enhanced",
      release: { version: "v2.0.5" },
      features: { theme: "beta_colors" },
    });
  });

  it("has nothing to warn about in the registry as it is", () => {
    expect(loadValid().warnings.map(formatIssue)).toEqual([]);
  });

  it("freezes what it resolves", () => {
    const [acme] = loadValid().tenants;
    expect(Object.isFrozen(acme)).toBe(true);
    expect(Object.isFrozen(acme?.features.integrations)).toBe(true);
  });

  it("spreads the backups of tenants over the hour, the same at every run", () => {
    const schedules = () =>
      loadValid(registryOf(...["one", "two", "three", "four"].map((id) => ({ id })))).tenants.map(
        (t) => t.backup.schedule,
      );
    expect(schedules()).toEqual(schedules());
    expect(new Set(schedules()).size).toBeGreaterThan(1);
    for (const schedule of schedules()) expect(schedule).toMatch(/^[0-5]?\d \*\/6 \* \* \*$/);
  });

  it("does not serve a suspended tenant, and keeps all that is its own", () => {
    const [active] = loadValid(registryOf({ id: "acme" })).tenants;
    const suspension = { reason: "unpaid", mode: "payment_required" };
    const [suspended] = loadValid(registryOf({ id: "acme", state: "suspended", suspension })).tenants;
    expect(suspended).toEqual({
      ...active,
      state: "suspended",
      serving: false,
      money: { revenueMinor: 0, costMinor: 15_000, currency: "USD" },
      suspensionMode: "payment_required",
    });
  });

  it("serves a past-due tenant and a trial as any other", () => {
    for (const state of ["trial", "past_due"]) {
      expect(loadValid(registryOf({ id: "acme", state })).tenants[0]).toMatchObject({ state, serving: true });
    }
  });

  it("keeps a tombstone as an entry, but makes no tenant of it", () => {
    const { tenants, entries } = loadValid(registryOf({ id: "acme" }, tombstone));
    expect(tenants.map(({ id }) => id)).toEqual(["acme"]);
    expect(entries.map(({ entry }) => entry.id)).toEqual(["acme", "gone"]);
  });

  it("applies overrides within the plan; its CPU and memory spread over the new minimum", () => {
    const overrides = { replicas: { min: 4, max: 5 }, storage: "60Gi" };
    const [acme] = loadValid(registryOf({ id: "acme", overrides })).tenants;
    expect(acme).toMatchObject({
      replicas: { min: 4, max: 5 },
      uploadsBytes: 60 * 2 ** 30,
      pod: { requests: { cpu: 500, memory: 2 ** 30 } },
      quota: { pods: 9, storageBytes: 60 * 2 ** 30 },
    });
  });

  it("gives every tenant a quota that holds the autoscaler's maximum, a surge pod and three Jobs", () => {
    const bounds = [2, 3, 4, 5, 6].flatMap((min) =>
      [2, 3, 4, 5, 6].filter((max) => max >= min).map((max) => ({ min, max })),
    );
    const { tenants } = loadValid(
      registryOf(
        { id: "lesser", plan: "ai_enhanced" },
        ...bounds.map((replicas) => ({
          id: `from-${replicas.min}-to-${replicas.max}`,
          overrides: { replicas },
        })),
      ),
    );
    expect(tenants).toHaveLength(16);
    for (const { pod, quota, replicas } of tenants) {
      expect(quota.pods).toBe(replicas.max + 1 + 3);
      for (const kind of ["requests", "limits"] as const) {
        for (const resource of ["cpu", "memory"] as const) {
          const needed = pod[kind][resource] * (replicas.max + 1) + JOB_POD[kind][resource] * 3;
          expect(quota[kind][resource]).toBeGreaterThanOrEqual(needed);
        }
      }
    }
  });

  it("resolves a white label", () => {
    const branding = { productName: "ACME Stock", primaryColor: "#112233" };
    expect(loadValid(registryOf({ id: "acme", branding })).tenants[0]?.branding).toEqual({
      ...branding,
      logoUrl: "",
    });
  });

  it("reads files of Windows editors: byte order mark and CRLF", () => {
    const windows = `\ufeff${realRegistry.replaceAll("\n", "\r\n")}`;
    expect(loadValid(windows).tenants).toEqual(loadValid().tenants);
    const bad = load(windows.replace("plan: enterprise", "plan: gold"));
    expect(bad.ok ? [] : bad.issues.map(formatIssue)).toEqual([
      'tenants/tenants.yaml:20:11 acme.plan: "gold" is not allowed here; use one of: starter, professional, ai_enhanced, enterprise',
    ]);
  });

  it("reports every problem of all files at once", () => {
    const loaded = load({
      [REGISTRY_FILE]: realRegistry
        .replace("plan: enterprise", "plan: gold")
        .replace("version: v2.0.5, until", "version: latest, until"),
      [CATALOGUE_FILE]: realCatalogue.replace("memory: 512Mi", "memory: 512M"),
      "tenants/gamma.yaml": "id: gamma\nplan: silver\n",
    });
    expect(loaded.ok ? [] : loaded.issues.map(formatIssue)).toEqual([
      'tenants/plans.yaml:13:37 plans.starter.resources.memory: "512M" is no quantity in binary units; write "512Mi" or "10Gi"',
      'tenants/tenants.yaml:20:11 acme.plan: "gold" is not allowed here; use one of: starter, professional, ai_enhanced, enterprise',
      'tenants/tenants.yaml:33:21 beta.pin.version: "latest" is no version; write "v2.1.0"',
      'tenants/gamma.yaml:2:7 gamma.plan: "silver" is not allowed here; use one of: starter, professional, ai_enhanced, enterprise',
      "tenants/gamma.yaml:1:1 gamma.since: is missing; add text (quote it if it looks like a number)",
    ]);
  });
});

describe("cells", () => {
  const registry = registryOf(
    { id: "here", cell: "west" },
    { id: "there", cell: "east", region: "eu-central-1" },
    { id: "anywhere" },
  );
  const west = { ...CONTEXT, cell: "west", region: "us-west-2" };

  it("resolve their own entries; those of others are checked all the same", () => {
    const { tenants, entries, elsewhere } = loadValid(registry, west);
    expect(tenants.map(({ id, region }) => [id, region])).toEqual([
      ["here", "us-west-2"],
      ["anywhere", "us-west-2"],
    ]);
    expect(entries).toHaveLength(2);
    expect(elsewhere.map(({ entry }) => entry.id)).toEqual(["there"]);
    expect(load(registry.replace('"id":"there"', '"id":"here"'), west).ok).toBe(false);
  });

  it("take the default of the registry", () => {
    const defaulted = registry.replace("tenants:\n", "defaults: { cell: east, ring: 1 }\ntenants:\n");
    const { tenants } = loadValid(defaulted, { ...CONTEXT, cell: "east" });
    expect(tenants.map(({ id, ring, region }) => [id, ring, region])).toEqual([
      ["there", 1, "eu-central-1"],
      ["anywhere", 1, ""],
    ]);
  });
});

describe("the order of entries", () => {
  it("changes no tenant", () => {
    const entries = ["one", "two", "three"].map((id) => ({ id }));
    const byId = (list: readonly object[]) =>
      new Map(loadValid(registryOf(...list)).tenants.map((tenant) => [tenant.id, tenant]));
    expect(byId(entries.toReversed())).toEqual(byId(entries));
    expect(entryOf({ id: "one" })).toMatchObject({ id: "one" });
  });
});
