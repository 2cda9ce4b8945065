/** How a platform role that is no superuser acts for the owners of things. */
import type { Connection } from "./server.ts";
import { ident } from "./sql.ts";

export async function exists(db: Connection, sql: string, ...values: readonly unknown[]): Promise<boolean> {
  return (await db.query(sql, values)).length > 0;
}
export const roleExists = (db: Connection, role: string): Promise<boolean> =>
  exists(db, "SELECT 1 FROM pg_roles WHERE rolname = $1", role);
export const databaseExists = (db: Connection, name: string): Promise<boolean> =>
  exists(db, "SELECT 1 FROM pg_database WHERE datname = $1", name);
export const schemaExists = (db: Connection, name: string): Promise<boolean> =>
  exists(db, "SELECT 1 FROM pg_namespace WHERE nspname = $1", name);

export async function currentUser(db: Connection): Promise<string> {
  const [row] = await db.query<{ name: string }>("SELECT current_user AS name");
  return row?.name ?? "";
}

const isSuperuser = (db: Connection, role: string): Promise<boolean> =>
  exists(db, "SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolsuper", role);

/** From version 16 on a membership may lack the right to act as the role (SET). */
async function isMember(db: Connection, role: string, member: string): Promise<boolean> {
  const [version] = await db.query<{ v: string }>("SELECT current_setting('server_version_num') AS v");
  const usable = Number(version?.v) >= 160000 ? " AND set_option" : "";
  return exists(
    db,
    "SELECT 1 FROM pg_auth_members WHERE pg_get_userbyid(roleid) = $1 AND pg_get_userbyid(member) = $2" +
      usable,
    role,
    member,
  );
}

/** Makes a role a member of another; false when it already was. */
export async function grantMembership(db: Connection, role: string, member: string): Promise<boolean> {
  if (role === member || (await isMember(db, role, member))) return false;
  await db.query(`GRANT ${ident(role)} TO ${ident(member)}`);
  return true;
}

export async function revokeMembership(db: Connection, role: string, member: string): Promise<boolean> {
  if (role === member || !(await isMember(db, role, member))) return false;
  await db.query(`REVOKE ${ident(role)} FROM ${ident(member)}`);
  return true;
}

/**
 * Runs work as a member of the given roles, memberships that are missing being granted for its time. A role
 * that is itself a member of the current one is taken out of it meanwhile: membership cannot go both ways.
 */
export async function withRoles<T>(
  db: Connection,
  roles: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const me = await currentUser(db);
  if (roles.length === 0 || (await isSuperuser(db, me))) return work();
  const granted: string[] = [];
  const revoked: string[] = [];
  for (const role of new Set(roles)) {
    if (await isSuperuser(db, role)) continue;
    if (await revokeMembership(db, me, role)) revoked.push(role);
    if (await grantMembership(db, role, me)) granted.push(role);
  }
  const result = await work();
  for (const role of granted) await revokeMembership(db, role, me);
  for (const role of revoked) if (await roleExists(db, role)) await grantMembership(db, me, role);
  return result;
}

/** Locks a role and its members until the transaction ends: PostgreSQL itself fails on concurrent changes. */
export async function lockRole(db: Connection, role: string): Promise<void> {
  await db.query("SET LOCAL statement_timeout = 0");
  await db.query("SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_roles WHERE rolname = $1", [role]);
  await db.query(
    "SELECT pg_advisory_xact_lock(member::bigint) FROM pg_auth_members " +
      "JOIN pg_roles ON roleid = pg_roles.oid WHERE rolname = $1",
    [role],
  );
}

export async function lockDatabase(db: Connection, name: string): Promise<void> {
  await db.query("SET LOCAL statement_timeout = 0");
  await db.query("SELECT pg_advisory_xact_lock(oid::bigint) FROM pg_database WHERE datname = $1", [name]);
}

/** Owner of the current database. `pg_database_owner` owns the schema `public` in its name. */
export async function databaseOwner(db: Connection): Promise<string> {
  const [row] = await db.query<{ name: string }>(
    "SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = current_database()",
  );
  return row?.name ?? "";
}

/** Owners of a schema and of the tables in it. */
export async function schemaOwners(
  db: Connection,
  schema: string,
  tables: boolean,
): Promise<readonly string[]> {
  const rows = await db.query<{ name: string }>(
    "SELECT pg_get_userbyid(nspowner) AS name FROM pg_namespace WHERE nspname = $1" +
      (tables ? " UNION SELECT tableowner FROM pg_tables WHERE schemaname = $1" : ""),
    [schema],
  );
  const names = rows.map(({ name }) => name);
  return names.includes("pg_database_owner")
    ? [...names.filter((name) => name !== "pg_database_owner"), await databaseOwner(db)]
    : names;
}
