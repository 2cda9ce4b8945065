import { readFileSync, writeFileSync } from "node:fs";
import { Client } from "pg";
import { backup } from "../../ops/backup/backup.ts";
import type { Manifest } from "../../ops/backup/manifest.ts";
import { bootstrapPool } from "../../ops/pool/bootstrap.ts";
import type { DatabaseLogin } from "../../ops/postgres.ts";
import { drill } from "../../ops/restore/drill.ts";
import { restore, type RestoreRequest } from "../../ops/restore/restore.ts";
import { newestBackup, selectBackup } from "../../ops/restore/select.ts";
import { prepareSchema } from "../../ops/schema.ts";
import { FolderStore } from "../support/folderStore.ts";
import { nextSecond } from "../support/nextSecond.ts";
import { createPool, POOL } from "../support/pool.ts";
import { PASSWORD, startPostgres, withPrograms, type PostgresServer } from "../support/postgres.ts";

jest.setTimeout(120_000);

const OWN = "warehouse_solo";

let server: PostgresServer;
let store: FolderStore;
const logged: string[] = [];
const log = (line: string): void => void logged.push(line);

const login = (user: string, name: string): DatabaseLogin => ({
  host: server.host,
  port: String(server.port),
  name,
  user,
  password: PASSWORD,
  sslmode: "disable",
});
/** Runs SQL as a login and disconnects. */
async function query<Row extends object>(user: string, database: string, text: string): Promise<Row[]> {
  const client = await server.connect(user, database);
  try {
    const result: unknown = await client.query(text);
    return (result as { rows?: Row[] }).rows ?? [];
  } finally {
    await client.end();
  }
}
const prefix = (tenantId: string): string => `customers/${tenantId}/`;
const request = (tenantId: string, choice: RestoreRequest["choice"] = {}): RestoreRequest => ({
  tenantId,
  prefix: prefix(tenantId),
  retainDays: 30,
  sharedDatabase: "warehouse_shared",
  platform: login("platform", "postgres"),
  choice,
});
const backUp = (tenantId: string, scope: "database" | "rows" = "database"): Promise<Manifest> =>
  withPrograms(server, () =>
    backup(
      {
        tenantId,
        kind: "manual",
        prefix: prefix(tenantId),
        retainDays: 30,
        scope,
        database: login(
          `warehouse_${tenantId.replaceAll("-", "_")}_backup`,
          scope === "database" ? `warehouse_${tenantId.replaceAll("-", "_")}` : POOL,
        ),
      },
      store,
      log,
    ),
  );
const restoring = (tenantId: string, choice = {}): Promise<Manifest> =>
  withPrograms(server, () => restore(request(tenantId, choice), store, log));
const databases = async (): Promise<string[]> =>
  (
    await query<{ datname: string }>("postgres", "postgres", "SELECT datname FROM pg_database ORDER BY 1")
  ).map(({ datname }) => datname);
/** Databases beside those that serve, by what becomes of their names in time. */
const beside = async (): Promise<string[]> =>
  (await databases()).filter((name) => name.includes("__")).map((name) => name.replace(/\d{6}/, "DAY"));

/** Access list, limit and settings of a database. */
const facts = (): Promise<object[]> =>
  query(
    "postgres",
    "postgres",
    `SELECT datconnlimit, datallowconn, pg_get_userbyid(datdba) AS owner,
       (SELECT array_agg(entry::text ORDER BY entry::text) FROM unnest(datacl) entry) AS acl,
       (SELECT array_agg(setconfig::text || setrole ORDER BY 1) FROM pg_db_role_setting WHERE setdatabase = pg_database.oid) AS settings
     FROM pg_database WHERE datname = '${OWN}'`,
  );
const orders = () => query("warehouse_solo_app_a", OWN, "SELECT id, item FROM app.orders ORDER BY id");

beforeAll(async () => {
  store = new FolderStore();
  server = await startPostgres();
  await createPool(server);
  await bootstrapPool(login(`${POOL}_migrate`, POOL));
  await query("postgres", OWN, `CREATE SCHEMA app AUTHORIZATION ${OWN}_owner`);
  await prepareSchema(login(`${OWN}_migrate`, OWN), "solo");
  await query(
    `${OWN}_migrate`,
    OWN,
    `CREATE TABLE app.orders (id serial PRIMARY KEY, item text NOT NULL);
     CREATE INDEX ON app.orders (item);
     CREATE VIEW app.items WITH (security_invoker) AS SELECT item FROM app.orders;
     CREATE FUNCTION app.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
     INSERT INTO app.orders (item) SELECT 'item ' || n FROM generate_series(1, 1000) n`,
  );
  await query("platform", "postgres", `ALTER DATABASE ${OWN} SET work_mem = '5MB'`);
  await query(
    "platform",
    "postgres",
    `ALTER ROLE ${OWN}_app_a IN DATABASE ${OWN} SET statement_timeout = '9s'`,
  );
  await query(
    `${POOL}_migrate`,
    POOL,
    `CREATE TABLE app.orders (tenant_id text NOT NULL, id int, item text, PRIMARY KEY (tenant_id, id));
     SELECT tenancy.protect('app.orders')`,
  );
  for (const [tenant, user] of [
    ["acme", "warehouse_acme_app_a"],
    ["acme-2", "warehouse_acme_2_app_a"],
  ] as const) {
    await query(
      user,
      POOL,
      `SET app.tenant_id = '${tenant}'; INSERT INTO app.orders SELECT '${tenant}', n, 'item ' || n FROM generate_series(1, 50) n`,
    );
  }
});
afterAll(async () => {
  store.remove();
  await server.stop();
});

describe("a restore of a database", () => {
  let first: Manifest;
  let before: object[];

  it("brings back what was damaged, and keeps access list, limit and settings", async () => {
    first = await backUp("solo");
    before = await orders();
    const kept = await facts();
    await query(
      `${OWN}_app_a`,
      OWN,
      "DELETE FROM app.orders WHERE id % 2 = 0; UPDATE app.orders SET item = 'x'",
    );
    await query(`${OWN}_migrate`, OWN, "DROP FUNCTION app.twice");
    await nextSecond();
    const client = new Client({ ...login(`${OWN}_app_a`, OWN), port: server.port, database: OWN });
    client.on("error", () => undefined);
    await client.connect();
    expect((await restoring("solo", { id: first.id })).id).toBe(first.id);
    expect(await orders()).toEqual(before);
    expect(await facts()).toEqual(kept);
    expect(
      await query(`${OWN}_app_a`, OWN, "SELECT app.twice(4) AS n, current_setting('work_mem') AS mem"),
    ).toEqual([{ n: 8, mem: "5MB" }]);
    // A standing connection is ended, and comes back.
    await expect(client.query("SELECT 1")).rejects.toThrow();
    const next = await query<{ id: number }>(
      `${OWN}_app_a`,
      OWN,
      "INSERT INTO app.orders (item) VALUES ('new') RETURNING id",
    );
    expect(next).toEqual([{ id: 1001 }]);
  });

  it("keeps what was there, closed, and as a backup", async () => {
    expect(await beside()).toEqual([`${OWN}__oDAY`]);
    const [kept = ""] = (await databases()).filter((name) => name.includes("__o"));
    await expect(server.connect("postgres", kept)).rejects.toThrow("is not currently accepting connections");
    expect(
      await query(
        "postgres",
        "postgres",
        `SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = '${kept}'`,
      ),
    ).toEqual([{ owner: "warehouse_ops" }]);
    const preRestore = await newestBackup(store, "solo", prefix("solo"));
    expect(preRestore).toMatchObject({
      kind: "pre-restore",
      database: { tables: [{ name: "orders", rows: 500 }] },
    });
    // It holds the damage: unless it is named, the one before is meant.
    expect((await selectBackup(store, "solo", prefix("solo"), {})).id).toBe(first.id);
    await nextSecond();
    await restoring("solo", { id: preRestore.id });
    expect(await orders()).toHaveLength(500);
    await nextSecond();
    await restoring("solo", { at: first.startedAt });
    expect(await orders()).toEqual(before);
    expect(await beside()).toEqual([`${OWN}__oDAY`, `${OWN}__oDAYb`, `${OWN}__oDAYc`]);
  });

  it("lets nobody else in, and leaves the platform a member of nothing", async () => {
    await expect(server.connect("warehouse_solo_2_app_a", OWN)).rejects.toThrow(
      "permission denied for database",
    );
    expect(
      await query(
        "postgres",
        "postgres",
        "SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE pg_get_userbyid(member) = 'platform' AND pg_get_userbyid(roleid) !~ '^pg_'",
      ),
    ).toEqual([]);
  });
});

describe("a restore of the rows of a pooled tenant", () => {
  it("brings back its rows and nobody else's", async () => {
    const mine = () =>
      query("warehouse_acme_app_a", POOL, "SET app.tenant_id = 'acme'").then(() => rowsOf("acme"));
    const manifest = await backUp("acme", "rows");
    const before = await mine();
    await query(
      "warehouse_acme_app_a",
      POOL,
      "SET app.tenant_id = 'acme'; DELETE FROM app.orders WHERE id > 10; UPDATE app.orders SET item = 'x'",
    );
    await query(
      "warehouse_acme_2_app_a",
      POOL,
      "SET app.tenant_id = 'acme-2'; DELETE FROM app.orders WHERE id > 40",
    );
    await nextSecond();
    await restoring("acme", { id: manifest.id });
    expect(await mine()).toEqual(before);
    expect(await rowsOf("acme-2")).toHaveLength(40);
    expect((await beside()).filter((name) => name.includes("acme"))).toEqual([]);
  });

  const rowsOf = (tenant: string) =>
    query("postgres", POOL, `SELECT * FROM app.orders WHERE tenant_id = '${tenant}' ORDER BY id`);
});

describe("a restore that cannot be right leaves what serves alone", () => {
  /** A restore that must fail; returns its exit code and message. */
  async function failing(tenantId: string, choice = {}): Promise<[number, string]> {
    await nextSecond();
    const before = await facts();
    const rows = await orders();
    const error = await restoring(tenantId, choice).then(
      () => new Error("it succeeded"),
      (reason: unknown) => reason as Error & { exitCode?: number },
    );
    expect(await facts()).toEqual(before);
    expect(await orders()).toEqual(rows);
    expect((await beside()).filter((name) => name.endsWith("__r"))).toEqual([]);
    return ["exitCode" in error ? (error.exitCode ?? 0) : 0, error.message];
  }

  it("of a flipped bit, of half a dump, of a manifest that says otherwise", async () => {
    await nextSecond();
    const { id, database } = await backUp("solo");
    const file = store.path(database.key);
    const good = readFileSync(file);
    const bad = Buffer.from(good);
    const at = Math.floor(bad.length / 2);
    bad.writeUInt8(bad.readUInt8(at) ^ 1, at);
    writeFileSync(file, bad);
    expect(await failing("solo", { id })).toEqual([
      50,
      `${database.key} is not what was backed up: its checksum is another`,
    ]);
    writeFileSync(file, good.subarray(0, good.length - 300));
    expect((await failing("solo", { id }))[0]).toBe(50);
    writeFileSync(file, good);
    const manifest = store.path(database.key.replace(".dump", ".manifest.json"));
    const text = readFileSync(manifest, "utf8");
    writeFileSync(manifest, text.replace('"rows":1000', '"rows":1001'));
    expect(await failing("solo", { id })).toEqual([
      50,
      "what was restored differs from the backup: orders has 1000 of 1001 rows",
    ]);
    writeFileSync(manifest, text.replace(/"schemaDigest":"[0-9a-f]{4}/, '"schemaDigest":"0000'));
    expect(await failing("solo", { id })).toEqual([
      50,
      "what was restored differs from the backup: the definitions are others",
    ]);
    writeFileSync(manifest, text.replace('"tenantId":"solo"', '"tenantId":"solo-2"'));
    expect((await failing("solo", { id }))[1]).toContain("is the manifest of solo-");
    writeFileSync(manifest, "{");
    expect((await failing("solo", { id }))[1]).toContain("is no manifest of a backup");
    writeFileSync(manifest, text);
  });

  it("of a backup that is not there", async () => {
    expect((await failing("solo", { id: "solo-20200101T000000Z" }))[1]).toContain(
      "solo has no such backup (solo-20200101T000000Z); its newest is solo-",
    );
    expect((await failing("solo", { at: "2020-01-01T00:00:00Z" }))[1]).toContain(
      "one not after 2020-01-01T00:00:00Z",
    );
    expect(await failing("solo-2")).toEqual([50, "solo-2 has no such backup (any); it has none"]);
  });

  it("never takes the backup of a tenant whose id begins alike", async () => {
    await backUp("acme-2", "rows");
    const { id } = await selectBackup(store, "acme", prefix("acme"), {});
    expect(id).toMatch(/^acme-\d/);
  });
});

describe("a restore that was killed", () => {
  it("is completed by the next, from what it left", async () => {
    await nextSecond();
    const { id } = await backUp("solo");
    const before = await orders();
    // What a run leaves that was killed while it restored, and while it swapped.
    await query("platform", "postgres", `CREATE DATABASE ${OWN}__r TEMPLATE template0`);
    await query("platform", "postgres", `GRANT ${OWN}_owner TO platform`);
    await nextSecond();
    await restoring("solo", { id });
    expect(await orders()).toEqual(before);
    expect((await beside()).filter((name) => name.endsWith("__r"))).toEqual([]);
  });
});

describe("a drill", () => {
  const drilling = (tenantId: string) => {
    const { prefix, choice } = request(tenantId);
    return withPrograms(server, () =>
      drill({ tenantId, prefix, choice, login: login("warehouse_ops", "postgres") }, store, log),
    );
  };

  it("restores beside, measures, reports and leaves nothing", async () => {
    await nextSecond();
    const { id } = await backUp("solo");
    const before = [await databases(), await facts(), await orders()];
    const report = await drilling("solo");
    expect(report).toMatchObject({
      tenantId: "solo",
      backupId: id,
      tables: [{ name: "orders", rows: 1000 }],
    });
    expect(report.seconds).toBeGreaterThan(0);
    expect(await Promise.all([databases(), facts(), orders()])).toEqual(before);
    const [key = ""] = store.keys().filter((name) => name.startsWith("customers/solo/drills/"));
    expect(JSON.parse(readFileSync(store.path(key), "utf8"))).toEqual(report);
  });

  it("of a pooled tenant too", async () => {
    const report = await drilling("acme");
    expect(report.tables).toEqual([{ name: "orders", rows: expect.any(Number) as number }]);
    expect((await beside()).filter((name) => name.includes("acme"))).toEqual([]);
  });
});
