import type { Handler } from "../base/spec.ts";
import type { Props } from "../base/wire.ts";
import {
  checkShape,
  diffShape,
  flag,
  foretold,
  type Op,
  refreshed,
  required,
  type Shape,
  text,
  withName,
} from "./inputs.ts";
import { databaseExists, lockDatabase, schemaExists, schemaOwners, withRoles } from "./roles.ts";
import type { Connection, Server } from "./server.ts";
import { ident } from "./sql.ts";

const shape: Shape = {
  required: [],
  defaults: { ifNotExists: true, dropCascade: false },
  sets: [],
  replaceOn: ["database"],
  computed: ["owner", "database"],
};

const databaseOf = (op: Op, inputs: Props): string => text(inputs.database) ?? op.client.config.database;
const owners = (inputs: Props): readonly string[] => {
  const owner = text(inputs.owner);
  return owner === undefined ? [] : [owner];
};

async function find(db: Connection, name: string): Promise<Props | undefined> {
  const [row] = await db.query<{ owner: string }>(
    "SELECT pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = $1",
    [name],
  );
  return row === undefined ? undefined : { name, owner: row.owner };
}

const stateOf = (inputs: Props, database: string, live: Props | undefined): Props => ({
  ...live,
  database,
  ifNotExists: flag(inputs.ifNotExists, true),
  dropCascade: flag(inputs.dropCascade),
});

/** Ids are `database.schema`. */
function parse(id: string): { readonly database: string; readonly name: string } {
  const dot = id.indexOf(".");
  return { database: id.slice(0, dot), name: id.slice(dot + 1) };
}

export const schema: Handler<Server> = {
  check: (op, news, olds) => ({
    ...checkShape(shape, withName(op, news, olds)),
    ...(news.policies === undefined
      ? {}
      : {
          failures: [{ property: "policies", reason: "policies is deprecated and not supported: use Grant" }],
        }),
  }),
  diff: (_op, _id, olds, news) => diffShape(shape, olds, news),
  create: async (op, inputs) => {
    if (op.preview) return { id: "", state: foretold(shape, inputs) };
    const name = required(inputs, "name");
    const database = databaseOf(op, inputs);
    const owner = text(inputs.owner);
    const live = await op.client.transaction(database, async (db) => {
      await lockDatabase(db, database);
      await withRoles(db, owners(inputs), async () => {
        if (flag(inputs.ifNotExists, true) && (await schemaExists(db, name))) {
          // The vendor takes over what is there, and gives it the owner asked for.
          if (owner !== undefined) await db.query(`ALTER SCHEMA ${ident(name)} OWNER TO ${ident(owner)}`);
          return;
        }
        const authorization = owner === undefined ? "" : ` AUTHORIZATION ${ident(owner)}`;
        await db.query(`CREATE SCHEMA ${ident(name)}${authorization}`);
      });
      return find(db, name);
    });
    return { id: `${database}.${name}`, state: stateOf(inputs, database, live) };
  },
  read: async (op, id, olds) => {
    const { database, name } = parse(id);
    if (!(await op.client.connected(undefined, (db) => databaseExists(db, database)))) return undefined;
    const live = await op.client.connected(database, (db) => find(db, name));
    if (live === undefined) return undefined;
    const inputs = olds.inputs === undefined ? { ...live, database } : refreshed(olds.inputs, live);
    return { id, state: stateOf(olds.inputs ?? {}, database, live), inputs };
  },
  update: async (op, id, _olds, news) => {
    if (op.preview) return foretold(shape, news);
    const { database, name: old } = parse(id);
    const name = required(news, "name");
    const owner = text(news.owner);
    const live = await op.client.transaction(database, async (db) => {
      await lockDatabase(db, database);
      const present = await schemaOwners(db, old, false);
      await withRoles(db, [...present, ...owners(news)], async () => {
        if (name !== old) await db.query(`ALTER SCHEMA ${ident(old)} RENAME TO ${ident(name)}`);
        if (owner !== undefined && !present.includes(owner)) {
          await db.query(`ALTER SCHEMA ${ident(name)} OWNER TO ${ident(owner)}`);
        }
      });
      return find(db, name);
    });
    return stateOf(news, database, live);
  },
  delete: async (op, id, state) => {
    const { database, name } = parse(id);
    if (!(await op.client.connected(undefined, (db) => databaseExists(db, database)))) return;
    await op.client.transaction(database, async (db) => {
      if (!(await schemaExists(db, name))) return;
      await lockDatabase(db, database);
      await withRoles(db, await schemaOwners(db, name, false), () =>
        db.query(`DROP SCHEMA ${ident(name)}${flag(state.dropCascade) ? " CASCADE" : ""}`),
      );
    });
  },
};
