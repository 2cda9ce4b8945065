import { isDeepStrictEqual } from "node:util";
import { directoryIssues, MAX_DIRECTORY_BYTES } from "../../components/cell/directory.ts";
import { POOL_TARGETS } from "../../components/cell/limit.ts";
import { neededPools } from "../../components/cell/pool.ts";
import { passwordOf } from "../../components/login.ts";
import { grantGroups } from "../../components/referenceGrants.ts";
import { formatIssue } from "../../registry/issues.ts";
import { gatewayCell, ingressCell, renderCell, SEED } from "../support/cell.ts";
import type { Registration } from "../support/mocks.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const starter = { id: "carla", plan: "starter" };
const professional = { id: "dora", plan: "professional" };

const render = (entries: readonly object[], cell = gatewayCell, limitedTo?: ReadonlySet<string>) =>
  renderCell(loadValid(registryOf(...entries)), cell, undefined, limitedTo);

function find(registrations: readonly Registration[], type: string, name: string): Record<string, unknown> {
  const found = registrations.find((r) => r.type.endsWith(type) && r.name === name);
  if (found === undefined) throw new Error(`no ${type} ${name}`);
  return found.inputs;
}
const named = (registrations: readonly Registration[], prefix: string): string[] =>
  registrations
    .filter(({ name }) => name === prefix || name.startsWith(`${prefix}-`))
    .map(({ name }) => name);

/** The directory of a pool, decoded. */
function directory(registrations: readonly Registration[], pool: string): Record<string, unknown> {
  const { value } = find(registrations, ":Secret", `${pool}-directory`)["data"] as {
    value: Record<string, string>;
  };
  return Object.fromEntries(
    Object.entries(value).map(([host, text]) => [
      host,
      JSON.parse(Buffer.from(text, "base64").toString()) as unknown,
    ]),
  );
}

describe("what of a pool names its tenants", () => {
  const erik = { id: "erik", plan: "starter" };
  const namesTenants = ({ type, name }: Registration): boolean => {
    const end = POOL_TARGETS[type];
    return end !== undefined && new RegExp(`^pool-[a-z_]+-${end.replace("*", ".*")}$`).test(name);
  };

  it("is all that another tenant changes of what is not its own", async () => {
    const [before, after] = [
      await render([starter, professional]),
      await render([starter, professional, erik]),
    ];
    const inputs = new Map(before.map(({ type, name, inputs: each }) => [`${type} ${name}`, each]));
    const changed = after.filter(
      ({ type, name, inputs: now }) =>
        !/\berik\b/.test(name) && !isDeepStrictEqual(inputs.get(`${type} ${name}`), now),
    );
    expect(changed.map(({ name }) => name).sort()).toEqual([
      "pool-starter-alerts",
      "pool-starter-directory",
      "pool-starter-reference-grant",
    ]);
    expect(changed.filter((each) => !namesTenants(each))).toEqual([]);
  });

  it("is nothing that anything of a tenant depends on", async () => {
    const all = await render([starter, professional, erik]);
    const names = all.filter(namesTenants).map(({ name }) => `::${name}`);
    expect(names.length).toBeGreaterThan(4);
    const dependents = all.filter(({ dependencies }) =>
      dependencies.some((urn) => names.some((name) => urn.endsWith(name))),
    );
    expect(dependents.map(({ name }) => name)).toEqual([]);
  });

  it("stays as it is for those whom a limited run does not register", async () => {
    const domains = [{ host: "shop.example.org", verification: "verified" }];
    const anne = { id: "anne", plan: "professional" };
    const entries = [starter, { ...professional, domains }, erik, anne];
    const limited = await render(entries, gatewayCell, new Set(["carla"]));
    const kept = (pool: string, of = limited) =>
      of.find(({ name }) => name === `${pool}-directory`)?.ignoreChanges;
    expect(Object.keys(directory(limited, "pool-starter"))).toEqual(["carla.yourwarehousesaas.com"]);
    expect(kept("pool-starter")).toEqual(['data["erik.yourwarehousesaas.com"]']);
    expect(kept("pool-professional")).toBeUndefined();
    expect(limited.filter(({ name }) => /^(erik|dora|anne)-/.test(name))).toEqual([]);
    const other = await render(entries, gatewayCell, new Set(["anne"]));
    expect(kept("pool-professional", other)).toEqual([
      'data["dora.yourwarehousesaas.com"]',
      'data["shop.example.org"]',
    ]);
    const whole = await render(entries);
    expect(whole.flatMap(({ ignoreChanges }) => ignoreChanges)).toEqual([]);
  });
});

describe("a pool", () => {
  it("is made for the plans that need it alone", async () => {
    const silos = await render([{ id: "acme" }]);
    expect(silos.filter(({ name }) => /^(pool|shared)-/.test(name))).toEqual([]);
    const bridges = await render([professional]);
    expect(named(bridges, "pool-starter")).toEqual([]);
    expect(named(bridges, "shared-database")).toEqual([]);
    expect(named(bridges, "pool-professional")).toContain("pool-professional-app");
    const pools = await render([starter]);
    expect(named(pools, "pool-starter")).toContain("pool-starter-app");
    expect(named(pools, "shared-database")).toContain("shared-database-check");
  });

  it("stays when its last tenant has gone, and comes with either side of a move", () => {
    const plans = (entries: readonly object[], present: readonly string[] = []): string[] => {
      const { pools, tenants } = loadValid(registryOf(...entries));
      return neededPools(pools, tenants, present).map(({ plan }) => plan);
    };
    expect(plans([{ id: "acme" }], ["starter"])).toEqual(["starter"]);
    expect(
      plans([{ ...professional, migration: { kind: "placement", from: "starter", phase: "prepare" } }]),
    ).toEqual(["starter", "professional"]);
    // A plan that shares nothing any more has no pool, whatever was there.
    expect(plans([{ id: "acme" }], ["enterprise", "nonsense"])).toEqual([]);
  });

  it("runs as a silo does: hardened, spread, scaled and disrupted one by one", async () => {
    const registrations = await render([starter, { id: "acme" }]);
    const pod = (name: string) =>
      (
        find(registrations, ":Deployment", name) as {
          spec: { template: { spec: Record<string, unknown> & { containers: [Record<string, unknown>] } } };
        }
      ).spec.template.spec;
    const [shared, own] = [pod("pool-starter-app"), pod("acme-app")];
    for (const field of [
      "securityContext",
      "automountServiceAccountToken",
      "terminationGracePeriodSeconds",
    ]) {
      expect([field, shared[field]]).toEqual([field, own[field]]);
    }
    const probes = ["startupProbe", "livenessProbe", "readinessProbe"];
    for (const field of ["image", "securityContext", "ports", "lifecycle", ...probes]) {
      expect([field, shared.containers[0][field]]).toEqual([field, own.containers[0][field]]);
    }
    expect(shared["topologySpreadConstraints"]).toMatchObject([
      { topologyKey: "topology.kubernetes.io/zone", maxSkew: 1 },
      { topologyKey: "kubernetes.io/hostname", maxSkew: 1 },
    ]);
    expect(shared.containers[0]).toMatchObject({
      env: [
        { name: "PLAN", value: "starter" },
        { name: "TENANT_DIRECTORY", value: "/etc/warehouse/tenants" },
      ],
      resources: { requests: { cpu: "500m", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } },
    });
    expect(shared.containers[0]["volumeMounts"]).toContainEqual({
      name: "tenants",
      mountPath: "/etc/warehouse/tenants",
      readOnly: true,
    });
    expect(find(registrations, ":HorizontalPodAutoscaler", "pool-starter-autoscaler")).toMatchObject({
      spec: { minReplicas: 2, maxReplicas: 6 },
    });
    expect(find(registrations, ":PodDisruptionBudget", "pool-starter-disruption-budget")).toMatchObject({
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: { app: "warehouse", "tenantstack.io/pool": "starter" } },
      },
    });
    expect(find(registrations, ":ResourceQuota", "pool-starter-quota")).toMatchObject({
      // Six pods, a surge pod and ten Jobs.
      spec: { hard: { pods: "17", "requests.cpu": "4500m", "requests.storage": "500Gi" } },
    });
  });

  it("knows its tenants by every host, with their features and their own logins", async () => {
    const domains = [{ host: "shop.example.org", verification: "verified" }];
    const branding = { productName: "Dora's" };
    const registrations = await render([{ ...professional, domains, branding }, starter]);
    const password = passwordOf(SEED, "warehouse_dora_app_a", 0);
    const entry = {
      tenantId: "dora",
      databaseUrl: `postgres://warehouse_dora_app_a:${password}@db.internal:5432/warehouse_dora?sslmode=verify-full`,
      features: {
        PLAN: "professional",
        BRAND_NAME: "Dora's",
        BRAND_COLOR: "",
        BRAND_LOGO_URL: "",
        AI_WORKFLOWS: "none",
        CHATBOT: "none",
        CUSTOM_THEME: "",
        INTEGRATIONS: "",
      },
    };
    expect(directory(registrations, "pool-professional")).toEqual({
      "dora.yourwarehousesaas.com": entry,
      "shop.example.org": entry,
    });
    expect(directory(registrations, "pool-starter")).toMatchObject({
      "carla.yourwarehousesaas.com": {
        databaseUrl: expect.stringMatching(
          /^postgres:\/\/warehouse_carla_app_a:.*\/warehouse_shared\?/,
        ) as unknown,
      },
    });
    const others = registrations.filter(({ type }) => !/:(Secret|Role)$/.test(type));
    expect(JSON.stringify(others)).not.toContain(password);
  });

  it("does not know a suspended tenant, whose hosts it answers for all the same", async () => {
    const suspended = {
      ...starter,
      state: "suspended",
      suspension: { reason: "unpaid", mode: "payment_required" },
    };
    const registrations = await render([suspended, { id: "carol", plan: "starter" }]);
    expect(Object.keys(directory(registrations, "pool-starter"))).toEqual(["carol.yourwarehousesaas.com"]);
    expect(find(registrations, ":HTTPRoute", "carla-route")).toMatchObject({
      spec: {
        rules: [{ backendRefs: [{ name: "warehouse-payment-required", namespace: "pool-starter" }] }],
      },
    });
    expect(find(registrations, ":Deployment", "pool-starter-payment-required")).toMatchObject({
      spec: { template: { spec: { containers: [{ env: [{ value: "payment_required" }] }] } } },
    });
    expect(named(registrations, "pool-starter-maintenance")).toEqual([]);
    expect(
      named(registrations, "carla").filter((name) => /-(app|init|service|uploads|maintenance)$/.test(name)),
    ).toEqual([]);
  });

  it("has the Ingress of its tenants in its own namespace, where the Service is", async () => {
    const registrations = await render([starter], ingressCell);
    expect(find(registrations, ":Ingress", "carla-ingress")).toMatchObject({
      metadata: { name: "customer-carla", namespace: "pool-starter" },
      spec: { tls: [{ secretName: "carla-tls" }] },
    });
    expect(find(registrations, ":Certificate", "carla-certificate")).toMatchObject({
      metadata: { name: "carla-tls", namespace: "pool-starter" },
    });
    expect(named(registrations, "pool-starter-reference-grant")).toEqual([]);
  });

  it("lets only the routes of its tenants lead to it", async () => {
    const leaving = { id: "carol", plan: "professional", migration: { kind: "placement", from: "starter" } };
    const entries = [starter, professional, { id: "acme" }];
    for (const phase of ["prepare", "cutover"]) {
      const moving = { ...leaving, migration: { ...leaving.migration, phase } };
      const registrations = await render([...entries, moving]);
      const from = (pool: string): string[] =>
        (
          find(registrations, ":ReferenceGrant", `${pool}-reference-grant`) as {
            spec: { from: { kind: string; namespace: string }[] };
          }
        ).spec.from.map(({ kind, namespace }) => `${kind} ${namespace}`);
      // A tenant that moves is let in by both: so its route can lead to either at any moment.
      expect(from("pool-starter")).toEqual(["HTTPRoute customer-carla", "HTTPRoute customer-carol"]);
      expect(from("pool-professional")).toEqual(["HTTPRoute customer-dora", "HTTPRoute customer-carol"]);
    }
  });
});

it("counts a pool's objects in a quota of their own, which pods that end leave alone", async () => {
  const registrations = await render([starter]);
  const hard = (name: string): string[] =>
    Object.keys(
      (find(registrations, ":ResourceQuota", name) as { spec: { hard: Record<string, string> } }).spec.hard,
    );
  const [compute, counts] = [hard("pool-starter-quota"), hard("pool-starter-object-quota")];
  expect(compute).toContain("pods");
  expect(counts).toContain("count/cronjobs.batch");
  expect(compute.filter((key) => counts.includes(key))).toEqual([]);
});

describe("the ReferenceGrants of a large pool", () => {
  const ids = Array.from({ length: 100 }, (_, n) => `tenant-${n}`);

  it("list each tenant once, and no more than the API server takes", () => {
    for (const count of [0, 1, 16, 17, 50, 100]) {
      const groups = grantGroups(ids.slice(0, count));
      expect(groups.flatMap(([, members]) => members).sort()).toEqual(ids.slice(0, count).sort());
      for (const [, members] of groups) expect(members.length).toBeLessThanOrEqual(16);
      expect(groups.length).toBeLessThanOrEqual(1 + count / 5);
    }
  });

  it("keep a tenant where it is, or list it in a new one, when another comes or goes", () => {
    for (let count = 1; count < ids.length; count++) {
      const at = (size: number) => new Map(grantGroups(ids.slice(0, size)));
      const [before, after] = [at(count), at(count + 1)];
      for (const [from, to] of [
        [before, after],
        [after, before],
      ] as const)
        for (const [key, members] of to)
          if (from.has(key))
            expect(members.filter((id) => id !== ids[count])).toEqual(
              from.get(key)?.filter((id) => id !== ids[count]),
            );
    }
  });

  it("are named by their keys", async () => {
    const registrations = await render(ids.slice(0, 17).map((id) => ({ id, plan: "starter" })));
    const grants = registrations
      .filter(({ type }) => type.endsWith(":ReferenceGrant"))
      .map(({ name, inputs }) => [name, (inputs["metadata"] as { name: string }).name]);
    expect(grants).toEqual([
      ["pool-starter-reference-grant-0", "warehouse-tenants-0"],
      ["pool-starter-reference-grant-1", "warehouse-tenants-1"],
    ]);
  });
});

describe("the directory's size", () => {
  it("is checked before anything is made, and the way out is named", () => {
    const tenants = (count: number) =>
      loadValid(
        registryOf(
          ...Array.from({ length: count }, (_, n) => ({
            id: `tenant-${n}`,
            plan: "starter",
            // Read without a cell of its own, all of them are resolved.
            cell: `cell-${n % 30}`,
          })),
        ),
      ).tenants;
    expect(directoryIssues(tenants(100), gatewayCell)).toEqual([]);
    const crowd = tenants(3000);
    expect(directoryIssues(crowd, gatewayCell).map(formatIssue)).toEqual([
      expect.stringMatching(
        /^tenants\/tenants\.yaml pool-starter: has 3000 tenants, whose directory takes 1\d{6} bytes of the 1048576 that a Secret holds; new ones need another cell$/,
      ),
    ]);
    expect(MAX_DIRECTORY_BYTES).toBe(2 ** 20);
  });

  it("is not less than what is made", async () => {
    const entries = [starter, { id: "carla-with-a-rather-long-name", plan: "starter" }];
    const { tenants } = loadValid(registryOf(...entries));
    const { value } = find(await render(entries), ":Secret", "pool-starter-directory")["data"] as {
      value: Record<string, string>;
    };
    const bytes = Object.entries(value).reduce(
      (sum, [key, text]) => sum + key.length + Buffer.from(text, "base64").length,
      0,
    );
    expect(directoryIssues(tenants, gatewayCell, bytes)).toHaveLength(1);
  });
});

describe("a tenant of the pool", () => {
  it("has a namespace without pods, a login, its route and its backup, and no database", async () => {
    const registrations = await render([starter]);
    expect(named(registrations, "carla").sort()).toMatchInlineSnapshot(`
     [
       "carla",
       "carla-app-a",
       "carla-backup",
       "carla-backup",
       "carla-backup-account-pool-starter",
       "carla-backup-account-pool-starter",
       "carla-backup-prefix",
       "carla-db-secret-pool-starter",
       "carla-init",
       "carla-lifecycle",
       "carla-namespace",
       "carla-route",
     ]
    `);
    expect(find(registrations, ":Role", "carla-app-a")).toMatchObject({ roles: ["warehouse_shared_rw"] });
    expect(find(registrations, ":Role", "carla-backup")).toMatchObject({ roles: ["warehouse_shared_ro"] });
    expect(find(registrations, ":Namespace", "carla-namespace")).toMatchObject({
      metadata: { labels: { "tenantstack.io/pods": "none" } },
    });
  });

  it("is backed up where its files are, of which it sees its own", async () => {
    const registrations = await render([starter, professional, { id: "acme" }]);
    const backups = (["carla", "dora", "acme"] as const).map((id) => {
      const { metadata, spec } = find(registrations, ":CronJob", `${id}-backup`) as {
        metadata: { name: string; namespace: string };
        spec: {
          jobTemplate: {
            spec: {
              template: {
                spec: {
                  serviceAccountName: string;
                  containers: [
                    {
                      name: string;
                      env: { name: string; value?: string }[];
                      volumeMounts: [{ name: string }];
                    },
                  ];
                };
              };
            };
          };
        };
      };
      const { serviceAccountName, containers } = spec.jobTemplate.spec.template.spec;
      const [{ name, env, volumeMounts }] = containers;
      const value = (variable: string) => env.find((each) => each.name === variable)?.value;
      const suffix = id === "acme" ? "" : id === "carla" ? "-pool-starter" : "-pool-professional";
      const { metadata: secret } = find(registrations, ":Secret", `${id}-db-secret${suffix}`) as {
        metadata: { namespace: string };
      };
      return {
        at: `${metadata.namespace}/${metadata.name}`,
        secretIn: secret.namespace,
        serviceAccountName,
        name,
        scope: value("BACKUP_SCOPE"),
        folder: value("FILES_FOLDER"),
        mount: volumeMounts[0],
      };
    });
    const common = { name: "warehouse-backup", folder: "/uploads" };
    const mount = { name: "uploads", mountPath: "/uploads", readOnly: true };
    expect(backups).toEqual([
      {
        ...common,
        at: "pool-starter/warehouse-backup-carla",
        secretIn: "pool-starter",
        serviceAccountName: "carla",
        scope: "rows",
        mount: { ...mount, subPath: "carla" },
      },
      {
        ...common,
        at: "pool-professional/warehouse-backup-dora",
        secretIn: "pool-professional",
        serviceAccountName: "dora",
        scope: "database",
        mount: { ...mount, subPath: "dora" },
      },
      {
        ...common,
        at: "customer-acme/warehouse-backup",
        secretIn: "customer-acme",
        serviceAccountName: "acme",
        scope: "database",
        mount,
      },
    ]);
  });
});
