import { GetObjectCommand, ListObjectVersionsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Billing } from "../../billing/contract.ts";
import type { DeletionCertificate } from "../../ops/offboarding/erase.ts";
import type { FinalBackup } from "../../registry/lifecycle.ts";
import {
  acting,
  commandEnvironment,
  connectionOf,
  contentOf,
  filesOf,
  loginOf,
  openWorkplace,
  run,
  sql,
  tenantLogin,
  writeFile,
  type Outcome,
  type Workplace,
} from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(10 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const BUCKET = "warehouse-backups";
const TABLE = `create table if not exists app.items (
  tenant_id text not null, id int generated always as identity, name text, primary key (tenant_id, id))`;

/** One of each placement that leaves, and a neighbour in the pool who must notice nothing. */
const PLANS = {
  acme: "enterprise",
  pat: "professional",
  sam: "starter",
  tom: "starter",
  kim: "starter",
} as const;
type Id = keyof typeof PLANS;
const LEAVING = ["acme", "pat", "sam", "tom"] as const satisfies readonly Id[];

let place: Workplace;
let head: string;
let s3: S3Client;

/** Where each tenant stands; a test changes it and applies it. */
const entries: Record<Id, string> = {
  acme: active(),
  pat: active(),
  sam: active(),
  tom: active(),
  kim: active(),
};

function active(since = "2026-01-01T00:00:00Z"): string {
  return `{ since: "${since}" }`;
}

const offboarding = (more = ""): string =>
  `reason: customer_request, purgeAfter: "2026-04-01T00:00:00Z", export: return${more}`;
const leaves = (since = "2026-02-01T00:00:00Z"): string =>
  `{ state: offboarding, since: "${since}", offboarding: { ${offboarding()} } }`;
const ends = (
  state: "archived" | "deleted",
  since: string,
  { id, sha256, verifiedAt }: FinalBackup,
  more = "",
): string =>
  `{ state: ${state}, since: "${since}", offboarding: { ${offboarding(
    `, finalBackup: { id: ${id}, sha256: "${sha256}", verifiedAt: "${verifiedAt}" }${more}`,
  )} } }`;

function write(): void {
  const lines = (Object.keys(PLANS) as Id[]).map(
    (id) => `  - { id: ${id}, plan: ${PLANS[id]}, ${entries[id].slice(1)}`,
  );
  place.write(REGISTRY, `${head}\n${lines.join("\n")}\n`);
}

function up(): Promise<Outcome> {
  write();
  return place.pulumi("up", "--yes", "--skip-preview");
}

async function goodUp(): Promise<void> {
  const { code, output } = await up();
  if (code !== 0) throw new Error(output);
}

const text = async (key: string): Promise<string> => {
  const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return (await body?.transformToString()) ?? "";
};
const evidenceOf = async (id: Id): Promise<FinalBackup> =>
  JSON.parse(await text(`customers/${id}/final/evidence.json`)) as FinalBackup;
/** Every version below a prefix that is no delete marker. */
async function stored(prefix: string): Promise<string[]> {
  const { Versions: versions = [] } = await s3.send(
    new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: prefix }),
  );
  return versions.map(({ Key: key }) => key ?? "").sort();
}

const superuser = (database: string) => ({ ...place.platform.pg, database });
const databases = async (): Promise<string[]> =>
  (
    await sql<{ datname: string }>(
      superuser("postgres"),
      "select datname from pg_database where datname like 'warehouse\\_%' order by 1",
    )
  ).map(({ datname }) => datname);
const databaseOf = (id: Id): string => (PLANS[id] === "starter" ? "warehouse_shared" : `warehouse_${id}`);
async function names(id: Id): Promise<string[]> {
  const rows = await sql<{ name: string }>(
    superuser(databaseOf(id)),
    `select name from app.items where tenant_id = '${id}' order by id`,
  );
  return rows.map(({ name }) => name);
}

const folderOf = (id: Id): string => filesOf(place, id, PLANS[id]);
const listed = (id: Id): string[] => Object.keys(contentOf(folderOf(id)));

const objects = async (kind: string, namespace: string): Promise<string[]> => {
  const { stdout } = await place.kubectl("get", kind, "-n", namespace, "-o", "name");
  return stdout.split("\n").filter((line) => line !== "");
};

beforeAll(async () => {
  place = await openWorkplace();
  const registry = place.read(REGISTRY);
  head = registry.slice(0, registry.indexOf("tenants:") + "tenants:".length);
  s3 = new S3Client({
    endpoint: `http://127.0.0.1:${place.platform.ports.aws}`,
    region: "us-west-2",
    forcePathStyle: true,
    credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
  });
  await goodUp();
  for (const id of ["acme", "pat"] as const) {
    const migrate = await tenantLogin(place, id, "migrate");
    await sql(connectionOf(place, migrate), TABLE);
  }
  const owner = await loginOf(place, "warehouse-shared", "warehouse-shared-migrate-secret");
  await sql(connectionOf(place, owner), `${TABLE}; select tenancy.protect('app.items')`);
  for (const id of Object.keys(PLANS) as Id[]) {
    const app = await tenantLogin(place, id);
    await acting(
      id,
      connectionOf(place, app),
      `insert into items (tenant_id, name) values ('${id}', 'one'), ('${id}', 'two')`,
    );
    writeFile(folderOf(id), "2026/logo.txt", id);
  }
}, 10 * MINUTE);
afterAll(async () => {
  s3.destroy();
  await place.close();
});

describe("offboarding", () => {
  it("cannot be skipped", async () => {
    entries.acme = ends("archived", "2026-03-05T00:00:00Z", {
      id: "acme-20260301T000000Z",
      sha256: "4".repeat(64),
      verifiedAt: "2026-03-01T00:00:00Z",
    });
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain(
      "acme.state: cannot go from active to archived; from active it may become past_due or suspended or offboarding",
    );
    expect(await names("acme")).toEqual(["one", "two"]);
  });

  it("fails for the tenant whose final backup fails, keeps everything, and converges", async () => {
    await sql(superuser("warehouse_acme"), "revoke usage on schema app from warehouse_acme_ro");
    for (const id of LEAVING) entries[id] = leaves();
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain("warehouse-final-acme");
    expect(await names("acme")).toEqual(["one", "two"]);
    expect(await stored("customers/acme/final/")).toEqual([]);
    await sql(superuser("warehouse_acme"), "grant usage on schema app to warehouse_acme_ro");
    await goodUp();
  });

  it("has stopped the service, and left database, files and a proven backup", async () => {
    for (const id of LEAVING) {
      const app = await tenantLogin(place, id);
      await expect(sql(connectionOf(place, app), "select 1")).rejects.toThrow(/permission denied/);
      expect(await names(id)).toEqual(["one", "two"]);
      expect(listed(id)).toContain("2026/logo.txt");
      const evidence = await evidenceOf(id);
      const manifest: unknown = JSON.parse(
        await text(`customers/${id}/db/${evidence.id.slice(id.length + 1)}.manifest.json`),
      );
      expect(manifest).toMatchObject({
        id: evidence.id,
        kind: "final",
        retainDays: 0,
        database: { tables: [{ name: "items", rows: 2 }] },
        files: { count: 1 },
      });
      expect((await stored(`customers/${id}/export/`)).map((key) => key.split("/").at(-1))).toEqual(
        expect.arrayContaining(["items.csv.gz", "manifest.json", "schema.sql"]),
      );
    }
    expect(await objects("hpa", "customer-acme")).toEqual([]);
    const { stdout } = await place.pulumi("stack", "output", "billing", "--json");
    expect((JSON.parse(stdout) as Billing).tenants["acme"]).toMatchObject({
      state: "offboarding",
      billable: false,
    });
  });

  it("changes nothing when it is applied again", async () => {
    const { code, output } = await place.pulumi("preview", "--expect-no-changes");
    expect(code === 0 ? "" : output).toBe("");
  });

  it("can be taken back, and everything is as it was", async () => {
    entries.sam = active("2026-02-10T00:00:00Z");
    await goodUp();
    const app = connectionOf(place, await tenantLogin(place, "sam"));
    expect(await acting("sam", app, "select name from items order by id")).toEqual([
      { name: "one" },
      { name: "two" },
    ]);
    await acting("sam", app, "insert into items (tenant_id, name) values ('sam', 'three')");
    const before = await evidenceOf("sam");
    entries.sam = leaves("2026-02-20T00:00:00Z");
    await goodUp();
    expect((await evidenceOf("sam")).id).not.toBe(before.id);
  });
});

describe("archiving", () => {
  it("gets its evidence from the bucket by the tenant command", async () => {
    write();
    const { id, sha256, verifiedAt } = await evidenceOf("acme");
    const { code, output } = await run(
      process.execPath,
      ["cli/main.ts", "archive", "acme", "--stack", "sandbox", "--since", "2026-03-05", "--dry-run"],
      { cwd: place.project, env: { ...commandEnvironment(place.platform), NO_COLOR: "1" } },
    );
    expect(code === 0 ? "" : output).toBe("");
    expect(output).toContain(`its final backup ${id} was verified ${verifiedAt}`);
    // YAML needs quotes only around a checksum that could be taken for a number.
    expect(output.replace(`"${sha256}"`, sha256)).toContain(
      `finalBackup: { id: ${id}, sha256: ${sha256}, verifiedAt: "${verifiedAt}" }`,
    );
  });

  it("is refused for evidence that is not the bucket's, before anything changes", async () => {
    const evidence = await evidenceOf("acme");
    entries.acme = ends("archived", "2026-03-05T00:00:00Z", { ...evidence, sha256: "4".repeat(64) });
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toMatch(
      /tenants\.yaml:\d+:\d+ acme\.offboarding\.finalBackup: final backup of acme: \S+ is not what was verified; write \{ id: /,
    );
    expect(await objects("deployment", "customer-acme")).not.toEqual([]);
  });

  it("takes away what serves, and empties what was shared, not the database of its own", async () => {
    for (const id of LEAVING) entries[id] = ends("archived", "2026-03-05T00:00:00Z", await evidenceOf(id));
    await goodUp();
    for (const id of LEAVING) {
      expect(await objects("httproute", `customer-${id}`)).toEqual([]);
      expect(await objects("cronjob", `customer-${id}`)).toEqual([]);
      expect(listed(id)).toEqual([]);
    }
    expect(await objects("deployment", "customer-acme")).toEqual([]);
    expect(await names("acme")).toEqual(["one", "two"]);
    expect(await names("pat")).toEqual(["one", "two"]);
    expect(await names("sam")).toEqual([]);
    expect(await names("kim")).toEqual(["one", "two"]);
    expect(listed("kim")).toContain("2026/logo.txt");
  });

  it("leads back through suspension only", async () => {
    const archived = entries.sam;
    entries.sam = active("2026-03-10T00:00:00Z");
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain(
      "sam.state: cannot go from archived to active; from archived it may become suspended or deleted",
    );
    entries.sam = archived;
  });
});

describe("a tenant that comes back from its archive", () => {
  const BACK = ["pat", "tom"] as const;
  const put = (entry: string): void => {
    for (const id of BACK) entries[id] = entry;
  };
  const suspended =
    '{ state: suspended, since: "2026-03-20T00:00:00Z", suspension: { reason: customer_request } }';

  it("is neither served nor backed up for the last time before it is restored", async () => {
    put(suspended);
    await goodUp();
    for (const [state, entry] of [
      ["active", active("2026-03-21T00:00:00Z")],
      ["offboarding", leaves("2026-03-01T00:00:00Z")],
    ] as const) {
      put(entry);
      const { code, output } = await up();
      expect(code).not.toBe(0);
      for (const [id, parts] of [
        ["pat", "files"],
        ["tom", "rows and files"],
      ] as const) {
        expect(output).toContain(
          `${id}.state: cannot become ${state}: its ${parts} were deleted when it was archived and are not restored; apply state suspended, then run: npx tenant restore ${id}`,
        );
      }
    }
    put(suspended);
    write();
  });

  it("is restored from its final backup, though a newer one holds what is left of it", async () => {
    expect(
      (
        await place.kubectl(
          "create",
          "job",
          "--from=cronjob/warehouse-backup-tom",
          "-n",
          "pool-starter",
          "tom-empty",
        )
      ).code,
    ).toBe(0);
    const wait = [
      "wait",
      "--for=condition=complete",
      "--timeout=120s",
      "job/tom-empty",
      "-n",
      "pool-starter",
    ];
    expect((await place.kubectl(...wait)).code).toBe(0);
    for (const id of BACK) {
      const { code, output } = await run(
        process.execPath,
        ["cli/main.ts", "restore", id, "--yes", "--stack", "sandbox"],
        { cwd: place.project, env: { ...commandEnvironment(place.platform), NO_COLOR: "1" } },
      );
      expect(code === 0 ? "" : output).toBe("");
      expect(output).toContain((await evidenceOf(id)).id);
    }
    put(active("2026-03-22T00:00:00Z"));
    await goodUp();
    for (const id of BACK) {
      expect(await names(id)).toEqual(["one", "two"]);
      expect(listed(id)).toContain("2026/logo.txt");
    }
    const app = connectionOf(place, await tenantLogin(place, "tom"));
    expect(await acting("tom", app, "select count(*)::int as rows from items")).toEqual([{ rows: 2 }]);
  });
});

describe("deletion", () => {
  const CONFIRM = ", confirm: acme.yourwarehousesaas.com";

  it("is refused when the final backup is no longer whole", async () => {
    const evidence = await evidenceOf("acme");
    entries.acme = ends("deleted", "2026-04-01T00:00:00Z", evidence, CONFIRM);
    write();
    const key = `customers/acme/db/${evidence.id.slice("acme-".length)}.dump`;
    const good = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const bytes = (await good.Body?.transformToByteArray()) ?? new Uint8Array();
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: bytes.slice(0, 10) }));
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain(`${key} has 10 bytes in the bucket`);
    expect(await databases()).toContain("warehouse_acme");
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: bytes }));
  });

  it("stops where the database cannot be dropped, keeps its backups, and goes on in the next run", async () => {
    await sql(superuser("postgres"), "alter database warehouse_acme is_template true");
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain("cannot drop a template database");
    expect(await stored("customers/acme/db/")).not.toEqual([]);
    await sql(superuser("postgres"), "alter database warehouse_acme is_template false");
    await goodUp();
  });

  it("has left nothing but the certificate and the tombstone", async () => {
    expect(await databases()).not.toContain("warehouse_acme");
    expect(
      await sql(superuser("postgres"), "select rolname from pg_roles where rolname like 'warehouse\\_acme%'"),
    ).toEqual([]);
    const { stdout } = await place.kubectl("get", "namespace", "customer-acme", "--ignore-not-found");
    expect(stdout).toBe("");
    expect(await stored("customers/acme/")).toEqual([]);
    const certificate = JSON.parse(await text("certificates/acme.json")) as DeletionCertificate;
    expect(certificate).toMatchObject({ schemaVersion: 1, tenantId: "acme", databases: [], locked: [] });
    expect(certificate.objects.erased).toBeGreaterThan(5);
    const outputs = await place.pulumi("stack", "output", "billing", "--json");
    expect((JSON.parse(outputs.stdout) as Billing).tenants["acme"]).toMatchObject({ state: "deleted" });
    expect((await place.pulumi("preview", "--expect-no-changes")).code).toBe(0);
    expect(await names("pat")).toEqual(["one", "two"]);
  });

  it("does not give the id to somebody else", async () => {
    entries.acme = active("2026-05-01T00:00:00Z");
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain("a deleted tenant cannot come back as active; give a new tenant a new id");
  });

  it("is asked once more by a hook, which knows the time", async () => {
    const evidence = await evidenceOf("sam");
    entries.acme = ends("deleted", "2026-04-01T00:00:00Z", evidence, CONFIRM).replaceAll(
      evidence.id,
      evidence.id.replace("sam", "acme"),
    );
    entries.sam = ends(
      "deleted",
      "2099-01-01T00:00:00Z",
      evidence,
      ", confirm: sam.yourwarehousesaas.com",
    ).replace("2026-04-01", "2098-01-01");
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain("sam is kept until 2098-01-01T00:00:00Z");
    expect((await place.kubectl("get", "namespace", "customer-sam")).code).toBe(0);
  });
});

describe("destroying the stack", () => {
  it("is refused as long as a tenant is left, with or without the program", async () => {
    const bare = await place.pulumi("destroy", "--yes", "--skip-preview");
    expect(bare.code).not.toBe(0);
    expect(bare.output).toContain("You must run with the `--run-program` flag");
    const whole = await place.pulumi("destroy", "--yes", "--skip-preview", "--run-program");
    expect(whole.code).not.toBe(0);
    expect(whole.output).toMatch(
      /the cell has \d tenants \(.*kim.*\); it can be destroyed when all of them are deleted/,
    );
    expect(await objects("deployment", "pool-starter")).not.toEqual([]);
    expect(await names("kim")).toEqual(["one", "two"]);
  });
});
