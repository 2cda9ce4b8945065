import fc from "fast-check";
import type { CellConfig } from "../../components/cell/config.ts";
import { passwordOf } from "../../components/login.ts";
import { PLAN_NAMES } from "../../registry/catalogue.ts";
import { gatewayCell, ingressCell, renderCell, SEED } from "../support/cell.ts";
import type { Registration } from "../support/mocks.ts";
import { loadValid, realRegistry, registryOf } from "../support/registry.ts";

const rendered = new Map<string, Promise<Registration[]>>();

/** What the program registers for a registry; the same question is answered once. */
function render(registry: string = realRegistry, cell: CellConfig = gatewayCell): Promise<Registration[]> {
  const key = `${cell.edge.mode}\n${registry}`;
  const known = rendered.get(key);
  if (known !== undefined) return known;
  const registrations = renderCell(loadValid(registry), cell);
  rendered.set(key, registrations);
  return registrations;
}

/** The one registration of this type and name. */
function find(registrations: readonly Registration[], type: string, name: string): Record<string, unknown> {
  const found = registrations.find((r) => r.type.endsWith(type) && r.name === name);
  if (found === undefined) throw new Error(`no ${type} ${name}`);
  return found.inputs;
}

/** How the engine marks a secret value. */
const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

/** What a Secret holds. */
function credentials(registrations: readonly Registration[], name: string): Record<string, string> {
  const { value } = find(registrations, ":Secret", name)["data"] as { value: Record<string, string> };
  return Object.fromEntries(
    Object.entries(value).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]),
  );
}

const kinds = (registrations: readonly Registration[], id: string): string[] =>
  registrations
    .filter((r) => r.name === id || r.name.startsWith(`${id}-`))
    .map((r) => r.type.split(":").at(-1) ?? "");

describe("TenantStack", () => {
  it("makes every part of a silo tenant", async () => {
    const counted = new Map<string, number>();
    for (const kind of kinds(await render(), "acme").sort()) counted.set(kind, (counted.get(kind) ?? 0) + 1);
    expect(Object.fromEntries(counted)).toMatchInlineSnapshot(`
     {
       "BucketObjectv2": 1,
       "ConfigMap": 1,
       "CronJob": 1,
       "Database": 1,
       "Deployment": 1,
       "Grant": 2,
       "HTTPRoute": 1,
       "HorizontalPodAutoscaler": 1,
       "Job": 1,
       "Namespace": 1,
       "NetworkPolicy": 2,
       "PersistentVolumeClaim": 1,
       "PodDisruptionBudget": 1,
       "PodIdentityAssociation": 1,
       "PrometheusRule": 1,
       "ResourceQuota": 1,
       "Role": 6,
       "Schema": 1,
       "Secret": 1,
       "Service": 1,
       "ServiceAccount": 2,
       "TenantStack": 1,
     }
    `);
  });

  it("names objects as the founding plan does", async () => {
    const rendered = await render();
    const named = (type: string, name: string) => find(rendered, type, name)["metadata"];
    expect(named(":Namespace", "acme-namespace")).toMatchObject({ name: "customer-acme" });
    expect(named(":Deployment", "acme-app")).toMatchObject({
      name: "warehouse-app",
      namespace: "customer-acme",
      labels: { app: "warehouse", customer: "acme" },
    });
    expect(named(":Service", "acme-service")).toMatchObject({ name: "warehouse-service" });
    expect(named(":Secret", "acme-db-secret")).toMatchObject({ name: "acme-db-secret" });
    expect(find(rendered, ":Database", "acme-database")).toMatchObject({
      name: "warehouse_acme",
      connectionLimit: 70,
    });
  });

  it("gives the application its credentials by reference only", async () => {
    const rendered = await render();
    const login = (prefix: string, purpose: string): Record<string, string> => {
      const username = `warehouse_acme_${purpose}`;
      const password = passwordOf(SEED, username, 0);
      const url = `postgres://${username}:${password}@db.internal:5432/warehouse_acme?sslmode=verify-full`;
      const fields = { username, password, name: "warehouse_acme", url };
      return Object.fromEntries(Object.entries(fields).map(([key, value]) => [prefix + key, value]));
    };
    expect(credentials(rendered, "acme-db-secret")).toEqual({
      ...login("", "app_a"),
      ...login("migrate-", "migrate"),
      ...login("backup-", "backup"),
      host: "db.internal",
      port: "5432",
    });
    expect(find(rendered, ":Secret", "acme-db-secret")["data"]).toMatchObject(SECRET);
    const others = JSON.stringify(rendered.filter((r) => !/:(Secret|Role)$/.test(r.type)));
    for (const purpose of ["app_a", "migrate", "backup"])
      expect(others).not.toContain(passwordOf(SEED, `warehouse_acme_${purpose}`, 0));
    expect(find(rendered, ":Role", "acme-app-a")["password"]).toMatchObject(SECRET);
  });

  it("lets no login own anything and closes the database to PUBLIC first", async () => {
    const rendered = await render();
    expect(find(rendered, ":Database", "acme-database")["owner"]).toBeUndefined();
    expect(find(rendered, ":Schema", "acme-schema")).toMatchObject({ owner: "warehouse_acme_owner" });
    expect(find(rendered, ":Role", "acme-owner")).toMatchObject({ login: false });
    expect(find(rendered, ":Role", "acme-app-a")).toMatchObject({
      login: true,
      roles: ["warehouse_acme_rw"],
      connectionLimit: 60,
    });
    const grants = rendered.filter((r) => r.type.endsWith(":Grant") && r.name.startsWith("acme-"));
    expect(grants[0]?.inputs).toMatchObject({ role: "public", objectType: "database", privileges: [] });
  });

  it("runs every container by the restricted Pod Security Standard", async () => {
    const rendered = await render();
    const templates = [
      (find(rendered, ":Deployment", "acme-app") as never as { spec: { template: object } }).spec.template,
      (find(rendered, ":Job", "acme-init") as never as { spec: { template: object } }).spec.template,
      (
        find(rendered, ":CronJob", "acme-backup") as never as {
          spec: { jobTemplate: { spec: { template: object } } };
        }
      ).spec.jobTemplate.spec.template,
    ];
    for (const template of templates) {
      expect(template).toMatchObject({
        spec: {
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1000,
            fsGroup: 1000,
            seccompProfile: { type: "RuntimeDefault" },
          },
          containers: [
            {
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ["ALL"] },
              },
            },
          ],
        },
      });
    }
  });

  it("gives the application its features, for which it starts anew", async () => {
    const template = async (features: object) =>
      (
        find(await render(registryOf({ id: "acme", features })), ":Deployment", "acme-app") as never as {
          spec: { template: { spec: { containers: { env: { name: string; value?: string }[] }[] } } };
        }
      ).spec.template;
    const env = (await template({ custom_theme: "blue", integrations: ["sap", "oracle"] })).spec.containers[0]
      ?.env;
    expect(Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]))).toMatchObject({
      TENANT_ID: "acme",
      PLAN: "enterprise",
      CUSTOM_THEME: "blue",
      INTEGRATIONS: "oracle,sap",
    });
    expect(env?.map(({ name }) => name)).not.toContain("BRAND_NAME");
    expect(await template({ custom_theme: "blue" })).not.toEqual(await template({ custom_theme: "red" }));
  });

  it("leaves the init Job as it is when features change", async () => {
    const job = async (features: object) =>
      find(await render(registryOf({ id: "acme", features })), ":Job", "acme-init");
    expect(await job({ custom_theme: "blue" })).toEqual(await job({ custom_theme: "red" }));
  });

  it("has a dashboard of its own where the registry says so", async () => {
    const dashboards = async (entry: object) =>
      (await render(registryOf({ id: "acme", ...entry })))
        .filter(({ name }) => name === "acme-dashboard")
        .map(({ inputs }) => Object.keys(inputs["data"] as object));
    expect(await dashboards({})).toEqual([]);
    expect(await dashboards({ observability: { dashboard: "dedicated" } })).toEqual([["customer-acme.json"]]);
  });

  it("reaches the public internet but no private address", async () => {
    const policy = find(await render(), ":NetworkPolicy", "acme-isolation") as never as {
      spec: {
        policyTypes: string[];
        egress: { to: { ipBlock?: { cidr: string; except?: string[] } }[]; ports: { port: number }[] }[];
      };
    };
    expect(policy.spec.policyTypes).toEqual(["Ingress", "Egress"]);
    const https = policy.spec.egress
      .filter(({ ports }) => ports.some(({ port }) => port === 443))
      .flatMap(({ to }) => to);
    expect(https.find(({ ipBlock }) => ipBlock?.cidr === "0.0.0.0/0")?.ipBlock?.except).toEqual(
      expect.arrayContaining([
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "10.0.0.0/16",
      ]),
    );
    expect(https.find(({ ipBlock }) => ipBlock?.cidr === "::/0")?.ipBlock?.except).toEqual(
      expect.arrayContaining(["fc00::/7", "fe80::/10", "fd00::/8"]),
    );
  });

  it("routes through the shared Gateway, without a certificate of its own", async () => {
    const rendered = await render();
    expect(kinds(rendered, "acme")).not.toContain("Certificate");
    expect(find(rendered, ":HTTPRoute", "acme-route")).toMatchObject({
      spec: {
        hostnames: ["acme.yourwarehousesaas.com"],
        parentRefs: [{ name: "platform", namespace: "gateway-system", sectionName: "https" }],
      },
    });
  });

  it("gives a verified custom domain a listener and a certificate, a pending one nothing", async () => {
    const domains = [
      { host: "wms.example.org", verification: "verified" },
      { host: "later.example.org", verification: "pending" },
    ];
    const rendered = await render(registryOf({ id: "acme", domains }));
    expect(find(rendered, ":Certificate", "acme-certificate")).toMatchObject({
      metadata: { name: "acme-tls" },
      spec: { secretName: "acme-tls", dnsNames: ["wms.example.org"] },
    });
    expect(find(rendered, ":ListenerSet", "acme-listeners")).toMatchObject({
      spec: { listeners: [{ hostname: "wms.example.org" }] },
    });
    expect(JSON.stringify(rendered)).not.toContain("later.example.org");
  });

  it("makes an Ingress with its certificate where the cell has no Gateway", async () => {
    const rendered = await render(realRegistry, ingressCell);
    expect(kinds(rendered, "acme")).not.toContain("HTTPRoute");
    expect(find(rendered, ":Certificate", "acme-certificate")).toMatchObject({
      spec: { dnsNames: ["acme.yourwarehousesaas.com"], issuerRef: { name: "letsencrypt-prod" } },
    });
    expect(find(rendered, ":Ingress", "acme-ingress")).toMatchObject({
      metadata: { name: "warehouse-ingress" },
      spec: {
        ingressClassName: "nginx",
        tls: [{ hosts: ["acme.yourwarehousesaas.com"], secretName: "acme-tls" }],
      },
    });
  });
});

describe("rotation of credentials", () => {
  /** The login in use, and the generation of each login's password. */
  async function after(rotation: number): Promise<unknown> {
    const rendered = await render(registryOf({ id: "acme", credentials: { rotation } }));
    const generation = (name: string): number | undefined => {
      const role = rendered.find((r) => r.type.endsWith(":Role") && r.name === `acme-${name}`);
      const password = (role?.inputs["password"] as { value: string } | undefined)?.value;
      return [0, 1, 2, 3].find((each) => passwordOf(SEED, String(role?.inputs["name"]), each) === password);
    };
    const { username, password } = credentials(rendered, "acme-db-secret");
    expect(password).toBe(passwordOf(SEED, username ?? "", rotation));
    expect([generation("migrate"), generation("backup")]).toEqual([rotation, rotation]);
    return [username, generation("app-a"), generation("app-b")];
  }

  it("alternates between two logins, the second of which comes with the first rotation", async () => {
    expect([await after(0), await after(1), await after(2), await after(3)]).toEqual([
      ["warehouse_acme_app_a", 0, undefined],
      ["warehouse_acme_app_b", 0, 1],
      ["warehouse_acme_app_a", 2, 1],
      ["warehouse_acme_app_b", 2, 3],
    ]);
  });
});

describe("a suspended tenant", () => {
  const suspended = registryOf({ id: "acme", state: "suspended", suspension: { reason: "unpaid" } });

  it("has no pods, autoscaler or init Job, and a Service that leads to the maintenance response", async () => {
    const rendered = await render(suspended);
    expect(find(rendered, ":Deployment", "acme-app")).toMatchObject({ spec: { replicas: 0 } });
    expect(kinds(rendered, "acme")).not.toContain("HorizontalPodAutoscaler");
    expect(kinds(rendered, "acme")).not.toContain("Job");
    expect(find(rendered, ":Service", "acme-service")).toMatchObject({
      spec: { selector: { app: "warehouse-maintenance", customer: "acme" } },
    });
    expect(find(rendered, ":Deployment", "acme-maintenance")).toMatchObject({
      spec: { replicas: 1, template: { spec: { containers: [{ args: ["maintenance"] }] } } },
    });
  });

  it("keeps its data, its backups and its route", async () => {
    const before = (await render(registryOf({ id: "acme" }))).map(({ type, name }) => `${type}::${name}`);
    const after = new Set((await render(suspended)).map(({ type, name }) => `${type}::${name}`));
    const gone = before.filter((key) => !after.has(key));
    expect(gone.map((key) => key.split("::").at(-1)).sort()).toEqual(["acme-autoscaler", "acme-init"]);
  });
});

describe("the neighbour rule", () => {
  const id = fc.stringMatching(/^[a-z](-?[a-z0-9]){2,12}$/).filter((text) => text !== "acme");
  const neighbour = fc.record({
    id,
    plan: fc.constantFrom(...PLAN_NAMES),
    ring: fc.constantFrom(1, 2),
    state: fc.constantFrom("active", "past_due", "suspended"),
  });
  const domain = { host: "wms.example.org", verification: "verified" };
  const DOMAINS = { starter: [], professional: [domain], ai_enhanced: [domain], enterprise: [domain] };
  const neighbours = fc.uniqueArray(neighbour, {
    selector: ({ id }) => id.replaceAll("-", "_"),
    minLength: 1,
    maxLength: 2,
  });

  // Directory, rules and ReferenceGrant of a pool name its tenants: the exceptions.
  const byKey = (all: readonly Registration[]) =>
    new Map(
      all
        .filter(({ name }) => !/^pool-.*-(directory|alerts|reference-grant)$/.test(name))
        .map(({ type, name, inputs }) => [`${type}::${name}`, JSON.stringify(inputs)]),
    );

  it.each(PLAN_NAMES)(
    "leaves a %s tenant's resources byte-equal whatever its neighbours do",
    async (plan) => {
      const acme = { id: "acme", plan, domains: DOMAINS[plan] };
      const alone = byKey(await render(registryOf(acme)));
      await fc.assert(
        fc.asyncProperty(neighbours, fc.nat(3), async (others, position) => {
          const together = byKey(
            await render(registryOf(...others.toSpliced(position % (others.length + 1), 0, acme as never))),
          );
          const kept = new Map([...together].filter(([key]) => alone.has(key)));
          expect(kept).toEqual(alone);
          expect(together.size).toBeGreaterThan(alone.size);
        }),
        { numRuns: 5 },
      );
    },
  );
});
