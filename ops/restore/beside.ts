import { Writable } from "node:stream";
import { escapeIdentifier, type Client } from "pg";
import { databaseName, roleNames, SHARED } from "../../registry/naming.ts";
import type { Manifest } from "../backup/manifest.ts";
import { countRows, schemaDigest } from "../backup/snapshot.ts";
import { tee } from "../backup/stream.ts";
import { withConnection } from "../connection.ts";
import { waitSeconds } from "../environment.ts";
import { OpsFailure } from "../failure.ts";
import { clientEnvironment, programFailure, type DatabaseLogin } from "../postgres.ts";
import { startSink } from "../program.ts";
import type { ObjectStore } from "../storage.ts";

/** A database that a backup is restored into, beside the one that serves. */
export const scratchName = (tenantId: string): string => `${databaseName(tenantId)}__r`;

/**
 * Runs an action with the platform's role as a member of others, which it administers, and takes that back. Of two runs
 * with the same role the second waits for the first: it would lose the membership, or the database beside, to it.
 * @param roles names of roles
 */
export async function asMember<T>(
  client: Client,
  roles: readonly string[],
  action: () => Promise<T>,
): Promise<T> {
  const names = roles.map(escapeIdentifier).join(", ");
  await client.query(`SET lock_timeout = '${waitSeconds()}s'`);
  const locks = "hashtextextended(name, 0)) FROM unnest($1::text[]) AS name";
  await client.query(`SELECT pg_advisory_lock(${locks}`, [roles]);
  await client.query(`GRANT ${names} TO CURRENT_USER`);
  try {
    return await action();
  } finally {
    await client.query(`REVOKE ${names} FROM CURRENT_USER`);
    await client.query(`SELECT pg_advisory_unlock(${locks}`, [roles]);
  }
}

/**
 * Restores a backup into a database of its own that nobody but the platform can enter, and makes sure that it holds what
 * the manifest says. What an earlier run has left of it goes first.
 * @param platform the platform's role
 * @throws OpsFailure "verification" where it is not what was backed up; the database is dropped then
 */
export async function restoreBeside(
  platform: DatabaseLogin,
  manifest: Manifest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<string> {
  const { tenantId, source } = manifest;
  const name = scratchName(tenantId);
  const owner = source.scope === "database" ? roleNames(tenantId).owner : undefined;
  await withConnection(platform, async (client) => {
    await dropDatabase(client, name);
    // Closed until PUBLIC can no longer connect.
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ALLOW_CONNECTIONS false`);
    await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
    if (owner !== undefined) await client.query(`GRANT CONNECT, CREATE ON DATABASE ${name} TO ${owner}`);
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  });
  try {
    await load({ ...platform, name }, manifest, owner, store);
    if (owner !== undefined) {
      await withConnection(platform, (client) =>
        client.query(`REVOKE ALL ON DATABASE ${name} FROM ${owner}`),
      );
    }
    await requireManifest({ ...platform, name }, manifest, owner);
  } catch (error) {
    // If that fails too, the next run does it; what failed first is what matters.
    await withConnection(platform, (client) => dropDatabase(client, name)).catch(() => undefined);
    throw error;
  }
  const rows = manifest.database.tables.reduce((sum, table) => sum + table.rows, 0);
  log(
    `${manifest.id} is restored into ${name}: ${manifest.database.tables.length} tables, ${rows} rows, as backed up`,
  );
  return name;
}

/** Drops a database with the sessions in it; it may not be there. */
export const dropDatabase = (client: Client, name: string): Promise<unknown> =>
  client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);

async function load(
  login: DatabaseLogin,
  { database }: Manifest,
  owner: string | undefined,
  store: ObjectStore,
): Promise<void> {
  const args = ["--exit-on-error", "--single-transaction", "--no-owner", `--dbname=${login.name}`];
  const dump = await store.stream(database.key);
  const restore = startSink(
    "pg_restore",
    owner === undefined ? [...args, "--no-privileges"] : [...args, `--role=${owner}`],
    clientEnvironment(login),
  );
  const nowhere = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const passed = await tee(dump, restore.stdin, nowhere).catch((error: unknown): never => {
    restore.kill();
    throw error;
  });
  const { code, stderr } = await restore.ended;
  if (passed.sha256 !== database.sha256) {
    throw new OpsFailure(
      "verification",
      `${database.key} is not what was backed up: its checksum is another`,
    );
  }
  if (code !== 0) throw programFailure("pg_restore", login, stderr);
}

/** @throws OpsFailure "verification" that names what differs */
async function requireManifest(
  login: DatabaseLogin,
  { tenantId, source, database }: Manifest,
  owner: string | undefined,
): Promise<void> {
  await withConnection(login, async (client) => {
    if (owner !== undefined) await client.query(`SET ROLE ${owner}`);
    await client.query("BEGIN READ ONLY");
    if (source.scope === "rows")
      await client.query("SELECT set_config('app.tenant_id', $1, true)", [tenantId]);
    const found = new Map((await countRows(client)).map((table) => [table.name, table.rows]));
    const faults = database.tables
      .filter(({ name, rows }) => found.get(name) !== rows)
      .map(({ name, rows }) => `${name} has ${found.get(name) ?? 0} of ${rows} rows`);
    if ((await schemaDigest(client)) !== database.schemaDigest) faults.push("the definitions are others");
    await client.query("ROLLBACK");
    if (faults.length > 0)
      throw new OpsFailure("verification", `what was restored differs from the backup: ${faults.join(", ")}`);
  });
}

/** Roles that restoring takes: the schema's owner, or the shared database's for the rows of one tenant. */
export const rolesFor = ({ tenantId, source }: Manifest): string[] =>
  source.scope === "database" ? [roleNames(tenantId).owner] : [SHARED.owner];
