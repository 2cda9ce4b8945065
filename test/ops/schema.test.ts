import type { DatabaseLogin } from "../../ops/postgres.ts";
import { assertIsolation } from "../../ops/isolation.ts";
import { prepareSchema } from "../../ops/schema.ts";
import { createPool } from "../support/pool.ts";
import { PASSWORD, startPostgres, type PostgresServer } from "../support/postgres.ts";

const OWN = "warehouse_solo";
let server: PostgresServer;

async function as(user: string, text: string): Promise<object[]> {
  const client = await server.connect(user, OWN);
  try {
    return (await client.query<object>(text)).rows;
  } finally {
    await client.end();
  }
}

const login = (purpose: string): DatabaseLogin => ({
  host: server.host,
  port: String(server.port),
  name: OWN,
  user: `${OWN}_${purpose}`,
  password: PASSWORD,
  sslmode: "disable",
});

beforeAll(async () => {
  server = await startPostgres();
  await createPool(server);
  await as("postgres", `CREATE SCHEMA app AUTHORIZATION ${OWN}_owner`);
  await as(`${OWN}_migrate`, "CREATE TABLE app.before (id serial)");
  await prepareSchema(login("migrate"), "solo");
  await as(`${OWN}_migrate`, "CREATE TABLE app.since (id serial)");
});
afterAll(() => server.stop());

describe("a prepared schema", () => {
  it.each(["before", "since"])(
    "lets the application write a table from %s, and the backup read",
    async (table) => {
      expect(await as(`${OWN}_app_a`, `INSERT INTO app.${table} DEFAULT VALUES RETURNING id`)).toHaveLength(
        1,
      );
      expect(await as(`${OWN}_backup`, `SELECT id FROM app.${table}`)).toHaveLength(1);
      expect(await as(`${OWN}_backup`, `SELECT last_value FROM app.${table}_id_seq`)).toHaveLength(1);
      await expect(as(`${OWN}_backup`, `DELETE FROM app.${table}`)).rejects.toThrow("permission denied");
      await expect(as(`${OWN}_app_a`, `TRUNCATE app.${table}`)).rejects.toThrow("permission denied");
      await expect(as(`${OWN}_app_a`, `SELECT setval('app.${table}_id_seq', 9)`)).rejects.toThrow(
        "permission denied",
      );
    },
  );

  it("is the same when prepared again, and isolated", async () => {
    const rights = () =>
      as(
        "postgres",
        `SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'app'::regnamespace
         UNION ALL SELECT nspname, nspacl::text FROM pg_namespace WHERE nspname = 'app'
         UNION ALL SELECT defaclobjtype::text, defaclacl::text FROM pg_default_acl ORDER BY 1`,
      );
    const before = await rights();
    await prepareSchema(login("migrate"), "solo");
    expect(await rights()).toEqual(before);
    await assertIsolation(login("migrate"));
  });

  it("is refused to a login that does not act as the owner", async () => {
    await expect(prepareSchema(login("app_a"), "solo")).rejects.toMatchObject({ kind: "permission" });
  });
});
