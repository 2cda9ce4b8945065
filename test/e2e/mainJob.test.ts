import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { billingSchema } from "../../billing/contract.ts";
import { heal, stateText } from "../../sandbox/stack.ts";
import {
  changes,
  commandEnvironment,
  connectionOf,
  killedUp,
  openWorkplace,
  run,
  sql,
  tenantLogin,
  type Login,
  type Outcome,
  type Workplace,
} from "../support/e2e.ts";

const REGISTRY = "tenants/tenants.yaml";
const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const entry = (id: string): string => `
  - id: ${id}
    plan: ai_enhanced
    since: "2026-01-01T00:00:00Z"
`;

let place: Workplace;
let registry: string;

beforeAll(async () => {
  place = await openWorkplace();
  registry = place.read(REGISTRY);
}, 40 * MINUTE);
afterAll(() => place.close());
afterEach(() => {
  place.write(REGISTRY, registry);
});

/** Keeps an edit for the tests that follow. */
function keep(text: string): void {
  registry = text;
  place.write(REGISTRY, text);
}

const login = (id: string, purpose: "app" | "migrate" | "backup" = "app"): Promise<Login> =>
  tenantLogin(place, id, purpose);
const connection = (as: Login, database: string) => connectionOf(place, as, database);

const previewed = async (): Promise<{ op: string; name: string }[]> =>
  changes(await place.pulumi("preview", "--json"));
/** The stack itself changes only by its outputs. */
const ownersOf = (steps: { name: string }[]): string[] =>
  [...new Set(steps.map(({ name }) => name.split("-")[0] ?? ""))]
    .filter((name) => name !== "warehouse")
    .sort();

describe("pulumi up of the registry", () => {
  it("deploys the two customers of the founding plan", async () => {
    const up = await place.pulumi("up", "--yes", "--skip-preview");
    expect(up.output).not.toContain("error:");
    expect(up.code).toBe(0);
  });

  it("shows no change when run again", async () => {
    expect(changes(await place.pulumi("preview", "--json"))).toEqual([]);
    const up = await place.pulumi("up", "--yes", "--skip-preview");
    expect(up.output).toMatch(/\d+ unchanged/);
    expect(up.output).not.toMatch(/\d+ (created|updated|replaced|deleted)/);
    expect(up.code).toBe(0);
  });

  it("finds no drift on refresh", async () => {
    const refresh = await place.pulumi("refresh", "--preview-only", "--expect-no-changes");
    expect(refresh.output).not.toContain("error:");
    expect(refresh.code).toBe(0);
  });

  it("exports tenants and billing", async () => {
    const { stdout } = await place.pulumi("stack", "output", "--json");
    const outputs = JSON.parse(stdout) as { tenants: Record<string, unknown>; billing: unknown };
    expect(outputs.tenants["acme"]).toEqual({
      id: "acme",
      plan: "enterprise",
      placement: "silo",
      state: "active",
      region: "us-west-2",
      host: "acme.yourwarehousesaas.com",
      namespace: "customer-acme",
      release: "v2.1.0",
      rotation: 0,
      uploadsBytes: 100 * 2 ** 30,
      quota: { cpu: 7_300, memory: 14.75 * 2 ** 30 },
    });
    expect(billingSchema.parse(outputs.billing).totals.mrrMinor).toBe(109800);
  });
});

describe("the API server", () => {
  it.each(["acme", "beta"])("holds what the program declared for %s", async (id) => {
    const names = async (kinds: string): Promise<string[]> => {
      const { stdout, output, code } = await place.kubectl(
        "get",
        kinds,
        "-n",
        `customer-${id}`,
        "-o",
        "name",
      );
      if (code !== 0) throw new Error(output);
      return stdout.trim().split("\n").sort();
    };
    expect(
      await names(
        "deploy,svc,hpa,pdb,cronjob,pvc,networkpolicy,resourcequota,limitrange,httproute,servicemonitor,prometheusrule",
      ),
    ).toEqual([
      "cronjob.batch/warehouse-backup",
      "deployment.apps/warehouse-app",
      "horizontalpodautoscaler.autoscaling/warehouse-app",
      "httproute.gateway.networking.k8s.io/warehouse-route",
      "networkpolicy.networking.k8s.io/customer-isolation",
      "persistentvolumeclaim/warehouse-uploads",
      "poddisruptionbudget.policy/warehouse-app",
      "prometheusrule.monitoring.coreos.com/warehouse-app",
      "resourcequota/tenant-quota",
      "service/warehouse-service",
    ]);
    expect(await names("secret,serviceaccount")).toEqual([
      `secret/${id}-backup-keys-secret`,
      `secret/${id}-db-secret`,
      `serviceaccount/${id}`,
      "serviceaccount/default",
      "serviceaccount/warehouse-app",
    ]);
  });

  it("holds one ServiceMonitor for all silo tenants, which selects their Services", async () => {
    const monitors = await place.kubectl(
      ...["get", "servicemonitor", "-n", "warehouse-ops", "-o"],
      "jsonpath={.items[?(@.spec.namespaceSelector.any==true)].spec.selector.matchLabels}",
    );
    const labels = JSON.parse(monitors.stdout) as Record<string, string>;
    const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const services = await place.kubectl(
      ...["get", "service", "-A", "-l", selector.join(","), "-o=jsonpath={.items[*].metadata.namespace}"],
    );
    expect(services.stdout.split(" ").sort()).toEqual(["customer-acme", "customer-beta"]);
  });

  it("runs the application at the autoscaler's minimum, within its quota", async () => {
    const deployment = await place.kubectl(
      "wait",
      "deployment/warehouse-app",
      "-n",
      "customer-acme",
      "--for=jsonpath={.status.readyReplicas}=2",
      "--timeout=90s",
    );
    expect(deployment.output).toContain("condition met");
    const job = await place.kubectl(
      "get",
      "job/warehouse-init",
      "-n",
      "customer-acme",
      "-o",
      "jsonpath={.status.succeeded}",
    );
    expect(job.stdout).toBe("1");
  });

  it("refuses a pod below the restricted Pod Security Standard", async () => {
    const refused = await place.kubectl(
      "run",
      "probe",
      "-n",
      "customer-acme",
      "--image=busybox",
      "--dry-run=server",
    );
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('violates PodSecurity "restricted');
  });
});

describe("tenants' databases", () => {
  it("let every login of a tenant into its own database and no other", async () => {
    const logins = await Promise.all(
      ["acme", "beta"].flatMap((id) =>
        (["app", "migrate", "backup"] as const).map((purpose) => login(id, purpose)),
      ),
    );
    const databases = [...new Set(logins.map(({ database }) => database)), "postgres", "template1"];
    const reached: Record<string, string[]> = {};
    for (const own of logins) {
      const inside: string[] = (reached[own.user] = []);
      for (const database of databases) {
        const answer = await sql(connection(own, database), "select 1").then(
          () => "in",
          (error: unknown) => (error as Error).message,
        );
        if (answer === "in") inside.push(database);
        else expect(answer).toBe(`permission denied for database "${database}"`);
      }
    }
    expect(reached).toEqual(
      Object.fromEntries(
        ["acme", "beta"].flatMap((id) =>
          ["app_a", "migrate", "backup"].map((role) => [`warehouse_${id}_${role}`, [`warehouse_${id}`]]),
        ),
      ),
    );
  });

  describe("are checked by ops/isolation-assert.sql, which", () => {
    const superuser = () => ({ ...place.platform.pg, database: "postgres" });
    const problems = async (): Promise<string[]> => {
      const rows = await sql<{ object: string; problem: string }>(
        { ...place.platform.pg.platform, database: "postgres" },
        place.read("ops/isolation-assert.sql"),
      );
      return rows.map(({ object, problem }) => `${object} ${problem}`);
    };

    it("finds nothing where the program has made them", async () => {
      expect(await problems()).toEqual([]);
    });

    it.each([
      [
        "grant connect on database warehouse_acme to public",
        "revoke connect on database warehouse_acme from public",
        ["warehouse_acme PUBLIC has CONNECT"],
      ],
      [
        "grant connect on database template1 to public",
        "revoke connect on database template1 from public",
        ["template1 PUBLIC has CONNECT"],
      ],
      [
        "grant connect on database warehouse_beta to warehouse_acme_app_a",
        "revoke connect on database warehouse_beta from warehouse_acme_app_a",
        ["warehouse_beta warehouse_acme_app_a, a login of warehouse_acme, can connect"],
      ],
      [
        "grant warehouse_beta_ro to warehouse_acme_backup",
        "revoke warehouse_beta_ro from warehouse_acme_backup",
        [
          "warehouse_acme_backup is a member of warehouse_beta_ro",
          "warehouse_beta warehouse_acme_backup, a login of warehouse_acme, can connect",
        ],
      ],
      [
        "grant pg_read_all_data to warehouse_acme_rw",
        "revoke pg_read_all_data from warehouse_acme_rw",
        ["warehouse_acme_rw is a member of pg_read_all_data"],
      ],
      [
        "create role analyst; grant warehouse_acme_rw to analyst",
        "drop role analyst",
        ["warehouse_acme_rw has the member analyst"],
      ],
      [
        "create role analyst; grant connect on database warehouse_acme to analyst",
        "revoke connect on database warehouse_acme from analyst; drop role analyst",
        ["warehouse_acme has CONNECT granted to analyst"],
      ],
      [
        "alter role warehouse_acme_migrate createdb bypassrls",
        "alter role warehouse_acme_migrate nocreatedb nobypassrls",
        ["warehouse_acme_migrate has the right BYPASSRLS", "warehouse_acme_migrate has the right CREATEDB"],
      ],
      [
        "alter role warehouse_acme_app_a connection limit -1",
        "alter role warehouse_acme_app_a connection limit 60",
        ["warehouse_acme_app_a logs in without a connection limit"],
      ],
      [
        "alter database warehouse_acme connection limit -1",
        "alter database warehouse_acme connection limit 70",
        ["warehouse_acme has no connection limit"],
      ],
      [
        "alter database warehouse_acme owner to warehouse_acme_owner",
        "alter database warehouse_acme owner to platform",
        ["warehouse_acme belongs to the tenant role warehouse_acme_owner"],
      ],
    ])("finds: %s", async (fault, remedy, expected) => {
      await sql(superuser(), fault);
      try {
        expect(await problems()).toEqual(expected);
      } finally {
        await sql(superuser(), remedy);
      }
      expect(await problems()).toEqual([]);
    });
  });

  it("give the application rows, and the schema to nobody who logs in", async () => {
    const app = connection(await login("acme"), "warehouse_acme");
    const migrate = connection(await login("acme", "migrate"), "warehouse_acme");
    await sql(migrate, "create table if not exists app.items (id int primary key, name text)");
    await sql(app, "insert into items values (1, 'pallet') on conflict do nothing");
    expect(await sql(app, "select name from items")).toEqual([{ name: "pallet" }]);
    const refusals: Record<string, RegExp> = {
      "create table app.mine (id int)": /permission denied for schema app/,
      "drop table app.items": /must be owner of table items/,
      "drop database warehouse_acme": /must be owner of database/,
      "alter role current_user connection limit -1": /permission denied|must have/i,
      "grant connect on database warehouse_acme to public": /permission denied|no privileges were granted/i,
      "copy app.items to program 'true'":
        /(permission denied|must be superuser).* COPY to or from an external program/,
    };
    for (const [statement, message] of Object.entries(refusals)) {
      // A GRANT without grant option only warns: what counts is that nothing was granted, checked below.
      await sql(app, statement).then(
        () => {
          expect(statement).toMatch(/^grant/);
        },
        (error: unknown) => {
          expect((error as Error).message).toMatch(message);
        },
      );
    }
    expect(await publicConnects()).toEqual([]);
  });

  it("limit the connections of a login", async () => {
    const superuser = { ...place.platform.pg, database: "postgres" };
    expect(
      await sql(
        superuser,
        "select rolname, rolconnlimit from pg_roles where rolname like 'warehouse\\_acme\\_%' and rolcanlogin order by 1",
      ),
    ).toEqual([
      { rolname: "warehouse_acme_app_a", rolconnlimit: 60 },
      { rolname: "warehouse_acme_backup", rolconnlimit: 2 },
      { rolname: "warehouse_acme_migrate", rolconnlimit: 3 },
    ]);
    expect(
      await sql(superuser, "select datconnlimit from pg_database where datname = 'warehouse_acme'"),
    ).toEqual([{ datconnlimit: 70 }]);
  });

  /** Databases that PUBLIC may connect to, template0 apart, which accepts no connections. */
  const publicConnects = () =>
    sql(
      { ...place.platform.pg, database: "postgres" },
      "select datname from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) where grantee = 0 and privilege_type = 'CONNECT' and datallowconn",
    );
});

describe("backups", () => {
  it("runs the backup Job and leaves a dump with its manifest, manifest last", async () => {
    await place.kubectl(
      "create",
      "job",
      "backup-now",
      "--from=cronjob/warehouse-backup",
      "-n",
      "customer-acme",
    );
    const done = await place.kubectl(
      "wait",
      "job/backup-now",
      "-n",
      "customer-acme",
      "--for=condition=complete",
      "--timeout=90s",
    );
    expect(done.output).toContain("condition met");
    const { S3Client, ListObjectsV2Command } = await import("@aws-sdk/client-s3");
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } =
      place.platform.env;
    const client = new S3Client({
      endpoint: place.platform.aws.endpoint,
      region: "us-west-2",
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: "warehouse-backups", Prefix: "customers/acme/" }),
    );
    client.destroy();
    expect(Contents.map(({ Key = "" }) => Key.replace(/\d{8}T\d{6}Z/, "TIME"))).toEqual([
      "customers/acme/db/TIME.dump",
      "customers/acme/db/TIME.manifest.json",
      "customers/acme/files/TIME.tar.zst",
      "customers/acme/tenant.json",
    ]);
  });
});

describe("the operations program", () => {
  /** Runs it as the backup Job does, with some variables changed. */
  async function backup(
    changed: Readonly<Record<string, string>>,
  ): Promise<{ code: number; output: string }> {
    const { user, password, database } = await login("acme");
    const env = {
      ...place.platform.env,
      TENANT_ID: "acme",
      BACKUP_BUCKET: "warehouse-backups",
      BACKUP_PREFIX: "customers/acme/",
      BACKUP_RETAIN_DAYS: "90",
      DATABASE_HOST: "127.0.0.1",
      DATABASE_PORT: String(place.platform.pg.port),
      DATABASE_NAME: database,
      DATABASE_USER: user,
      DATABASE_PASSWORD: password,
      DATABASE_SSLMODE: "disable",
      ...changed,
    };
    return run(process.execPath, ["ops/main.ts", "backup"], { cwd: place.project, env });
  }

  it.each([
    ["a wrong configuration", { BACKUP_PREFIX: "customers/acme" }, 10],
    ["an unreachable database, to be tried again", { DATABASE_PORT: "1" }, 20],
    ["a wrong password", { DATABASE_PASSWORD: "wrong" }, 22],
    ["a bucket that is not there", { BACKUP_BUCKET: "somebody-elses" }, 40],
    ["an unreachable bucket, to be tried again", { AWS_ENDPOINT_URL: "http://127.0.0.1:1" }, 41],
  ])("ends by its exit code on %s", async (_, changed, code) => {
    const outcome = await backup(changed);
    expect(outcome.output).toContain(`failed (${code}): `);
    expect(outcome.code).toBe(code);
  });
});

describe("an edit of the registry", () => {
  it("adds a tenant without touching another", async () => {
    place.write(REGISTRY, registry + entry("gamma"));
    const steps = await previewed();
    expect(ownersOf(steps)).toEqual(["gamma"]);
    expect(steps.filter(({ name }) => name !== "warehouse-sandbox").every(({ op }) => op === "create")).toBe(
      true,
    );
    const up = await place.pulumi("up", "--yes", "--skip-preview");
    expect(up.code).toBe(0);
    expect(up.output).not.toMatch(/\d+ (updated|replaced|deleted)/);
    keep(place.read(REGISTRY));
    expect(await previewed()).toEqual([]);
  });

  it("changes the release of one tenant alone", async () => {
    place.edit(
      REGISTRY,
      "    plan: enterprise\n",
      '    plan: enterprise\n    pin: { version: v2.0.5, until: "2099-01-01", reason: a freeze }\n',
    );
    const steps = await previewed();
    expect(ownersOf(steps)).toEqual(["acme"]);
    expect(steps.map(({ name }) => name)).toEqual(expect.arrayContaining(["acme-app", "acme-init"]));
    expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    const image = await place.kubectl(
      "get",
      "deployment/warehouse-app",
      "-n",
      "customer-acme",
      "-o",
      "jsonpath={.spec.template.spec.containers[0].image}",
    );
    expect(image.stdout).toContain(`@sha256:${"3".repeat(64)}`);
    keep(place.read(REGISTRY));
  });

  it("shows no change for another order and for comments", async () => {
    const [head = "", acme = "", beta = "", gamma = ""] = registry.split(/(?=\n {2}- id: )/);
    place.write(REGISTRY, `${head}\n  # Another order.${gamma}${beta}${acme}`);
    expect(await previewed()).toEqual([]);
  });

  it.each([
    ["removes", /\n {2}- id: beta\n(?: {4}.*\n)+/, ""],
    ["renames", /id: beta\n/, "id: beta-retail\n"],
  ])("that %s a live tenant fails the preview with what to do", async (_, from, to) => {
    const edited = registry.replace(from, to);
    expect(edited).not.toBe(registry);
    place.write(REGISTRY, edited);
    const preview = await place.pulumi("preview");
    expect(preview.code).not.toBe(0);
    expect(preview.output).toContain("tenants/tenants.yaml beta: is live but no longer in the registry");
    expect(preview.output).not.toMatch(/^\s+at /m);
  });

  it("with mistakes fails with every one at its place, without a stack trace, and changes nothing", async () => {
    place.write(
      REGISTRY,
      registry
        .replace("plan: enterprise", "plan: enterprize")
        .replace("version: v2.0.5, until", "version: v9.9.9, until"),
    );
    place.edit("Pulumi.sandbox.yaml", "mode: gateway", "mode: nginx");
    try {
      const up = await place.pulumi("up", "--yes", "--skip-preview");
      expect(up.code).not.toBe(0);
      expect(up.output).toContain("problems in the input; nothing was changed:");
      expect(up.output).toMatch(
        /tenants\/tenants\.yaml:\d+:11 acme\.plan: "enterprize" is not allowed here; did you mean "enterprise"\?/,
      );
      expect(up.output).toMatch(
        /Pulumi\.sandbox\.yaml:\d+:\d+ warehouse:edge\.mode: .*needs mode "gateway" or "ingress"/,
      );
      expect(up.output).not.toMatch(/^\s+at /m);
      expect(up.output).not.toMatch(/\d+ (created|updated|replaced|deleted)/);
    } finally {
      place.edit("Pulumi.sandbox.yaml", "mode: nginx", "mode: gateway");
    }
  });
});

describe("rotation of credentials", () => {
  /** Asks on one connection and on a new one in turn, as the application of old pods does, while something happens. */
  async function queryThrough(
    old: Login,
    action: () => Promise<void>,
  ): Promise<{ queries: number; failures: string[] }> {
    let over = false;
    let queries = 0;
    const failures: string[] = [];
    const standing = new pg.Client(connection(old, "warehouse_acme"));
    await standing.connect();
    const asking = (async () => {
      while (!over) {
        try {
          await standing.query("select name from items");
          await sql(connection(old, "warehouse_acme"), "select name from items");
          queries += 2;
        } catch (error) {
          failures.push(String(error));
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await action();
    over = true;
    await asking;
    await standing.end();
    return { queries, failures };
  }

  it("leads to the other login and keeps the present one working", async () => {
    const before = await login("acme");
    const ofJobs = () => Promise.all((["migrate", "backup"] as const).map((each) => login("acme", each)));
    const old = await ofJobs();
    place.edit(
      REGISTRY,
      "    plan: enterprise\n",
      "    plan: enterprise\n    credentials: { rotation: 1 }\n",
    );
    expect(ownersOf(await previewed())).toEqual(["acme"]);
    const client = await queryThrough(before, async () => {
      expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    });
    expect(client.failures).toEqual([]);
    expect(client.queries).toBeGreaterThan(20);
    keep(place.read(REGISTRY));
    const after = await login("acme");
    expect([before.user, after.user]).toEqual(["warehouse_acme_app_a", "warehouse_acme_app_b"]);
    for (const renewed of await ofJobs()) {
      expect(old.map(({ password }) => password)).not.toContain(renewed.password);
      expect(await sql(connection(renewed, "warehouse_acme"), "select 1 as one")).toEqual([{ one: 1 }]);
    }
    for (const each of old)
      await expect(sql(connection(each, "warehouse_acme"), "select 1")).rejects.toThrow("password");
    expect(after.password).not.toBe(before.password);
    for (const each of [before, after]) {
      expect(await sql(connection(each, "warehouse_acme"), "select name from items")).toEqual([
        { name: "pallet" },
      ]);
    }
  });
});

describe("a change of plan within a placement", () => {
  /** The order in which an update finished acme's quota and application. */
  const order = ({ output }: Outcome): string[] =>
    [...output.matchAll(/ (acme-(?:quota|app)) updated /g)].map(([, name = ""]) => name);

  it("shrinks the workload before its quota, and keeps the volume", async () => {
    const silent = registry.replace("plan: enterprise\n", "plan: ai_enhanced\n");
    place.write(
      REGISTRY,
      silent.replace("ai_workflows: full\n      chatbot: enterprise", "chatbot: advanced"),
    );
    const refused = await place.pulumi("preview");
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain("write uploadsVolume: 100Gi to keep it at its size");

    place.edit(REGISTRY, "plan: ai_enhanced\n", "plan: ai_enhanced\n    uploadsVolume: 100Gi\n");
    const up = await place.pulumi("up", "--yes", "--skip-preview");
    expect(up.output).not.toContain("error:");
    expect(order(up)).toEqual(["acme-app", "acme-quota"]);
    const volume = await place.kubectl(
      ...["get", "pvc/warehouse-uploads", "-n", "customer-acme"],
      ...["-o", "jsonpath={.spec.resources.requests.storage}"],
    );
    expect(volume.stdout).toBe("100Gi");
    expect(await previewed()).toEqual([]);
    expect(await sql(connection(await login("acme"), "warehouse_acme"), "select name from items")).toEqual([
      { name: "pallet" },
    ]);
  });

  it("raises the quota before the workload", async () => {
    // The registry as it was: `afterEach` has put it back.
    const up = await place.pulumi("up", "--yes", "--skip-preview");
    expect(up.output).not.toContain("error:");
    expect(order(up)).toEqual(["acme-quota", "acme-app"]);
    expect(await previewed()).toEqual([]);
  });
});

describe("suspension", () => {
  const served = (): Promise<Outcome> =>
    place.kubectl("get", "deploy,hpa", "-n", "customer-beta", "-o", "name");

  it("ends a tenant's pods, answers its hosts and keeps its data and backups", async () => {
    place.edit(
      REGISTRY,
      "    plan: ai_enhanced\n",
      "    plan: ai_enhanced\n    state: suspended\n    suspension: { reason: unpaid, mode: payment_required }\n",
    );
    expect(ownersOf(await previewed())).toEqual(["beta"]);
    expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    keep(place.read(REGISTRY));
    expect(await previewed()).toEqual([]);
    expect((await served()).stdout.trim().split("\n")).toEqual([
      "deployment.apps/warehouse-app",
      "deployment.apps/warehouse-maintenance",
    ]);
    const pods = await place.kubectl(
      "wait",
      "pod",
      "-n",
      "customer-beta",
      "-l",
      "app=warehouse",
      "--for=delete",
      "--timeout=60s",
    );
    expect(pods.code).toBe(0);
    const selector = await place.kubectl(
      "get",
      "svc/warehouse-service",
      "-n",
      "customer-beta",
      "-o",
      "jsonpath={.spec.selector.app}",
    );
    expect(selector.stdout).toBe("warehouse-maintenance");
    const log = await place.kubectl("logs", "deploy/warehouse-maintenance", "-n", "customer-beta");
    const [, address = ""] = /answering 402 on (\S+)/.exec(log.stdout) ?? [];
    const response = await fetch(`http://${address}/shop`);
    expect(response.status).toBe(402);
    expect(await response.text()).toContain("This site is suspended.");
    expect(
      (await place.kubectl("get", "cronjob/warehouse-backup", "pvc/warehouse-uploads", "-n", "customer-beta"))
        .code,
    ).toBe(0);
    expect(await sql(connection(await login("beta"), "warehouse_beta"), "select 1 as one")).toEqual([
      { one: 1 },
    ]);
  });

  it("is undone by an edit", async () => {
    place.edit(
      REGISTRY,
      "    state: suspended\n    suspension: { reason: unpaid, mode: payment_required }\n",
      "",
    );
    expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    keep(place.read(REGISTRY));
    const ready = await place.kubectl(
      "wait",
      "deployment/warehouse-app",
      "-n",
      "customer-beta",
      "--for=jsonpath={.status.readyReplicas}=2",
      "--timeout=90s",
    );
    expect(ready.output).toContain("condition met");
    expect((await served()).stdout).not.toContain("maintenance");
  });
});

describe("a killed pulumi up", () => {
  it.each([200, 1_200, 2_500])(
    "after %d ms of work is completed by the next, with no orphan",
    async (delay) => {
      const id = `delta-${delay}`;
      place.write(REGISTRY, registry + entry(id));
      expect(await killedUp(place, delay)).toBe("SIGKILL");
      const env = commandEnvironment(place.platform);
      await heal(place.platform.paths, env, () => undefined);
      const up = await place.pulumi("up", "--yes", "--skip-preview");
      expect(up.output).not.toContain("error:");
      expect(up.code).toBe(0);
      keep(place.read(REGISTRY));
      expect(changes(await place.pulumi("preview", "--json"))).toEqual([]);
      // Every object in the namespace that the program's field manager made is in the state.
      const { stdout: state } = await place.pulumi("stack", "export");
      const { stdout: secrets } = await place.kubectl(
        "get",
        "secret,configmap,deploy,job,cronjob,svc",
        "-n",
        `customer-${id}`,
        "-l",
        `tenantstack.io/tenant=${id}`,
        "-o",
        "name",
      );
      for (const object of secrets.trim().split("\n"))
        expect(state).toContain(`"customer-${id}/${object.split("/")[1] ?? ""}"`);
    },
  );
});

describe("secrets", () => {
  it("stand in no state file, output or log", async () => {
    const passwords = [
      (await login("acme")).password,
      (await login("beta")).password,
      place.platform.pg.platform.password,
    ];
    for (const password of passwords) expect(password.length).toBeGreaterThanOrEqual(20);
    const { stdout: exported } = await place.pulumi("stack", "export");
    const { stdout: outputs } = await place.pulumi("stack", "output", "--json");
    const { paths } = place.platform;
    const texts: [string, string][] = [
      ["stack export", exported],
      ["stack output", outputs],
      ["what pulumi printed", place.transcript()],
      ...filesBelow(paths.state).map((file): [string, string] => [file, stateText(file)]),
      ...filesBelow(paths.logs).map((file): [string, string] => [file, readFileSync(file, "utf8")]),
    ];
    expect(texts.length).toBeGreaterThan(6);
    // Otherwise nothing is looked for in them.
    expect(texts.filter(([, text]) => text.includes('"urn:pulumi:sandbox::')).length).toBeGreaterThan(3);
    for (const password of passwords) {
      expect(texts.filter(([, text]) => text.includes(password)).map(([name]) => name)).toEqual([]);
    }
  });

  const filesBelow = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((file) => join(folder, file))
      .filter((file) => statSync(file).isFile());
});
