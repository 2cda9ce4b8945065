import fc from "fast-check";
import type { Operation } from "../../../sandbox/providers/base/spec.ts";
import { type Props, UNKNOWN } from "../../../sandbox/providers/base/wire.ts";
import { privilegeFailures, samePrivileges } from "../../../sandbox/providers/postgresql/privileges.ts";
import { postgresql } from "../../../sandbox/providers/postgresql/provider.ts";
import { Server, serverConfig } from "../../../sandbox/providers/postgresql/server.ts";
import {
  grantee,
  ident,
  literal,
  passwordClause,
  scramVerifier,
  signature,
} from "../../../sandbox/providers/postgresql/sql.ts";
import { target } from "../../../sandbox/providers/postgresql/grant.ts";

const text = fc.string({ unit: "binary" }).filter((each) => !each.includes("\0"));

describe("SQL quoting", () => {
  it("keeps any name inside its quotes", () => {
    fc.assert(
      fc.property(
        text.filter((each) => each !== "" && Buffer.byteLength(each) <= 63),
        (name) => {
          const quoted = ident(name);
          expect(quoted.slice(1, -1).replaceAll('""', "")).not.toContain('"');
          expect(quoted.slice(1, -1).replaceAll('""', '"')).toBe(name);
        },
      ),
    );
  });

  it("keeps any text inside its quotes", () => {
    fc.assert(
      fc.property(text, (value) => {
        const inner = /^E?'([^]*)'$/.exec(literal(value))?.[1] ?? "";
        expect(inner.replaceAll("''", "").replaceAll("\\\\", "")).not.toMatch(/['\\]/);
      }),
    );
  });

  it("refuses names that PostgreSQL would cut short", () => {
    const name = "é".repeat(32);
    expect(() => ident(name)).toThrow(`the PostgreSQL name "${name}" is longer than 63 bytes`);
    expect(() => ident("")).toThrow("a PostgreSQL name must not be empty or hold NUL");
  });

  it("leaves a function's argument types outside the quotes", () => {
    expect(signature('my"f(text, int)')).toBe('"my""f"(text, int)');
    expect(signature("f")).toBe('"f"');
  });

  it("means everybody by public, in any case", () => {
    expect([grantee("PUBLIC"), grantee("public"), grantee("publican")]).toEqual([
      "PUBLIC",
      "PUBLIC",
      '"publican"',
    ]);
  });
});

describe("passwords", () => {
  it("are sent as the verifier PostgreSQL itself would store", () => {
    // From RFC 7677's example: user `user`, password `pencil`.
    const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
    expect(scramVerifier("pencil", salt)).toBe(
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" +
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
  });

  it("are in no statement", () => {
    expect(passwordClause("correct horse")).not.toContain("correct horse");
    expect(passwordClause("null")).toBe("PASSWORD NULL");
    expect(passwordClause("SCRAM-SHA-256$x")).toBe("PASSWORD 'SCRAM-SHA-256$x'");
  });
});

describe("provider arguments", () => {
  it("come from the program, else from libpq's environment, else from its defaults", () => {
    const env = { PGHOST: "envhost", PGPORT: "6432", PGUSER: "me", PGPASSWORD: "secret" };
    expect(serverConfig({ host: "h", port: "5433", maxConnections: "4" }, env)).toMatchObject({
      host: "h",
      port: 5433,
      user: "me",
      password: "secret",
      maxConnections: 4,
    });
    expect(serverConfig({}, {})).toMatchObject({
      host: "localhost",
      port: 5432,
      user: "postgres",
      maxConnections: 20,
    });
  });

  it("say who cannot be reached, without the password", async () => {
    const server = new Server(
      serverConfig({ host: "127.0.0.1", port: 1, username: "u", password: "hunter22" }, {}),
    );
    await expect(server.connected("db", () => Promise.resolve())).rejects.toThrow(
      "cannot connect to PostgreSQL at 127.0.0.1:1/db as u: connection refused",
    );
  });
});

const op = { preview: true, name: "it" } as Operation<Server>;
const changes = async (type: string, olds: Props, news: Props): Promise<string[]> => {
  const handler = postgresql.handler(`postgresql:index/${type}`);
  const diff = await handler?.diff(op, "id", { inputs: olds, state: olds }, news);
  return diff?.changes.map(({ path, replace }) => `${replace ? "replace" : "update"} ${path}`) ?? [];
};
const reasons = async (type: string, news: Props): Promise<string[]> => {
  const checked = await postgresql.handler(`postgresql:index/${type}`)?.check?.(op, news, undefined);
  return checked?.failures?.map(({ reason }) => reason) ?? [];
};

describe("resources", () => {
  const grant = { role: "r", database: "d", objectType: "database", privileges: ["CONNECT", "TEMPORARY"] };

  it("takes sets in any order and spelled-out defaults for no change", async () => {
    expect(await changes("grant:Grant", grant, { ...grant, privileges: ["TEMPORARY", "CONNECT"] })).toEqual(
      [],
    );
    expect(
      await changes("role:Role", { name: "a" }, { name: "a", login: false, connectionLimit: -1 }),
    ).toEqual([]);
    expect(await changes("database:Database", { name: "a", encoding: "UTF8" }, { name: "a" })).toEqual([]);
  });

  it("takes what the server has chosen for no change when the program spells it out", async () => {
    const handler = postgresql.handler("postgresql:index/database:Database");
    const olds = { inputs: { name: "a" }, state: { name: "a", template: "template0", owner: "me" } };
    const diff = await handler?.diff(op, "a", olds, { name: "a", template: "template0", owner: "you" });
    expect(diff?.changes.map(({ path }) => path)).toEqual(["owner"]);
  });

  it("updates what can be altered and replaces what cannot", async () => {
    expect(await changes("grant:Grant", grant, { ...grant, privileges: [] })).toHaveLength(2);
    expect(await changes("grant:Grant", grant, { ...grant, role: "s" })).toEqual(["replace role"]);
    expect(await changes("role:Role", { name: "a" }, { name: "b" })).toEqual(["update name"]);
    expect(
      await changes("database:Database", { name: "a", template: "t" }, { name: "a", template: "u" }),
    ).toEqual(["replace template"]);
    expect(
      await changes("schema:Schema", { name: "a", database: "d" }, { name: "a", database: "e" }),
    ).toEqual(["replace database"]);
  });

  it("refuses privileges an object type does not have", async () => {
    expect(await reasons("grant:Grant", { ...grant, privileges: ["SELECT"] })).toEqual([
      "SELECT is not an allowed privilege for object type database",
    ]);
    expect(await reasons("grant:Grant", { ...grant, objectType: "table", privileges: ["SELECT"] })).toEqual([
      "schema is mandatory for object type table",
    ]);
    expect(await reasons("grantRole:GrantRole", { role: "a" })).toEqual([
      "Missing required property 'grantRole'",
    ]);
    expect(privilegeFailures({ objectType: "database", privileges: UNKNOWN }, ["database"])).toEqual([]);
  });

  it("generates a name where none is given, and keeps it", async () => {
    const role = postgresql.handler("postgresql:index/role:Role");
    const first = (await role?.check?.(op, {}, undefined))?.inputs ?? {};
    expect(first.name).toMatch(/^it-[0-9a-f]{7}$/);
    expect((await role?.check?.(op, {}, first))?.inputs.name).toBe(first.name);
  });

  it("compares privileges by meaning", () => {
    expect(samePrivileges("schema", ["ALL"], ["USAGE", "CREATE"])).toBe(true);
    expect(samePrivileges("table", ["SELECT"], ["SELECT", "MAINTAIN"])).toBe(true);
    expect(samePrivileges("database", [], ["CONNECT"])).toBe(false);
  });

  it.each([
    ["database", [], 'DATABASE "d"'],
    ["schema", [], 'SCHEMA "s"'],
    ["table", [], 'ALL TABLES IN SCHEMA "s"'],
    ["table", ["a", 'b"'], 'TABLE "s"."a", "s"."b"""'],
    ["function", ["f(int)"], 'FUNCTION "s"."f"(int)'],
  ])("addresses a %s", (objectType, objects, expected) => {
    expect(target({ database: "d", schema: "s", objectType, objects })).toBe(expected);
  });
});
