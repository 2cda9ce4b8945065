import { issuesOf, loadValid, realCatalogue, realRegistry, registryOf } from "../support/registry.ts";

describe("loadRegistry", () => {
  it("resolves the two customers of the founding plan", () => {
    const [acme, beta] = loadValid().tenants;
    expect(acme).toMatchObject({
      id: "acme",
      plan: "enterprise",
      placement: "silo",
      host: "acme.yourwarehousesaas.com",
      release: { version: "v2.1.0", image: `registry.example.com/warehouse-saas@sha256:${"2".repeat(64)}` },
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

  it("freezes what it resolves", () => {
    const [acme] = loadValid().tenants;
    expect(Object.isFrozen(acme)).toBe(true);
    expect(Object.isFrozen(acme?.features.integrations)).toBe(true);
  });

  it("holds the founding plan's figures exactly", () => {
    const { plans } = loadValid().catalogue;
    const figures = Object.fromEntries(
      Object.entries(plans).map(([name, { priceMinor, cost, resources }]) => [
        name,
        [
          priceMinor / 100,
          cost.totalMinor / 100,
          cost.aiMinor / 100,
          cost.supportMinor / 100,
          resources.cpu / 1000,
          resources.memory / 2 ** 30,
          resources.storage / 2 ** 30,
        ],
      ]),
    );
    expect(figures).toEqual({
      starter: [99, 15, 0, 0, 0.25, 0.5, 10],
      professional: [199, 25, 0, 0, 0.5, 1, 25],
      ai_enhanced: [399, 75, 50, 0, 1, 2, 50],
      enterprise: [699, 150, 100, 50, 2, 4, 100],
    });
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

  it("leaves room in the quota for the autoscaler's maximum, a surge pod and the Jobs", () => {
    for (const { quota, pod, replicas } of loadValid().tenants) {
      expect(quota.requests.cpu).toBeGreaterThanOrEqual(pod.requests.cpu * (replicas.max + 1) + 200);
      expect(quota.limits.memory).toBeGreaterThanOrEqual(
        pod.limits.memory * (replicas.max + 1) + 2 * 512 * 2 ** 20,
      );
      expect(quota.pods).toBeGreaterThanOrEqual(replicas.max + 3);
    }
  });
});

describe("bad input", () => {
  it("names an unknown plan with its place and the one that was meant", () => {
    expect(issuesOf(realRegistry.replace("plan: enterprise", "plan: enterprize"))).toEqual([
      'tenants/tenants.yaml:14:11 acme.plan: "enterprize" is not allowed here; did you mean "enterprise"?',
    ]);
  });

  it("names both places of a duplicate id", () => {
    expect(issuesOf(realRegistry.replace("id: beta", "id: acme"))).toEqual([
      'tenants/tenants.yaml:24:9 acme.id: "acme" is already the id of the entry at tenants/tenants.yaml:12; ids are unique and never reused',
    ]);
  });

  it("names both places of a duplicate host", () => {
    const domains = [{ host: "wms.example.org", verification: "verified" }];
    expect(issuesOf(registryOf({ id: "one", domains }, { id: "two", domains }))).toEqual([
      expect.stringMatching(
        /^tenants\/tenants\.yaml:13:\d+ two\.domains\[0\]\.host: "wms\.example\.org" already belongs to "one" at tenants\/tenants\.yaml:12; a host leads to one tenant$/,
      ),
    ]);
  });

  it("refuses a custom domain on the platform's own domain", () => {
    expect(
      issuesOf(
        registryOf({ id: "one", domains: [{ host: "two.yourwarehousesaas.com", verification: "verified" }] }),
      ),
    ).toEqual([expect.stringContaining("is on the platform's domain yourwarehousesaas.com")]);
  });

  it("names an unknown field at its key", () => {
    expect(
      issuesOf(realRegistry.replace("    displayName: ACME Corp", "    displayname: ACME Corp")),
    ).toEqual([
      "tenants/tenants.yaml:13:5 acme.displayname: is no known field; remove it or check its spelling",
    ]);
  });

  it("names a duplicate key", () => {
    expect(
      issuesOf(realRegistry.replace("    plan: enterprise\n", "    plan: enterprise\n    plan: starter\n")),
    ).toEqual(['tenants/tenants.yaml:15:5 the key "plan" stands twice; keep one']);
  });

  it("names a wrong type", () => {
    expect(issuesOf(realRegistry.replace("displayName: ACME Corp", "displayName: 42"))).toEqual([
      "tenants/tenants.yaml:13:18 acme.displayName: 42 is not text (quote it if it looks like a number)",
    ]);
  });

  it("names a missing field at the entry", () => {
    expect(issuesOf(realRegistry.replace("    plan: enterprise\n", ""))).toEqual([
      expect.stringMatching(
        /^tenants\/tenants\.yaml:12:\d+ acme\.plan: is missing; use one of: starter, professional, ai_enhanced, enterprise$/,
      ),
    ]);
  });

  it("refuses an empty file, an empty list and a missing file", () => {
    expect(issuesOf("")).toEqual(["tenants/tenants.yaml:1:1 is empty; see docs/reference for its format"]);
    expect(issuesOf("# nothing\n")).toEqual([
      "tenants/tenants.yaml:1:1 is empty; see docs/reference for its format",
    ]);
    expect(issuesOf(registryOf())).toEqual(["tenants/tenants.yaml:11:1 tenants: is empty; write a list"]);
    expect(issuesOf(registryOf().replace("tenants:\n", "tenants: []\n"))).toEqual([
      "tenants/tenants.yaml:11:10 tenants: [] is empty; an empty registry would end every tenant",
    ]);
    expect(issuesOf(undefined)).toEqual([
      "tenants/tenants.yaml does not exist; create it (the README shows an example)",
    ]);
  });

  it("refuses an alias bomb and a file that is too large", () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`;
    expect(issuesOf(bomb)).toEqual([expect.stringContaining("tenants/tenants.yaml not valid YAML:")]);
    expect(issuesOf(`# ${"x".repeat(5 * 2 ** 20)}`)).toEqual([
      "tenants/tenants.yaml is larger than 4 MiB; split it",
    ]);
  });

  it("reports every problem of both files at once", () => {
    const registry = realRegistry
      .replace("plan: enterprise", "plan: gold")
      .replace("release: v2.0.5", "release: latest");
    const catalogue = realCatalogue.replace("memory: 512Mi", "memory: 512M");
    expect(issuesOf(registry, catalogue)).toEqual([
      'tenants/plans.yaml:13:37 plans.starter.resources.memory: "512M" is no quantity in binary units; write "512Mi" or "10Gi"',
      'tenants/tenants.yaml:14:11 acme.plan: "gold" is not allowed here; use one of: starter, professional, ai_enhanced, enterprise',
      'tenants/tenants.yaml:28:14 beta.release: "latest" is no version; write "v2.1.0"',
    ]);
  });

  it("refuses impossible figures of a plan", () => {
    expect(
      issuesOf(
        realRegistry,
        realCatalogue.replace("totalMinor: 15000, aiMinor: 10000", "totalMinor: 12000, aiMinor: 10000"),
      ),
    ).toEqual([
      expect.stringContaining(
        "plans.enterprise.cost.totalMinor: 12000 is less than its AI and support shares together",
      ),
    ]);
    expect(issuesOf(realRegistry, realCatalogue.replace("connections: 70", "connections: 7"))).toEqual([
      expect.stringContaining(
        "plans.enterprise.database.connections: 7 is below what its logins may open together (65)",
      ),
    ]);
  });

  it.each(["ab", "Acme", "1acme", "acme-", "a--b", "acme_corp", "a".repeat(41), "ac me", "acmé", "a'; drop"])(
    "refuses the id %j",
    (id) => {
      expect(issuesOf(registryOf({ id }))).toEqual([expect.stringMatching(/\.id: /)]);
    },
  );

  it.each(["postgres", "www", "kube-system"])("refuses the reserved id %j", (id) => {
    expect(issuesOf(registryOf({ id }))).toEqual([
      expect.stringContaining(`"${id}" is reserved for the platform`),
    ]);
  });

  it("refuses a release that was never released", () => {
    expect(issuesOf(registryOf({ id: "one", release: "v2.1.1" }))).toEqual([
      expect.stringContaining('one.release: "v2.1.1" is not in releases.versions; did you mean "v2.1.0"?'),
    ]);
  });

  it("refuses features beyond the plan", () => {
    const features = { ai_workflows: "full", chatbot: "enterprise" };
    expect(issuesOf(registryOf({ id: "one", plan: "ai_enhanced", features }))).toEqual([
      expect.stringContaining('one.features.ai_workflows: "full" is more than AI Enhanced includes ("core")'),
      expect.stringContaining(
        'one.features.chatbot: "enterprise" is more than AI Enhanced includes ("advanced")',
      ),
    ]);
  });

  it("says which plans cannot be deployed yet", () => {
    expect(issuesOf(registryOf({ id: "one", plan: "starter" }))).toEqual([
      expect.stringContaining(
        'one.plan: "starter" is placed in a pool, which this version cannot deploy yet',
      ),
    ]);
  });
});
