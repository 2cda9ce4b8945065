import type { Client } from "pg";
import { move, type MoveRequest } from "../../ops/move/move.ts";
import { bootstrapPool } from "../../ops/pool/bootstrap.ts";
import type { DatabaseLogin } from "../../ops/postgres.ts";
import { FolderStore } from "../support/folderStore.ts";
import { createPool, movingTenant, POOL } from "../support/pool.ts";
import { PASSWORD, startPostgres, type PostgresServer } from "../support/postgres.ts";

jest.setTimeout(120_000);

const OWN = "warehouse_acme";

/** The application's tables; in the shared database each is protected. */
const TABLES = `
  CREATE TABLE app.orders (
    tenant_id text NOT NULL, id int GENERATED ALWAYS AS IDENTITY, item text, price numeric(10, 2), at timestamptz,
    ratio double precision, data jsonb, image bytea, parent int, total numeric GENERATED ALWAYS AS (price * 2) STORED,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, parent) REFERENCES app.orders);
  CREATE TABLE app.a_line (
    tenant_id text NOT NULL, id serial, order_id int, "Odd name" text,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, order_id) REFERENCES app.orders);
  CREATE TABLE app.unused (tenant_id text NOT NULL, id int, PRIMARY KEY (tenant_id, id));`;
const ROWS = `
  INSERT INTO app.orders (tenant_id, item, price, at, ratio, data, image, parent)
  SELECT 'acme', CASE WHEN n % 10 > 0 THEN E'tab\t line\n back\\ "quote" ' || n END, n / 3.0,
    timestamptz '2026-01-01 00:00:00.123456+05' + n * interval '1 hour', n / 7.0, jsonb_build_object('n', n),
    decode(lpad(to_hex(n), 6, '0'), 'hex'), CASE WHEN n > 1 THEN n / 2 + 1 END
  FROM generate_series(1, 500) n;
  INSERT INTO app.a_line (tenant_id, order_id, "Odd name")
  SELECT 'acme', id, 'line of ' || id FROM app.orders, generate_series(1, 3)`;

let server: PostgresServer;
let platform: Client;
let superuser: Client;
let store: FolderStore;
const logged: string[] = [];
const log = (line: string): void => void logged.push(line);

/** Runs a step with the tenant's migration login and returns what it said. */
async function step(request: Pick<MoveRequest, "step"> & Partial<MoveRequest>): Promise<string[]> {
  logged.length = 0;
  const login: DatabaseLogin = {
    host: server.host,
    port: String(server.port),
    name: "postgres",
    user: `${OWN}_migrate`,
    password: PASSWORD,
    sslmode: "disable",
  };
  const where = { tenantId: "acme", from: "pool", to: "bridge", prefix: "customers/acme/" } as const;
  await move({ ...where, checksum: "", login, sharedDatabase: "warehouse_shared", ...request }, store, log);
  return [...logged];
}
const back = { from: "bridge", to: "pool" } as const;
const checksum = (lines: readonly string[]): string =>
  /^checksum (.{64})$/.exec(lines.at(-1) ?? "")?.[1] ?? "";

/** Lets the application into one database or none, as Pulumi does. */
async function serve(database: string): Promise<void> {
  const grant = (may: boolean, role: string, to: string) =>
    platform.query(`${may ? "GRANT" : "REVOKE"} ${role} ${may ? "TO" : "FROM"} ${to}`);
  await grant(database === POOL, `${POOL}_rw`, `${OWN}_rw`);
  await grant(database === OWN, `${OWN}_ro`, `${OWN}_rw`);
  for (const which of ["a", "b"]) await grant(database === "none", `${OWN}_app_${which}`, `${OWN}_migrate`);
}

/** Runs SQL as a login, in the shared database for a tenant, and disconnects. */
async function as<Row extends object>(
  user: string,
  database: string,
  text: string,
  tenant = "acme",
): Promise<Row[]> {
  const client = await server.connect(user, database);
  try {
    await client.query(`SET app.tenant_id = '${tenant}'`);
    const result: unknown = await client.query(text);
    return (result as { rows?: Row[] }).rows ?? [];
  } finally {
    await client.end();
  }
}

/** All rows of a tenant, by a role that sees everybody's. */
const rows = (database: string, tenant = "acme"): Promise<object[]> =>
  as(
    "postgres",
    database,
    `SELECT o.*, l.id AS line, l."Odd name"
     FROM app.orders o LEFT JOIN app.a_line l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
     WHERE o.tenant_id = '${tenant}' ORDER BY o.id, l.id`,
  );

beforeAll(async () => {
  store = new FolderStore();
  server = await startPostgres();
  await createPool(server);
  const { host, port } = server;
  const login = { host, port: String(port), name: POOL, user: `${POOL}_migrate`, password: PASSWORD };
  await bootstrapPool({ ...login, sslmode: "disable" });
  platform = await server.connect("platform", "postgres");
  superuser = await server.connect("postgres", POOL);
  await as(`${POOL}_migrate`, POOL, TABLES);
  for (const table of ["orders", "a_line", "unused"]) {
    await as(`${POOL}_migrate`, POOL, `SELECT tenancy.protect('app.${table}')`);
  }
  const foreign = "INSERT INTO app.orders (tenant_id, item) VALUES ('acme-2', 'not to be moved')";
  await as("warehouse_acme_2_app_a", POOL, foreign, "acme-2");
  for (const statement of movingTenant(OWN)) await platform.query(statement);
  await as("postgres", OWN, `CREATE SCHEMA app AUTHORIZATION ${OWN}_owner`);
  await as(`${OWN}_migrate`, OWN, TABLES);
  await as(`${OWN}_app_a`, POOL, ROWS);
});
afterAll(async () => {
  store.remove();
  await server.stop();
});

describe("a move from the shared database to the tenant's own", () => {
  let moved = "";

  it("copies the tenant's rows, counted and compared, while it is served", async () => {
    expect(await step({ step: "copy" })).toEqual([
      "orders copied",
      "unused copied",
      "a_line copied",
      "a_line: 1500 rows",
      "orders: 500 rows",
      "unused: 0 rows",
      "copied; the checksum comes with the cutover",
    ]);
    expect(await rows(OWN)).toEqual(await rows(POOL));
    expect(await rows(OWN)).toHaveLength(1500);
    expect(await rows(OWN, "acme-2")).toEqual([]);
  });

  it("does it anew when it runs again: what is gone in the source goes in the target", async () => {
    await as(
      `${OWN}_app_a`,
      POOL,
      "DELETE FROM app.a_line WHERE id % 5 = 0; UPDATE app.orders SET item = 'changed' WHERE id = 7",
    );
    await step({ step: "copy" });
    expect(await rows(OWN)).toEqual(await rows(POOL));
    expect(await rows(OWN)).toHaveLength(1300);
  });

  it("does not cut over as long as the application can write", async () => {
    await expect(step({ step: "cutover" })).rejects.toThrow(
      `the application still has access: ${OWN}_app_a, ${OWN}_app_b may connect`,
    );
  });

  it("cuts over: ends the application's sessions, copies, and prints the checksum", async () => {
    const app = await server.connect(`${OWN}_app_a`, POOL);
    const neighbour = await server.connect("warehouse_acme_2_app_a", POOL);
    await serve("none");
    moved = checksum(await step({ step: "cutover" }));
    expect(logged[0]).toBe("ending 1 sessions of the application");
    await expect(app.query("SELECT 1")).rejects.toThrow();
    await expect(neighbour.query("SELECT 1")).resolves.toBeDefined();
    expect(await rows(OWN)).toEqual(await rows(POOL));
    expect(checksum(await step({ step: "cutover" }))).toBe(moved);
  });

  it("gives out no number again that the source gave out", async () => {
    const [next] = await as<{ id: number }>(
      `${OWN}_migrate`,
      OWN,
      "INSERT INTO app.orders (tenant_id, item) VALUES ('acme', 'new') RETURNING id",
    );
    expect(next?.id).toBeGreaterThan(501); // The neighbour's row has number 1.
    await as(`${OWN}_migrate`, OWN, "DELETE FROM app.orders WHERE item = 'new'");
  });

  it("opens the target only if it is what was moved, by the registry and on both sides", async () => {
    const open = (sum: string) => step({ step: "open", checksum: sum });
    await expect(open("0".repeat(64))).rejects.toThrow(
      `the registry's checksum ${"0".repeat(64)} is not that of the cutover: write what its log says last`,
    );
    for (const [database, side] of [
      [POOL, "pool"],
      [OWN, "bridge"],
    ] as const) {
      await as(
        "postgres",
        database,
        `UPDATE app.orders SET item = 'late in ${side}' WHERE tenant_id = 'acme' AND id = 9`,
      );
      const failure = open(moved);
      await expect(failure).rejects.toThrow(
        `the ${side} side has changed since the cutover: go back to cutover, which copies again`,
      );
      // What was found is not told, or somebody would write it into the registry.
      await expect(failure).rejects.not.toThrow(/checksum/);
      moved = checksum(await step({ step: "cutover" }));
    }
    expect(await open(moved)).toEqual([`the bridge side is what was moved: ${moved}`]);
  });

  it("is open from then on, whatever changes on either side", async () => {
    await serve(OWN);
    await as("postgres", POOL, "ALTER TABLE app.unused ADD more text");
    expect(await step({ step: "open", checksum: moved })).toEqual(["the bridge side is open already"]);
    await as("postgres", POOL, "ALTER TABLE app.unused DROP more");
  });

  it("overwrites the target no more once it was opened", async () => {
    await as(`${OWN}_migrate`, OWN, "INSERT INTO app.orders (tenant_id, item) VALUES ('acme', 'since then')");
    const before = await rows(OWN);
    for (const each of ["guard", "copy", "cutover"] as const) {
      await expect(step({ step: each })).rejects.toThrow(
        "the application has written to the bridge side since it was opened, and nothing of that is on the pool side",
      );
    }
    expect(await rows(OWN)).toEqual(before);
  });

  it("purges the source, and of it the tenant's rows only", async () => {
    expect(await step({ step: "purge", ...back })).toContain("orders: 500 rows deleted");
    expect(await rows(POOL)).toEqual([]);
    expect(await rows(POOL, "acme-2")).toHaveLength(1);
    expect(await rows(OWN)).toHaveLength(1301);
    await step({ step: "purge", ...back });
  });
});

describe("a move back to the shared database", () => {
  it("copies the same rows, and draws the shared sequences past them", async () => {
    await as(`${OWN}_migrate`, OWN, "SELECT setval('app.orders_id_seq', 100000)");
    const before = await rows(OWN);
    expect(before).toHaveLength(1301);
    await step({ step: "copy", ...back });
    expect(await rows(POOL)).toEqual(before);
    expect(await rows(POOL, "acme-2")).toHaveLength(1);
    await serve("none");
    const moved = checksum(await step({ step: "cutover", ...back }));
    await step({ step: "open", ...back, checksum: moved });
    await serve(POOL);
    const [inserted] = await as<{ id: number }>(
      `${OWN}_app_a`,
      POOL,
      "INSERT INTO app.orders (tenant_id, item) VALUES ('acme', 'after') RETURNING id",
    );
    expect(inserted?.id).toBeGreaterThan(100_000);
    await as(`${OWN}_app_a`, POOL, "DELETE FROM app.orders WHERE item = 'after'");
  });

  it("never purges what serves", async () => {
    await expect(step({ step: "purge", ...back })).rejects.toThrow("the application still has access");
    expect(await rows(POOL)).toHaveLength(1301);
  });
});

describe("a move whose record says otherwise than the registry", () => {
  afterAll(() => serve(POOL));

  it("does not open a target that was never cut over to, or only copied to", async () => {
    const open = step({ step: "open", checksum: "0".repeat(64) });
    await expect(open).rejects.toThrow("no cutover from pool to bridge is complete: go back to cutover");
    await step({ step: "copy" });
    const copied = step({ step: "open", checksum: "0".repeat(64) });
    await expect(copied).rejects.toThrow("no cutover from pool to bridge is complete: go back to cutover");
  });

  it("does not copy back from a side that was never opened, over the side that has everything", async () => {
    await as(`${OWN}_app_a`, POOL, "INSERT INTO app.orders (tenant_id, item) VALUES ('acme', 'newest')");
    const before = await rows(POOL);
    await serve("none");
    await expect(step({ step: "cutover", ...back })).rejects.toThrow(
      "the bridge side is a copy that was never opened, and may be older than the pool side: turn the move round again",
    );
    expect(await rows(POOL)).toEqual(before);
    await step({ step: "cutover" });
    expect(await rows(OWN)).toEqual(before);
  });

  it("moves no rows between sides that share the database, and keeps the record all the same", async () => {
    const between = { from: "bridge", to: "silo" } as const;
    await store.replace("customers/acme/move/record.json", { opened: "bridge" });
    const before = await rows(OWN);
    await step({ step: "copy", ...between });
    const moved = checksum(await step({ step: "cutover", ...between }));
    expect(await step({ step: "open", ...between, checksum: moved })).toEqual([
      `the silo side is what was moved: ${moved}`,
    ]);
    expect(await rows(OWN)).toEqual(before);
    await store.replace("customers/acme/move/record.json", { opened: "pool" });
  });

  it("does not take rows that no policy shows for no rows", async () => {
    await as(`${POOL}_migrate`, POOL, "DROP POLICY tenant_isolation ON app.a_line");
    await expect(step({ step: "copy" })).rejects.toThrow("no policy shows a tenant its rows of: a_line");
    await as(`${POOL}_migrate`, POOL, "SELECT tenancy.protect('app.a_line')");
  });
});

describe("a copy that cannot be right keeps the target as it was", () => {
  /** Injects a fault into the target for one copy out of the shared database; returns its message. */
  async function failing(fault: string, mend: string): Promise<string> {
    await as("postgres", OWN, fault);
    const before = await contents();
    const message = await step({ step: "copy" }).then(
      () => "succeeded",
      (error: unknown) => (error as Error).message,
    );
    expect(await contents()).toEqual(before);
    await as("postgres", OWN, mend);
    return message;
  }
  const contents = (): Promise<object[]> =>
    as("postgres", OWN, "SELECT query_to_xml('TABLE app.a_line', true, true, '')::text");

  const trigger = (table: string, body: string): [fault: string, mend: string] => [
    `CREATE FUNCTION app.f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;
     CREATE TRIGGER t BEFORE INSERT ON app.${table} FOR EACH ROW EXECUTE FUNCTION app.f()`,
    "DROP FUNCTION app.f CASCADE",
  ];
  it.each([
    [
      "ALTER TABLE app.orders RENAME item TO thing",
      "ALTER TABLE app.orders RENAME thing TO item",
      "orders.item is missing in the target, not text",
    ],
    [
      "ALTER TABLE app.orders ALTER ratio TYPE real",
      "ALTER TABLE app.orders ALTER ratio TYPE double precision",
      "orders.ratio is real in the target, not double precision",
    ],
    [
      "ALTER TABLE app.orders ADD more text",
      "ALTER TABLE app.orders DROP more",
      "orders.more is missing in the source",
    ],
    [
      "CREATE SEQUENCE app.loose; ALTER TABLE app.unused ALTER id SET DEFAULT nextval('app.loose')",
      "DROP SEQUENCE app.loose CASCADE",
      "unused.id draws from a sequence that it does not own",
    ],
    [
      "ALTER TABLE app.unused RENAME TO used",
      "ALTER TABLE app.used RENAME TO unused",
      "unused is missing in the target",
    ],
    [
      "ALTER TABLE app.orders ADD CONSTRAINT few CHECK (id < 100) NOT VALID",
      "ALTER TABLE app.orders DROP CONSTRAINT few",
      'the rows of orders do not fit in the target: new row for relation "orders" violates check constraint "few"',
    ],
    [...trigger("orders", "NEW.item := 'x'; RETURN NEW;"), /orders: other values in \d+ rows/],
    [
      ...trigger("a_line", "RETURN CASE WHEN NEW.id % 2 = 0 THEN NEW END;"),
      "the target differs from the source:\n  a_line: 600 of 1200 rows",
    ],
    [
      `TRUNCATE app.orders, app.a_line; ALTER TABLE app.unused ADD FOREIGN KEY (tenant_id, id) REFERENCES app.a_line;
       ALTER TABLE app.orders ADD CONSTRAINT round FOREIGN KEY (tenant_id, id) REFERENCES app.unused`,
      "ALTER TABLE app.orders DROP CONSTRAINT round",
      "foreign keys lead round in a circle: a_line, orders, unused",
    ],
  ])("%s", async (fault, mend, message) => {
    expect(await failing(fault, mend)).toMatch(message);
  });

  it("also when it is killed", async () => {
    await step({ step: "copy" });
    const before = await rows(OWN);
    const blocker = await server.connect("postgres", OWN);
    await blocker.query("BEGIN; LOCK TABLE app.a_line IN SHARE MODE");
    const ended = step({ step: "copy" }).catch((error: unknown) => error as Error);
    const killed = async (): Promise<boolean> => {
      const { rowCount } = await superuser.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE usename = '${OWN}_migrate' AND datname = '${OWN}' AND wait_event_type = 'Lock'`,
      );
      return rowCount === 1;
    };
    while (!(await killed()));
    expect(await ended).toBeInstanceOf(Error);
    await blocker.query("ROLLBACK");
    expect(await rows(OWN)).toEqual(before);
    await step({ step: "copy" });
    expect(await rows(OWN)).toEqual(await rows(POOL));
  });
});
