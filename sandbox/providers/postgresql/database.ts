import type { Handler } from "../base/spec.ts";
import type { Props } from "../base/wire.ts";
import {
  checkShape,
  diffShape,
  flag,
  foretold,
  integer,
  normal,
  type Op,
  refreshed,
  required,
  type Shape,
  text,
  withName,
} from "./inputs.ts";
import {
  currentUser,
  databaseExists,
  grantMembership,
  lockRole,
  revokeMembership,
  withRoles,
} from "./roles.ts";
import type { Connection, Server } from "./server.ts";
import { ident, literal } from "./sql.ts";

const shape: Shape = {
  required: [],
  defaults: { allowConnections: true, alterObjectOwnership: false, connectionLimit: -1 },
  sets: [],
  replaceOn: ["template", "encoding", "lcCollate", "lcCtype"],
  computed: ["owner", "template", "encoding", "lcCollate", "lcCtype", "tablespaceName", "isTemplate"],
};

/**
 * Runs work as a member of the database's owner. The membership has to be committed before CREATE DATABASE,
 * which takes no part in transactions: a lock held on a second connection keeps others of this owner out.
 */
async function asOwner<T>(
  op: Op,
  owner: string | undefined,
  work: (db: Connection) => Promise<T>,
): Promise<T> {
  if (owner === undefined) return op.client.connected(undefined, work);
  return op.client.transaction(undefined, async (lock) => {
    await lockRole(lock, owner);
    return op.client.connected(undefined, async (db) => {
      const me = await currentUser(db);
      const granted = await grantMembership(db, owner, me);
      try {
        return await work(db);
      } finally {
        if (granted) await revokeMembership(db, owner, me);
      }
    });
  });
}

const orDefault = (value: string, quote: (value: string) => string): string =>
  value.toUpperCase() === "DEFAULT" ? "DEFAULT" : quote(value);

function createStatement(inputs: Props, owner: string): string {
  const option = (name: string, value: string | undefined, quote: (value: string) => string): string[] =>
    value === undefined ? [] : [`${name} ${orDefault(value, quote)}`];
  return [
    `CREATE DATABASE ${ident(required(inputs, "name"))} OWNER ${ident(owner)}`,
    ...option("TEMPLATE", text(inputs.template) ?? "template0", ident),
    ...option("ENCODING", text(inputs.encoding) ?? "UTF8", literal),
    ...option("LC_COLLATE", text(inputs.lcCollate), literal),
    ...option("LC_CTYPE", text(inputs.lcCtype), literal),
    ...option("TABLESPACE", text(inputs.tablespaceName), ident),
    `ALLOW_CONNECTIONS ${String(flag(inputs.allowConnections, true))}`,
    `CONNECTION LIMIT ${integer(inputs.connectionLimit) ?? -1}`,
    `IS_TEMPLATE ${String(flag(inputs.isTemplate))}`,
  ].join(" ");
}

async function find(db: Connection, name: string): Promise<Props | undefined> {
  const [row] = await db.query<{ live: Props }>(
    `SELECT json_build_object('name', datname, 'owner', pg_get_userbyid(datdba),
        'encoding', pg_encoding_to_char(encoding), 'lcCollate', datcollate, 'lcCtype', datctype,
        'tablespaceName', spcname, 'connectionLimit', datconnlimit, 'allowConnections', datallowconn,
        'isTemplate', datistemplate) AS live
      FROM pg_database JOIN pg_tablespace ts ON dattablespace = ts.oid WHERE datname = $1`,
    [name],
  );
  return row?.live;
}

const stateOf = (inputs: Props, live: Props): Props => ({
  ...live,
  template: text(inputs.template) ?? "template0",
  alterObjectOwnership: flag(inputs.alterObjectOwnership),
});

async function alter(db: Connection, name: string, before: Props, wanted: Props): Promise<void> {
  const changed = (key: string): boolean => before[key] !== wanted[key];
  const database = ident(name);
  if (changed("connectionLimit")) {
    await db.query(`ALTER DATABASE ${database} CONNECTION LIMIT ${integer(wanted.connectionLimit) ?? -1}`);
  }
  if (changed("allowConnections")) {
    await db.query(
      `ALTER DATABASE ${database} ALLOW_CONNECTIONS ${String(flag(wanted.allowConnections, true))}`,
    );
  }
  if (changed("isTemplate")) {
    await db.query(`ALTER DATABASE ${database} IS_TEMPLATE ${String(flag(wanted.isTemplate))}`);
  }
  const tablespace = text(wanted.tablespaceName);
  if (changed("tablespaceName") && tablespace !== undefined) {
    await db.query(`ALTER DATABASE ${database} SET TABLESPACE ${ident(tablespace)}`);
  }
}

async function changeOwner(op: Op, name: string, from: string, wanted: Props): Promise<void> {
  const owner = required(wanted, "owner");
  await asOwner(op, owner, (db) => db.query(`ALTER DATABASE ${ident(name)} OWNER TO ${ident(owner)}`));
  if (!flag(wanted.alterObjectOwnership)) return;
  await op.client.transaction(name, async (db) => {
    await withRoles(db, [from, owner], () => db.query(`REASSIGN OWNED BY ${ident(from)} TO ${ident(owner)}`));
  });
}

export const database: Handler<Server> = {
  check: (op, news, olds) => checkShape(shape, withName(op, news, olds)),
  diff: (_op, _id, olds, news) => diffShape(shape, olds, news),
  create: async (op, inputs) => {
    if (op.preview) return { id: "", state: foretold(shape, inputs) };
    const name = required(inputs, "name");
    const owner = text(inputs.owner);
    const live = await asOwner(op, owner, async (db) => {
      await db.query(createStatement(inputs, owner ?? (await currentUser(db))));
      return find(db, name);
    });
    return { id: name, state: stateOf(inputs, live ?? {}) };
  },
  read: async (op, id, olds) => {
    const live = await op.client.connected(undefined, (db) => find(db, id));
    if (live === undefined) return undefined;
    const inputs =
      olds.inputs === undefined ? { ...live, template: "template0" } : refreshed(olds.inputs, live);
    return { id, state: stateOf(olds.inputs ?? {}, live), inputs };
  },
  update: async (op, id, olds, news) => {
    if (op.preview) return { ...olds.state, ...news };
    const name = required(news, "name");
    // What the program does not set stays as it is.
    const [before, wanted] = [
      { ...olds.state, ...normal(shape, olds.inputs) },
      { ...olds.state, ...normal(shape, news) },
    ];
    await op.client.connected(undefined, async (db) => {
      if (name !== id) await db.query(`ALTER DATABASE ${ident(id)} RENAME TO ${ident(name)}`);
      await alter(db, name, before, wanted);
    });
    const from = text(before.owner);
    if (from !== undefined && text(wanted.owner) !== from) await changeOwner(op, name, from, wanted);
    const live = await op.client.connected(undefined, (db) => find(db, name));
    return stateOf(news, live ?? {});
  },
  delete: async (op, id, state) => {
    await asOwner(op, text(state.owner), async (db) => {
      if (!(await databaseExists(db, id))) return;
      if (flag(state.isTemplate)) await db.query(`ALTER DATABASE ${ident(id)} IS_TEMPLATE false`);
      // Nobody may come back between the end of the sessions and that of the database.
      await db.query(`ALTER DATABASE ${ident(id)} ALLOW_CONNECTIONS false`);
      try {
        await db.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
          [id],
        );
        await db.query(`DROP DATABASE ${ident(id)}`);
      } catch (error) {
        // A database that stays must stay usable.
        await db.query(
          `ALTER DATABASE ${ident(id)} ALLOW_CONNECTIONS ${String(flag(state.allowConnections, true))}`,
        );
        throw error;
      }
    });
  },
};
