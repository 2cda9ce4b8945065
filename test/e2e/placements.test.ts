import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import {
  acting,
  loginOf,
  connectionOf,
  openWorkplace,
  sql,
  tenantLogin,
  type Login,
  type Workplace,
} from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const SHARED = "warehouse_shared";

/** Tenants of every placement, two of each kind that shares something. */
const PLANS = {
  carla: "starter",
  "carla-2": "starter",
  dora: "professional",
  erik: "professional",
  acme: "enterprise",
} as const;
type Id = keyof typeof PLANS;
const IDS = Object.keys(PLANS) as Id[];

const entry = (id: string, plan: string, more = ""): string =>
  `\n  - id: ${id}\n    plan: ${plan}\n    since: "2026-01-01T00:00:00Z"\n${more}`;

let place: Workplace;
let head: string;

const write = (...entries: string[]): void => {
  place.write(REGISTRY, head + entries.join(""));
};
const everybody = IDS.map((id) => entry(id, PLANS[id]));

async function up(): Promise<string> {
  const { code, output } = await place.pulumi("up", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(output);
  return output;
}

async function get<T>(...args: string[]): Promise<T> {
  const { code, stdout, output } = await place.kubectl("get", ...args, "-o", "json");
  if (code !== 0) throw new Error(output);
  return JSON.parse(stdout) as T;
}

type Purpose = "app" | "migrate" | "backup";
const login = (id: string, purpose: Purpose = "app"): Promise<Login> => tenantLogin(place, id, purpose);

/** The directory of a pool as the application reads it. */
async function directory(pool: string): Promise<Record<string, { tenantId: string; databaseUrl: string }>> {
  const { data = {} } = await get<{ data?: Record<string, string> }>(
    "secret/tenant-directory",
    "-n",
    `pool-${pool}`,
  );
  return Object.fromEntries(
    Object.entries(data).map(([host, value]) => [
      host,
      JSON.parse(Buffer.from(value, "base64").toString()) as { tenantId: string; databaseUrl: string },
    ]),
  );
}

/** What must not change for the pods of a pool to stay: the template's generation, and the pods themselves. */
async function podsOf(pool: string): Promise<unknown> {
  const [deployment, pods] = await Promise.all([
    get<{ metadata: { generation: number } }>("deployment/warehouse-app", "-n", `pool-${pool}`),
    get<{ items: { metadata: { uid: string } }[] }>("pods", "-l", "app=warehouse", "-n", `pool-${pool}`),
  ]);
  return [deployment.metadata.generation, pods.items.map(({ metadata }) => metadata.uid).sort()];
}

/** Where a tenant's route leads. */
async function backend(id: string): Promise<{ name: string; namespace?: string } | undefined> {
  const { spec } = await get<{
    spec: { rules: { backendRefs: { name: string; namespace?: string }[] }[] };
  }>("httproute/warehouse-route", "-n", `customer-${id}`);
  const [first] = spec.rules[0]?.backendRefs ?? [];
  return first === undefined
    ? undefined
    : { name: first.name, ...(first.namespace === undefined ? {} : { namespace: first.namespace }) };
}

beforeAll(async () => {
  place = await openWorkplace();
  const text = place.read(REGISTRY);
  head = `${text.slice(0, text.indexOf("tenants:\n"))}tenants:`;
  write(...everybody);
  await up();
  // What the application's migrations do.
  const shared = await loginOf(place, "warehouse-shared", "warehouse-shared-migrate-secret");
  await sql(
    connectionOf(place, shared),
    `create table app.items (tenant_id text not null, id int, name text, primary key (tenant_id, id));
     select tenancy.protect('app.items')`,
  );
  for (const id of IDS) {
    if (PLANS[id] !== "starter") {
      await sql(
        connectionOf(place, await login(id, "migrate")),
        "create table app.items (tenant_id text not null, id int, name text, primary key (tenant_id, id))",
      );
    }
    await sql(
      connectionOf(place, await login(id)),
      `set app.tenant_id = '${id}'; insert into items values ('${id}', 1, 'of ${id}')`,
    );
  }
}, 40 * MINUTE);
afterAll(() => place.close());
afterEach(() => {
  write(...everybody);
});

describe("a cell with every placement", () => {
  it("shows no change when run again, and no drift", async () => {
    expect((await place.pulumi("preview", "--expect-no-changes")).code).toBe(0);
    const refresh = await place.pulumi("refresh", "--preview-only", "--expect-no-changes");
    expect(refresh.output).not.toContain("error:");
    expect(refresh.code).toBe(0);
  });

  it("gives every tenant a namespace, and what pods need where they run", async () => {
    for (const id of IDS) {
      const { stdout } = await place.kubectl(
        "get",
        "resourcequota,limitrange,networkpolicy,cronjob,secret,httproute",
        "-n",
        `customer-${id}`,
        "-o",
        "name",
      );
      expect(stdout.trim().split("\n")).toEqual([
        ...(PLANS[id] === "enterprise"
          ? [
              "resourcequota/tenant-quota",
              "networkpolicy.networking.k8s.io/customer-isolation",
              "cronjob.batch/warehouse-backup",
              `secret/${id}-backup-keys-secret`,
              `secret/${id}-db-secret`,
            ]
          : []),
        "httproute.gateway.networking.k8s.io/warehouse-route",
      ]);
    }
    const { stdout } = await place.kubectl("get", "cronjob,job,secret", "-n", "pool-starter", "-o", "name");
    expect(stdout.trim().split("\n")).toEqual([
      "cronjob.batch/warehouse-backup-carla",
      "cronjob.batch/warehouse-backup-carla-2",
      "job.batch/warehouse-init-carla",
      "job.batch/warehouse-init-carla-2",
      "secret/carla-2-backup-keys-secret",
      "secret/carla-2-db-secret",
      "secret/carla-backup-keys-secret",
      "secret/carla-db-secret",
      "secret/tenant-directory",
    ]);
  });

  it("lets no pod into the namespace of a tenant whose application is shared", async () => {
    const refused = await place.kubectl(
      ...["create", "job", "probe", "--image=busybox", "-n", "customer-carla", "--dry-run=server"],
    );
    expect(refused.stderr).toContain("this namespace is not for pods");
    expect(refused.code).not.toBe(0);
  });

  it("runs two pods for each pool, none in the namespaces of pooled tenants, and leads routes to them", async () => {
    const { items } = await get<{
      items: { metadata: { namespace: string }; status: { readyReplicas?: number } }[];
    }>("deployments", "-A");
    expect(
      Object.fromEntries(items.map(({ metadata, status }) => [metadata.namespace, status.readyReplicas])),
    ).toEqual({ "customer-acme": 2, "pool-professional": 2, "pool-starter": 2, "warehouse-ops": 1 });
    expect(await backend("carla")).toEqual({ name: "warehouse-service", namespace: "pool-starter" });
    expect(await backend("dora")).toEqual({ name: "warehouse-service", namespace: "pool-professional" });
    expect(await backend("acme")).toEqual({ name: "warehouse-service" });
    const grants = await get<{
      items: { metadata: { namespace: string }; spec: { from: { namespace: string }[] } }[];
    }>("referencegrants", "-A");
    expect(
      Object.fromEntries(
        grants.items.map(({ metadata, spec }) => [
          metadata.namespace,
          spec.from.map((each) => each.namespace),
        ]),
      ),
    ).toEqual({
      "pool-professional": ["customer-dora", "customer-erik"],
      "pool-starter": ["customer-carla", "customer-carla-2"],
    });
  });

  it("tells each pool its tenants, by logins that work", async () => {
    const starter = await directory("starter");
    expect(Object.entries(starter).map(([host, { tenantId }]) => [host, tenantId])).toEqual([
      ["carla-2.yourwarehousesaas.com", "carla-2"],
      ["carla.yourwarehousesaas.com", "carla"],
    ]);
    const professional = await directory("professional");
    expect(Object.values(professional).map(({ tenantId }) => tenantId)).toEqual(["dora", "erik"]);
    for (const { tenantId, databaseUrl } of [...Object.values(starter), ...Object.values(professional)]) {
      expect(await acting(tenantId, { connectionString: databaseUrl }, "select name from items")).toEqual([
        { name: `of ${tenantId}` },
      ]);
    }
  });

  it("makes the shared database ready before anybody gets in", async () => {
    const { items } = await get<{
      items: { metadata: { name: string }; status: { succeeded?: number; completionTime: string } }[];
    }>("jobs", "-n", "warehouse-shared");
    const inTime = items.sort((a, b) => a.status.completionTime.localeCompare(b.status.completionTime));
    expect(inTime.map(({ status }) => status.succeeded)).toEqual([1, 1, 1]);
    expect(inTime.map(({ metadata }) => metadata.name).sort()).toEqual([
      "warehouse-bootstrap",
      "warehouse-check",
      "warehouse-migrations",
    ]);
  });
});

describe("isolation of the tenants' data", () => {
  const loginsOf = (id: Id): readonly Purpose[] =>
    PLANS[id] === "starter" ? ["app", "backup"] : ["app", "migrate", "backup"];

  /** What a statement answers a login in a database: its rows, or the error. */
  async function answer(as: Login, database: string, text: string): Promise<string> {
    try {
      const rows = await sql(connectionOf(place, as, database), text);
      return JSON.stringify(rows);
    } catch (error) {
      return (error as Error).message;
    }
  }

  it("is exactly the identity: every login against every database", async () => {
    const own = (id: Id): string =>
      PLANS[id] === "starter" ? SHARED : `warehouse_${id.replaceAll("-", "_")}`;
    const databases = [...new Set(IDS.map(own)), "postgres", "template1"];
    for (const id of IDS) {
      for (const purpose of loginsOf(id)) {
        const as = await login(id, purpose);
        expect(as.database).toBe(own(id));
        const inside: string[] = [];
        for (const database of databases) {
          const said = await answer(as, database, "select 1 as one");
          if (said === '[{"one":1}]') inside.push(database);
          else expect(said).toBe(`permission denied for database "${database}"`);
        }
        expect([as.user, inside]).toEqual([as.user, [own(id)]]);
      }
    }
  });

  it("is exactly the identity: every login acting for every tenant, reading, writing and making tables", async () => {
    for (const id of ["carla", "carla-2"] as const) {
      for (const purpose of loginsOf(id)) {
        const as = await login(id, purpose);
        const mayWrite = purpose !== "backup";
        for (const claimed of IDS) {
          const setting = `set app.tenant_id = '${claimed}'`;
          const own = claimed === id;
          const client = new pg.Client(connectionOf(place, as));
          await client.connect();
          const ask = async (text: string): Promise<string> => {
            try {
              return JSON.stringify((await client.query(text)).rows);
            } catch (error) {
              return (error as Error).message;
            }
          };
          await client.query(setting);
          expect(await ask("select name from items")).toBe(own ? `[{"name":"of ${id}"}]` : "[]");
          const denied = "permission denied for table items";
          const violation = 'new row violates row-level security policy for table "items"';
          expect(await ask("update items set name = name returning 1 as one")).toBe(
            mayWrite ? (own ? '[{"one":1}]' : "[]") : denied,
          );
          expect(await ask(`insert into items values ('${claimed}', 9, 'x')`)).toBe(
            mayWrite ? (own ? "[]" : violation) : denied,
          );
          expect(await ask("delete from items where id = 9 returning 1 as one")).toBe(
            mayWrite ? (own ? '[{"one":1}]' : "[]") : denied,
          );
          expect(await ask("create table app.mine (id int)")).toBe("permission denied for schema app");
          expect(await ask("create temporary table mine (id int)")).toBe(
            mayWrite ? "[]" : 'permission denied to create temporary tables in database "warehouse_shared"',
          );
          await client.end();
        }
      }
    }
  });

  it("shows nothing without the setting, and refuses a forged tenant", async () => {
    const as = await login("carla");
    expect(await answer(as, SHARED, "select * from items")).toBe("[]");
    expect(await answer(as, SHARED, "insert into items values ('carla-2', 5, 'forged')")).toBe(
      'new row violates row-level security policy for table "items"',
    );
    await expect(
      acting("carla", connectionOf(place, as), "insert into items values ('carla-2', 5, 'forged')"),
    ).rejects.toThrow('new row violates row-level security policy for table "items"');
  });

  it("withstands attempts at more power, in either kind of database", async () => {
    for (const id of ["carla", "dora"]) {
      const as = await login(id);
      for (const [statement, message] of [
        [`drop database ${as.database}`, `must be owner of database ${as.database}`],
        ["drop database warehouse_acme", "must be owner of database warehouse_acme"],
        [
          "copy app.items to program 'true'",
          "must be superuser or have privileges of the pg_execute_server_program role to COPY to or from an external program",
        ],
        [`alter role ${as.user} connection limit -1`, "permission denied"],
        [
          `alter role ${as.user} superuser`,
          "must be superuser to alter superuser roles or change superuser attribute",
        ],
        ["alter database postgres connection limit 1", "must be owner of database postgres"],
        ["set role warehouse_shared_owner", 'permission denied to set role "warehouse_shared_owner"'],
        ["alter table app.items disable row level security", "must be owner of table items"],
        ["select pg_read_file('PG_VERSION')", "permission denied for function pg_read_file"],
      ] as const) {
        expect([statement, await answer(as, as.database, statement)]).toEqual([statement, message]);
      }
    }
  });

  it("is found whole by the checks that ship", async () => {
    const platform = { ...place.platform.pg.platform, database: "postgres" };
    expect(await sql(platform, place.read("ops/isolation-assert.sql"))).toEqual([]);
    const shared = await loginOf(place, "warehouse-shared", "warehouse-shared-migrate-secret");
    expect(await sql(connectionOf(place, shared), "select * from tenancy.problems()")).toEqual([]);
  });
});

describe("onboarding into a pool", () => {
  it("restarts no pod, and tells the running ones", async () => {
    const before = await podsOf("starter");
    write(...everybody, entry("frieda", "starter"));
    const output = await up();
    expect(await podsOf("starter")).toEqual(before);
    expect(output).not.toMatch(/\d+ (replaced|deleted)/);
    // The stack's outputs apart, what names the pool's tenants is all that changes: directory, rules and ReferenceGrant.
    expect(output).toMatch(/~ 3 updated/);
    expect(Object.keys(await directory("starter"))).toContain("frieda.yourwarehousesaas.com");
    everybody.push(entry("frieda", "starter"));
  });
});

describe("a pooled tenant that is suspended", () => {
  it("is answered for by the pool, is told to nobody, and keeps its rows; others notice nothing", async () => {
    const before = await podsOf("starter");
    const suspended = entry(
      "carla",
      "starter",
      "    state: suspended\n    suspension: { reason: unpaid, mode: payment_required }\n",
    );
    write(suspended, ...everybody.slice(1));
    await up();
    expect(Object.keys(await directory("starter"))).toEqual([
      "carla-2.yourwarehousesaas.com",
      "frieda.yourwarehousesaas.com",
    ]);
    expect(await backend("carla")).toEqual({ name: "warehouse-payment-required", namespace: "pool-starter" });
    const pods = await get<{ items: { status: { podIP: string } }[] }>(
      "pods",
      "-n",
      "pool-starter",
      "-l",
      "app=warehouse-maintenance",
    );
    expect(pods.items).toHaveLength(1);
    expect(await podsOf("starter")).toEqual(before);
    write(...everybody);
    await up();
    expect(await backend("carla")).toEqual({ name: "warehouse-service", namespace: "pool-starter" });
    const as = connectionOf(place, await login("carla"));
    expect(await acting("carla", as, "select name from items")).toEqual([{ name: "of carla" }]);
  });
});

describe("rotation of a pooled tenant's credentials", () => {
  it("changes its line in the directory, restarts nothing and breaks no connection", async () => {
    const before = await directory("starter");
    const pods = await podsOf("starter");
    const old = new pg.Client({ connectionString: before["carla.yourwarehousesaas.com"]?.databaseUrl });
    await old.connect();
    write(entry("carla", "starter", "    credentials: { rotation: 1 }\n"), ...everybody.slice(1));
    await up();
    everybody[0] = entry("carla", "starter", "    credentials: { rotation: 1 }\n");
    const after = await directory("starter");
    expect(after["carla.yourwarehousesaas.com"]?.databaseUrl).toContain("warehouse_carla_app_b:");
    expect({ ...after, "carla.yourwarehousesaas.com": undefined }).toEqual({
      ...before,
      "carla.yourwarehousesaas.com": undefined,
    });
    await old.query("select 1");
    for (const each of [before, after]) {
      await sql({ connectionString: each["carla.yourwarehousesaas.com"]?.databaseUrl }, "select 1");
    }
    await old.end();
    expect(await podsOf("starter")).toEqual(pods);
  });
});

describe("the backup of a pooled tenant", () => {
  it("holds its rows and its files, and not its neighbour's", async () => {
    const namespace = "pool-starter";
    const uploads = join(place.platform.paths.volumes, namespace, "warehouse-uploads");
    for (const id of ["carla", "carla-2"]) {
      mkdirSync(join(uploads, id), { recursive: true });
      writeFileSync(join(uploads, id, `of ${id}.txt`), `of ${id}`);
    }
    await place.kubectl("create", "job", "now", "--from=cronjob/warehouse-backup-carla", "-n", namespace);
    const done = await place.kubectl(
      ...["wait", "job/now", "-n", namespace, "--for=condition=complete", "--timeout=90s"],
    );
    expect(done.output).toContain("condition met");
    const logs = await place.kubectl("logs", "job/now", "-n", namespace);
    expect(logs.stdout).toContain("dumping the rows of carla in warehouse_shared");
    expect(logs.stdout).toContain(".tar.zst: 1 files");
    expect(logs.stdout).toMatch(/backup carla-\d{8}T\d{6}Z complete/);
  });
});

describe("a release of the pool", () => {
  it("brings the tables first and then the pods, and runs every tenant's init Job", async () => {
    const digest = `sha256:${"4".repeat(64)}`;
    head = head
      .replace("  versions:\n", `  versions:\n    v2.2.0: { digest: "${digest}" }\n`)
      .replaceAll("version: v2.1.0 }", "version: v2.2.0 }");
    write(...everybody);
    await up();
    const at = async (what: string, namespace: string, path: string): Promise<string> => {
      const { stdout } = await place.kubectl(...["get", what, "-n", namespace, "-o", `jsonpath=${path}`]);
      return stdout;
    };
    const image = "{.spec.template.spec.containers[0].image}";
    for (const [what, namespace] of [
      ["job/warehouse-migrations", "warehouse-shared"],
      ["deployment/warehouse-app", "pool-starter"],
      ["deployment/warehouse-app", "pool-professional"],
      ["job/warehouse-init-carla", "pool-starter"],
      ["job/warehouse-init-dora", "pool-professional"],
    ] as const) {
      expect([namespace, await at(what, namespace, image)]).toEqual([
        namespace,
        expect.stringContaining(digest),
      ]);
    }
    const checked = Date.parse(
      await at("job/warehouse-check", "warehouse-shared", "{.status.completionTime}"),
    );
    const rolled = await get<{ items: { metadata: { creationTimestamp: string } }[] }>(
      ...["pods", "-n", "pool-starter", "-l", "app=warehouse"],
    );
    for (const { metadata } of rolled.items) {
      expect(Date.parse(metadata.creationTimestamp)).toBeGreaterThanOrEqual(checked);
    }
  });
});
