import { readFileSync, writeFileSync } from "node:fs";
import { Client } from "pg";
import { backup } from "../../ops/backup/backup.ts";
import { bootstrapPool } from "../../ops/pool/bootstrap.ts";
import type { DatabaseLogin } from "../../ops/postgres.ts";
import { drillName } from "../../ops/restore/beside.ts";
import { drill } from "../../ops/restore/drill.ts";
import { drills, turns, type DrillsResult } from "../../ops/restore/drills.ts";
import { janitor } from "../../ops/restore/janitor.ts";
import { restore } from "../../ops/restore/restore.ts";
import { FolderStore } from "../support/folderStore.ts";
import { nextSecond } from "../support/nextSecond.ts";
import { createPool, POOL } from "../support/pool.ts";
import { PASSWORD, startPostgres, withPrograms, type PostgresServer } from "../support/postgres.ts";

jest.setTimeout(120_000);

const OWN = "warehouse_solo";
const DAY_MS = 24 * 3600 * 1000;

let server: PostgresServer;
let store: FolderStore;
let logged: string[];
const log = (line: string): void => void logged.push(line);

const login = (user: string, name = "postgres"): DatabaseLogin => ({
  host: server.host,
  port: String(server.port),
  name,
  user,
  password: PASSWORD,
  sslmode: "disable",
});
async function query<Row extends object>(user: string, database: string, text: string): Promise<Row[]> {
  const client = await server.connect(user, database);
  try {
    const result: unknown = await client.query(text);
    return (result as { rows?: Row[] }).rows ?? [];
  } finally {
    await client.end();
  }
}
const beside = async (): Promise<string[]> =>
  (
    await query<{ datname: string }>("postgres", "postgres", "SELECT datname FROM pg_database ORDER BY 1")
  ).flatMap(({ datname }) => (datname.includes("__") ? [datname] : []));
const prefix = (tenantId: string): string => `customers/${tenantId}/`;
const roleOf = (tenantId: string): string => `warehouse_${tenantId.replaceAll("-", "_")}`;
const backUp = (tenantId: string, scope: "database" | "rows") =>
  withPrograms(server, () =>
    backup(
      {
        tenantId,
        kind: "manual",
        prefix: prefix(tenantId),
        retainDays: 30,
        scope,
        database: login(`${roleOf(tenantId)}_backup`, scope === "rows" ? POOL : roleOf(tenantId)),
      },
      store,
      log,
    ),
  );
const drilling = (all = true): Promise<DrillsResult> =>
  withPrograms(server, () => drills({ login: login("warehouse_ops"), all, ending: () => false }, store, log));

/** A failure with its exit code. */
async function failure(
  run: Promise<unknown>,
): Promise<{ exitCode?: number; message: string; result?: unknown }> {
  return run.then(
    () => new Error("it succeeded"),
    (error: unknown) => error as Error & { exitCode?: number },
  );
}

beforeAll(async () => {
  store = new FolderStore();
  logged = [];
  server = await startPostgres();
  await createPool(server);
  await bootstrapPool(login(`${POOL}_migrate`, POOL));
  await query(
    "postgres",
    OWN,
    `CREATE SCHEMA app AUTHORIZATION ${OWN}_owner;
     GRANT USAGE ON SCHEMA app TO ${OWN}_backup;
     ALTER DEFAULT PRIVILEGES FOR ROLE ${OWN}_owner IN SCHEMA app GRANT SELECT ON TABLES TO ${OWN}_backup;
     ALTER DEFAULT PRIVILEGES FOR ROLE ${OWN}_owner IN SCHEMA app GRANT SELECT ON SEQUENCES TO ${OWN}_backup;
     SET ROLE ${OWN}_owner;
     CREATE TABLE app.orders (id serial PRIMARY KEY, item text NOT NULL);
     CREATE TABLE app.forced (id int PRIMARY KEY);
     INSERT INTO app.orders (item) SELECT 'item ' || n FROM generate_series(1, 1000) n;
     INSERT INTO app.forced VALUES (1)`,
  );
  await query(
    `${POOL}_migrate`,
    POOL,
    `CREATE TABLE app.orders (tenant_id text NOT NULL, id int, item text, PRIMARY KEY (tenant_id, id));
     SELECT tenancy.protect('app.orders')`,
  );
  for (const [tenant, count] of [
    ["acme", 50],
    ["acme-2", 7],
  ] as const) {
    await query(
      `${roleOf(tenant)}_app_a`,
      POOL,
      `SET app.tenant_id = '${tenant}';
       INSERT INTO app.orders SELECT '${tenant}', n, 'item ' || n FROM generate_series(1, ${count}) n`,
    );
    await backUp(tenant, "rows");
  }
  await backUp("solo", "database");
  for (const id of ["acme", "acme-2", "solo", "solo-2"])
    await store.replace(`${prefix(id)}tenant.json`, { tenantId: id });
});
beforeEach(() => {
  logged = [];
});
afterAll(async () => {
  store.remove();
  await server.stop();
});

describe("the login of the drills", () => {
  it("can enter no tenant's database, and is a member of nothing", async () => {
    for (const database of [OWN, POOL])
      await expect(server.connect("warehouse_ops", database)).rejects.toThrow(
        "permission denied for database",
      );
    expect(
      await query(
        "postgres",
        "postgres",
        "SELECT FROM pg_auth_members WHERE member = 'warehouse_ops'::regrole",
      ),
    ).toEqual([]);
  });
});

describe("drills", () => {
  it("restore every tenant's backup by its weak login, and say how long each took", async () => {
    const result = await drilling();
    expect(result).toMatchObject({
      tenants: 3,
      withoutBackup: ["solo-2"],
      drilled: [
        { tenantId: "acme", rows: 50 },
        { tenantId: "acme-2", rows: 7 },
        { tenantId: "solo", rows: 1001 },
      ],
    });
    const shown = (logged.at(-1) ?? "")
      .replaceAll(/\d{8}T\d{6}Z/g, "TIME")
      .replaceAll(/ +\d+\.\d s/g, " TOOK");
    expect(shown.replaceAll(/ +\d+ +/g, " N ").replaceAll(/ +/g, " ")).toBe(
      ["", "tenant backup bytes rows RTO", "acme acme-TIME N 50 TOOK", "acme-2 acme-2-TIME N 7 TOOK"]
        .concat(["solo solo-TIME N 1001 TOOK", "solo-2 none yet"])
        .join("\n"),
    );
    expect(await beside()).toEqual([]);
  });

  it("go on after a failure, leave nothing of it, name all of them in the end, and try again the next night", async () => {
    await nextSecond();
    const [key = ""] = store.keys().filter((name) => /acme\/db\/.*\.dump$/.test(name));
    const good = readFileSync(store.path(key));
    writeFileSync(store.path(key), good.subarray(0, good.length - 100));
    const failed = await failure(drilling());
    expect(failed.exitCode).toBe(50);
    expect(failed.message).toBe(
      `1 of 3 drills failed:\n  acme (50): ${key} is not what was backed up: its checksum is another`,
    );
    expect(failed.result).toMatchObject({
      drilled: [
        { tenantId: "acme", failure: { exitCode: 50 } },
        { tenantId: "acme-2", rows: 7 },
        { tenantId: "solo" },
      ],
    });
    expect(await beside()).toEqual([]);
    writeFileSync(store.path(key), good);
    await nextSecond();
    // Besides the one whose turn it is.
    expect((await drilling(false)).drilled.map(({ tenantId }) => tenantId)).toEqual(["acme", "acme-2"]);
  });

  it("stop where the program is asked to end", async () => {
    const stopped = await drills(
      { login: login("warehouse_ops"), all: true, ending: () => true },
      store,
      log,
    );
    expect(stopped.drilled).toEqual([]);
  });

  it("wait for another of the same tenant, and not for ever", async () => {
    const holder = await server.connect("warehouse_ops", "postgres");
    await holder.query("SELECT pg_advisory_lock(hashtextextended($1, 0))", [drillName("solo")]);
    process.env["OPS_WAIT_SECONDS"] = "1";
    try {
      const request = { tenantId: "solo", prefix: prefix("solo"), login: login("warehouse_ops"), choice: {} };
      const failed = await failure(withPrograms(server, () => drill(request, store, log)));
      expect([failed.exitCode, failed.message]).toEqual([20, expect.stringContaining("due to lock timeout")]);
    } finally {
      delete process.env["OPS_WAIT_SECONDS"];
      await holder.end();
    }
  });
});

describe("whose turn it is", () => {
  const candidate = (n: number, failed = false) => ({
    tenantId: `t-${n}`,
    prefix: prefix(`t-${n}`),
    success: undefined,
    successAt: `202601${String(n).padStart(2, "0")}T000000Z`,
    failed,
  });

  it("is the oldest's, so that each has it within 30 days though some nights fail", () => {
    let tenants = Array.from({ length: 30 }, (_, n) => ({ ...candidate(n), successAt: "" }));
    const drilled = new Set<string>();
    for (let night = 0; night < 25; night += 1) {
      const tonight = new Set(turns(tenants).map(({ tenantId }) => tenantId));
      expect(tonight.size).toBe(2);
      for (const tenantId of tonight) drilled.add(tenantId);
      tenants = tenants.map((tenant) =>
        tonight.has(tenant.tenantId)
          ? { ...tenant, successAt: `2026${String(night).padStart(4, "0")}` }
          : tenant,
      );
    }
    expect(drilled.size).toBe(30);
  });

  it("is every failed one's too, which takes nobody else's turn", () => {
    const chosen = turns([candidate(3), candidate(1, true), candidate(2), candidate(4, true)]);
    expect(chosen.map(({ tenantId }) => tenantId)).toEqual(["t-1", "t-4", "t-2"]);
  });
});

describe("the janitor", () => {
  const cleaning = (days: number) =>
    janitor(login("warehouse_ops"), new Date(Date.now() + days * DAY_MS), log);
  const restored = async (): Promise<string> => {
    await nextSecond();
    await withPrograms(server, () =>
      restore(
        {
          ...{ tenantId: "solo", prefix: prefix("solo"), retainDays: 30, choice: {} },
          ...{ platform: login("platform"), sharedDatabase: "warehouse_shared" },
        },
        store,
        log,
      ),
    );
    const [kept = ""] = (await beside()).filter((name) => name.includes("__o"));
    return kept;
  };

  it("drops what a restore kept after 7 days, and not before", async () => {
    const kept = await restored();
    expect((await cleaning(7)).kept.map(({ name }) => name)).toEqual([kept]);
    expect(await cleaning(8)).toEqual({ dropped: [kept], kept: [] });
    expect(await beside()).toEqual([]);
  });

  it("drops what a drill or a restore left that died, after a day and unless somebody is in it", async () => {
    const made = (name: string, owner: string) =>
      query("postgres", "postgres", `CREATE DATABASE ${name} OWNER ${owner}`).then(() =>
        query("postgres", "postgres", `COMMENT ON DATABASE ${name} IS '${new Date().toISOString()}'`),
      );
    await made(`${OWN}__d`, "warehouse_ops");
    await made(`${OWN}__r`, "warehouse_ops");
    expect((await cleaning(0.9)).dropped).toEqual([]);
    const inside = new Client({ ...login("warehouse_ops"), port: server.port, database: `${OWN}__d` });
    await inside.connect();
    expect((await cleaning(1.1)).dropped).toEqual([`${OWN}__r`]);
    await inside.end();
    expect((await cleaning(1.1)).dropped).toEqual([`${OWN}__d`]);
    // Its age is unknown until it is noted.
    await query("postgres", "postgres", `CREATE DATABASE ${OWN}__d OWNER warehouse_ops`);
    expect((await cleaning(100)).dropped).toEqual([]);
    await query("postgres", "postgres", `DROP DATABASE ${OWN}__d`);
  });

  it("names what it may not drop, when all others are dropped, and never touches what serves", async () => {
    await query("postgres", "postgres", `CREATE DATABASE ${OWN}__o200101 OWNER platform`);
    await query("postgres", "postgres", `CREATE DATABASE ${OWN}__o200102b OWNER warehouse_ops`);
    const failed = await failure(cleaning(0));
    expect([failed.exitCode, failed.message, failed.result]).toEqual([
      22,
      `${OWN}__o200101 belongs to platform: drop it as that role`,
      { dropped: [`${OWN}__o200102b`], kept: [] },
    ]);
    await query("postgres", "postgres", `DROP DATABASE ${OWN}__o200101`);
  });

  it("gets what a restore that was killed left", async () => {
    // As far as a killed run comes: the database beside, given away.
    await query("platform", "postgres", `GRANT warehouse_ops TO platform`);
    await query(
      "platform",
      "postgres",
      `CREATE DATABASE ${OWN}__r OWNER warehouse_ops ALLOW_CONNECTIONS false`,
    );
    await query("platform", "postgres", `COMMENT ON DATABASE ${OWN}__r IS '2026-01-01T00:00:00Z'`);
    await query("platform", "postgres", `REVOKE warehouse_ops FROM platform`);
    expect((await cleaning(0)).dropped).toEqual([`${OWN}__r`]);
  });
});
