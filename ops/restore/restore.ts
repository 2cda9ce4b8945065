import { setTimeout as sleep } from "node:timers/promises";
import { escapeIdentifier, type Client } from "pg";
import { databaseName, roleNames, sharedRoles } from "../../registry/naming.ts";
import { backup } from "../backup/backup.ts";
import type { Manifest } from "../backup/manifest.ts";
import { withConnection } from "../connection.ts";
import { waitSeconds } from "../environment.ts";
import { OpsFailure } from "../failure.ts";
import { assertIsolation } from "../isolation.ts";
import { copyRows } from "../move/copy.ts";
import { SESSION } from "../move/digest.ts";
import { choiceAfterArchive, noteRestored } from "../offboarding/emptied.ts";
import type { DatabaseLogin } from "../postgres.ts";
import { actFor, endSessions } from "../sessions.ts";
import type { ObjectStore } from "../storage.ts";
import { dropBeside, restoreBeside, scratchName, takeBeside, type Beside } from "./beside.ts";
import { KEPT_DAYS } from "./janitor.ts";
import { asJanitor, asMember } from "./membership.ts";
import { selectBackup, type Choice } from "./select.ts";

export interface RestoreRequest {
  readonly tenantId: string;
  /** The tenant's prefix in the bucket, ends in `/`. */
  readonly prefix: string;
  /** Of the backup that is taken before. */
  readonly retainDays: number;
  /** The platform's role, on any database. */
  readonly platform: DatabaseLogin;
  /** The database that the tenants of placement pool share. */
  readonly sharedDatabase: string;
  readonly choice: Choice;
}

/**
 * Brings a tenant's data back to a backup: beside, then swap. What was there is backed up before, and a database of its
 * own is kept, closed, under another name. The access list, limits and settings of the database stay; the application
 * reconnects by itself.
 * @throws OpsFailure; what serves is untouched then, or the swap is complete
 */
export async function restore(
  request: RestoreRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<Manifest> {
  const { tenantId, prefix, platform, choice } = request;
  const meant = await choiceAfterArchive(store, prefix, choice);
  const manifest = await selectBackup(store, tenantId, prefix, meant);
  log(`restoring ${manifest.id}, taken ${manifest.startedAt}`);
  await withConnection(platform, (client) =>
    asMember(client, [roleFor(request, manifest)], async () => {
      await backUpPresent(request, manifest, store, log);
      const beside = besideOf(request, manifest);
      await restoreBeside(beside, manifest, store, log);
      if (manifest.source.scope === "database") await swap(request, client, beside, log);
      else await replaceRows(request, beside, log);
    }),
  );
  await assertIsolation(platform);
  await noteRestored(store, prefix, "rows", manifest.id);
  log(`${tenantId} is as it was at ${manifest.source.snapshotAt}`);
  return manifest;
}

/** Where a backup is restored beside what serves. */
function besideOf({ tenantId, platform }: RestoreRequest, { source }: Manifest): Beside {
  const beside = { name: scratchName(tenantId), login: platform };
  return source.scope === "database" ? { ...beside, owner: roleNames(tenantId).owner } : beside;
}

/** The role that restoring takes: the schema's owner, or the shared database's for the rows of one tenant. */
const roleFor = ({ sharedDatabase }: RestoreRequest, { tenantId, source }: Manifest): string =>
  source.scope === "database" ? roleNames(tenantId).owner : sharedRoles(sharedDatabase).owner;

/** Nobody regrets a restore that can be taken back. */
async function backUpPresent(
  { tenantId, prefix, retainDays, platform, sharedDatabase }: RestoreRequest,
  { source }: Manifest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<void> {
  const { scope } = source;
  const name = scope === "database" ? databaseName(tenantId) : sharedDatabase;
  const database = { ...platform, name };
  const { id } = await backup(
    { tenantId, kind: "pre-restore", prefix, retainDays, database, scope },
    store,
    log,
  );
  log(`what is there now is kept as ${id}`);
}

/**
 * Takes the restored database in the place of the one that serves, in one transaction: killed at any moment, nothing has
 * happened or all has. While it renames, PostgreSQL lets new sessions wait, so that none comes between.
 */
async function swap(
  { tenantId, platform }: RestoreRequest,
  client: Client,
  beside: Beside,
  log: (line: string) => void,
): Promise<void> {
  const name = databaseName(tenantId);
  const scratch = beside.name;
  await takeBeside(beside, client);
  await takeOver(client, name, scratch);
  const kept = await nameForKept(client, name);
  // Only a member may end a session.
  await asMember(client, await loginsOf(client, tenantId), () =>
    withConnection(platform, async (renaming) => {
      await renaming.query("BEGIN");
      await renaming.query(`SET LOCAL lock_timeout = '${waitSeconds()}s'`);
      await renameServing(renaming, client, name, kept);
      await renaming.query(`ALTER DATABASE ${scratch} RENAME TO ${name}`);
      await renaming.query(`ALTER DATABASE ${kept} ALLOW_CONNECTIONS false`);
      await renaming.query("COMMIT");
    }),
  );
  await asJanitor(client, async (janitor) => {
    if (janitor !== undefined) await client.query(`ALTER DATABASE ${kept} OWNER TO ${janitor}`);
  });
  log(`${name} is the restored database; the one before is kept for ${KEPT_DAYS} days, closed, as ${kept}`);
}

/** The logins that a tenant has: of the application's two the second comes with a rotation. */
async function loginsOf(client: Client, tenantId: string): Promise<string[]> {
  const { appA, appB, migrate, backup: reader } = roleNames(tenantId);
  const { rows } = await client.query<{ rolname: string }>(
    "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1::text[])",
    [[appA, appB, migrate, reader]],
  );
  return rows.map(({ rolname }) => rolname);
}

/** Renames a database that is in use: PostgreSQL waits 5 s for the sessions in it, which another session ends. */
async function renameServing(renaming: Client, ending: Client, from: string, to: string): Promise<void> {
  let renamed = false;
  const rename = renaming.query(`ALTER DATABASE ${from} RENAME TO ${to}`).finally(() => {
    renamed = true;
  });
  const end = async (): Promise<void> => {
    while (!renamed) {
      await endSessions(ending, from, null);
      await sleep(50);
    }
  };
  await Promise.all([rename, end()]);
}

/** Gives the restored database the access list, the limit and the settings of the one that it replaces. */
async function takeOver(client: Client, name: string, scratch: string): Promise<void> {
  const { rows: grants } = await client.query<{ grantee: string; privileges: string }>(
    `SELECT quote_ident(pg_get_userbyid(grantee)) AS grantee, string_agg(privilege_type, ', ') AS privileges
     FROM pg_database, aclexplode(datacl) WHERE datname = $1 AND grantee NOT IN (0, datdba) GROUP BY 1`,
    [name],
  );
  for (const { grantee, privileges } of grants) {
    await client.query(`GRANT ${privileges} ON DATABASE ${scratch} TO ${grantee}`);
  }
  const { rows: limits } = await client.query<{ connections: number }>(
    "SELECT datconnlimit AS connections FROM pg_database WHERE datname = $1",
    [name],
  );
  await client.query(`ALTER DATABASE ${scratch} CONNECTION LIMIT ${limits[0]?.connections ?? -1}`);
  const { rows: settings } = await client.query<{ role: string | null; setting: string }>(
    `SELECT CASE WHEN setrole <> 0 THEN quote_ident(pg_get_userbyid(setrole)) END AS role, unnest(setconfig) AS setting
     FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = $1`,
    [name],
  );
  for (const { role, setting } of settings) {
    const [key = "", ...value] = setting.split("=");
    const target = role === null ? `DATABASE ${scratch}` : `ROLE ${role} IN DATABASE ${scratch}`;
    await client.query(
      `ALTER ${target} SET ${escapeIdentifier(key)} = ${client.escapeLiteral(value.join("="))}`,
    );
  }
}

/** `warehouse_acme__o260102`, the day on which it was replaced, and a letter where that is taken. */
async function nameForKept(client: Client, name: string): Promise<string> {
  const day = new Date().toISOString().slice(2, 10).replaceAll("-", "");
  const { rows } = await client.query<{ datname: string }>("SELECT datname FROM pg_database");
  const taken = new Set(rows.map(({ datname }) => datname));
  // PostgreSQL cuts names at 63 bytes: an id of 40 leaves room for one letter.
  const names = ["", "b", "c", "d", "e", "f", "g", "h"].map((letter) => `${name}__o${day}${letter}`);
  const free = names.find((each) => !taken.has(each));
  if (free === undefined) throw new OpsFailure("configuration", `${name} was restored too often today`);
  return free;
}

/** Puts the restored rows in the place of the tenant's rows, in one transaction. */
async function replaceRows(
  { tenantId, platform, sharedDatabase }: RestoreRequest,
  beside: Beside,
  log: (line: string) => void,
): Promise<void> {
  const acting = async (client: Client): Promise<void> => {
    await client.query(SESSION);
    await actFor(client, tenantId);
  };
  await withConnection({ ...platform, name: beside.name }, async (source) => {
    await acting(source);
    await withConnection({ ...platform, name: sharedDatabase }, async (target) => {
      await acting(target);
      await copyRows(tenantId, { client: source, isShared: false }, { client: target, isShared: true }, log);
    });
  });
  await dropBeside(beside);
}
