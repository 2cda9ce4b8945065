import type { Handler } from "../base/spec.ts";
import { isProps, type Props } from "../base/wire.ts";
import {
  checkShape,
  diffShape,
  flag,
  foretold,
  integer,
  normal,
  refreshed,
  required,
  type Shape,
  text,
  texts,
  withName,
} from "./inputs.ts";
import { currentUser, lockRole, withRoles } from "./roles.ts";
import type { Connection, Server } from "./server.ts";
import { ident, literal, passwordClause } from "./sql.ts";

const shape: Shape = {
  required: [],
  defaults: {
    bypassRowLevelSecurity: false,
    connectionLimit: -1,
    createDatabase: false,
    createRole: false,
    encryptedPassword: true,
    inherit: true,
    login: false,
    replication: false,
    roles: [],
    skipDropRole: false,
    skipReassignOwned: false,
    superuser: false,
    validUntil: "infinity",
  },
  sets: ["roles"],
  replaceOn: [],
  computed: [],
};

/** Attributes a role may set on roles it has created. */
const OPTIONS = {
  createDatabase: "CREATEDB",
  createRole: "CREATEROLE",
  inherit: "INHERIT",
  login: "LOGIN",
} as const;
/** Attributes only a superuser may name, even to confirm them: they are set only where they differ. */
const PRIVILEGED = {
  superuser: "SUPERUSER",
  replication: "REPLICATION",
  bypassRowLevelSecurity: "BYPASSRLS",
} as const;

const negated = (on: boolean, word: string): string => (on ? word : `NO${word}`);

function clauses(role: Props, before: Props): string {
  const parts = [
    ...Object.entries(OPTIONS).map(([key, word]) => negated(flag(role[key]), word)),
    ...Object.entries(PRIVILEGED).flatMap(([key, word]) =>
      flag(role[key]) === flag(before[key]) ? [] : [negated(flag(role[key]), word)],
    ),
    `CONNECTION LIMIT ${integer(role.connectionLimit) ?? -1}`,
    `VALID UNTIL ${literal(text(role.validUntil) ?? "infinity")}`,
  ];
  const password = text(role.password) ?? text(role.passwordWo);
  const changed = role.password !== before.password || role.passwordWoVersion !== before.passwordWoVersion;
  if (password !== undefined && changed) parts.push(passwordClause(password));
  if (password === undefined && before.password !== undefined) parts.push("PASSWORD NULL");
  return parts.join(" ");
}

/** Settings of the role: each is set to its value, or back to the server's. */
async function applySettings(db: Connection, name: string, role: Props): Promise<void> {
  const paths = texts(role.searchPaths);
  const settings = {
    search_path: paths.length === 0 ? undefined : paths.map(ident).join(", "),
    statement_timeout: integer(role.statementTimeout),
    idle_in_transaction_session_timeout: integer(role.idleInTransactionSessionTimeout),
    role: text(role.assumeRole) === undefined ? undefined : ident(text(role.assumeRole) ?? ""),
  };
  for (const [key, value] of Object.entries(settings)) {
    await db.query(
      value === undefined
        ? `ALTER ROLE ${ident(name)} RESET ${key}`
        : `ALTER ROLE ${ident(name)} SET ${key} TO ${String(value)}`,
    );
  }
}

async function applyRoles(db: Connection, name: string, before: Props, role: Props): Promise<void> {
  const [old, wanted] = [texts(before.roles), texts(role.roles)];
  for (const each of old.filter((item) => !wanted.includes(item))) {
    await db.query(`REVOKE ${ident(each)} FROM ${ident(name)}`);
  }
  for (const each of wanted.filter((item) => !old.includes(item))) {
    await db.query(`GRANT ${ident(each)} TO ${ident(name)}`);
  }
}

interface RoleRow {
  readonly attributes: Props;
  readonly roles: readonly string[];
  readonly config: readonly string[] | null;
}

async function find(db: Connection, name: string): Promise<Props | undefined> {
  const [row] = await db.query<RoleRow>(
    `SELECT json_build_object('superuser', rolsuper, 'inherit', rolinherit, 'createRole', rolcreaterole,
        'createDatabase', rolcreatedb, 'login', rolcanlogin, 'replication', rolreplication,
        'bypassRowLevelSecurity', rolbypassrls, 'connectionLimit', rolconnlimit,
        'validUntil', coalesce(rolvaliduntil::text, 'infinity')) AS attributes,
      ARRAY(SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = pg_roles.oid) AS roles,
      rolconfig AS config
    FROM pg_roles WHERE rolname = $1`,
    [name],
  );
  if (row === undefined) return undefined;
  const setting = (key: string): string | undefined =>
    row.config?.find((each) => each.startsWith(`${key}=`))?.slice(key.length + 1);
  const unquoted = (value: string): string =>
    value
      .trim()
      .replace(/^"(.*)"$/, "$1")
      .replaceAll('""', '"');
  const assumed = setting("role");
  return {
    ...(isProps(row.attributes) ? row.attributes : {}),
    name,
    roles: row.roles,
    searchPaths: setting("search_path")?.split(",").map(unquoted) ?? [],
    statementTimeout: Number(setting("statement_timeout") ?? 0),
    idleInTransactionSessionTimeout: Number(setting("idle_in_transaction_session_timeout") ?? 0),
    assumeRole: assumed === undefined ? "" : unquoted(assumed),
    encryptedPassword: true,
  };
}

/** Passwords stay as the program gave them: what the server stores cannot be read back. */
const own = (inputs: Props): Props => ({
  skipDropRole: flag(inputs.skipDropRole),
  skipReassignOwned: flag(inputs.skipReassignOwned),
  ...(inputs.password === undefined ? {} : { password: inputs.password }),
  ...(inputs.passwordWoVersion === undefined ? {} : { passwordWoVersion: inputs.passwordWoVersion }),
});

export const role: Handler<Server> = {
  secrets: () => [["password"], ["passwordWo"]],
  check: (op, news, olds) => checkShape(shape, withName(op, news, olds)),
  diff: (_op, _id, olds, news) => diffShape(shape, olds, news),
  create: async (op, inputs) => {
    if (op.preview) return { id: "", state: foretold(shape, inputs) };
    const name = required(inputs, "name");
    const wanted = normal(shape, inputs);
    const live = await op.client.transaction(undefined, async (db) => {
      await db.query(`CREATE ROLE ${ident(name)} WITH ${clauses(wanted, {})}`);
      await applyRoles(db, name, {}, wanted);
      await applySettings(db, name, wanted);
      return find(db, name);
    });
    return { id: name, state: { ...live, ...own(inputs) } };
  },
  read: async (op, id, olds) => {
    const live = await op.client.connected(undefined, (db) => find(db, id));
    if (live === undefined) return undefined;
    const inputs =
      olds.inputs === undefined ? { name: id, ...differing(live) } : refreshed(olds.inputs, live);
    return { id, state: { ...live, ...own(olds.inputs ?? olds.state) }, inputs };
  },
  update: async (op, id, olds, news) => {
    if (op.preview) return foretold(shape, news);
    const [before, wanted] = [normal(shape, olds.inputs), normal(shape, news)];
    const name = required(news, "name");
    const live = await op.client.transaction(undefined, async (db) => {
      await lockRole(db, id);
      if (name !== id) await db.query(`ALTER ROLE ${ident(id)} RENAME TO ${ident(name)}`);
      await db.query(`ALTER ROLE ${ident(name)} WITH ${clauses(wanted, before)}`);
      await applyRoles(db, name, before, wanted);
      await applySettings(db, name, wanted);
      return find(db, name);
    });
    return { ...live, ...own(news) };
  },
  delete: async (op, id, state) => {
    await op.client.transaction(undefined, async (db) => {
      if ((await find(db, id)) === undefined) return;
      await lockRole(db, id);
      if (!flag(state.skipReassignOwned)) {
        const me = await currentUser(db);
        await withRoles(db, [id], async () => {
          await db.query(`REASSIGN OWNED BY ${ident(id)} TO ${ident(me)}`);
          await db.query(`DROP OWNED BY ${ident(id)}`);
        });
      }
      if (!flag(state.skipDropRole)) await db.query(`DROP ROLE ${ident(id)}`);
    });
  },
};

/** What an imported role has beyond the defaults: the least a program must say to mean the same. */
const differing = (live: Props): Props =>
  Object.fromEntries(
    Object.entries(live).filter(
      ([key, value]) =>
        key in shape.defaults &&
        JSON.stringify(value) !== JSON.stringify(shape.defaults[key]) &&
        key !== "name",
    ),
  );
