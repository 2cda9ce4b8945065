import { escapeIdentifier, type Client } from "pg";
import { databaseName } from "../../registry/naming.ts";
import { utcTime, type Manifest } from "../backup/manifest.ts";
import { readBack } from "../backup/readBack.ts";
import { countRows, schemaDigest } from "../backup/snapshot.ts";
import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import { clientEnvironment, programFailure, type DatabaseLogin } from "../postgres.ts";
import { startSink } from "../program.ts";
import type { ObjectStore } from "../storage.ts";
import { asJanitor } from "./membership.ts";

/** A database that a backup is restored into, beside the one that serves. */
export const scratchName = (tenantId: string): string => `${databaseName(tenantId)}__r`;
/** Likewise for a drill, which may run at the same time. */
export const drillName = (tenantId: string): string => `${databaseName(tenantId)}__d`;
export const SCRATCH = /__[rd]$/;
/** A database that a restore replaced: `warehouse_acme__o260102`, the day, and a letter where that was taken. */
export const KEPT = /__o(\d\d)(\d\d)(\d\d)[b-h]?$/;

/** A database beside the one that serves, and who restores into it. */
export interface Beside {
  readonly name: string;
  /** On any database of the server. */
  readonly login: DatabaseLogin;
  /** Role that is to own the schema, of which the login is a member. Default: the login. */
  readonly owner?: string;
}

/**
 * Restores a backup into a database of its own that nobody but the login can enter, and makes sure that it holds what
 * the manifest says. What an earlier run has left of it goes first.
 * @throws OpsFailure "verification" where it is not what was backed up; the database is dropped then
 */
export async function restoreBeside(
  beside: Beside,
  manifest: Manifest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<void> {
  const { name, login, owner } = beside;
  await create(beside);
  try {
    await load({ ...login, name }, manifest, owner, store);
    await requireManifest({ ...login, name }, manifest, owner);
  } catch (error) {
    // If that fails too, the next run does it, or the janitor; what failed first is what matters.
    await dropBeside(beside).catch(() => undefined);
    throw error;
  }
  const rows = manifest.database.tables.reduce((sum, table) => sum + table.rows, 0);
  log(
    `${manifest.id} is restored into ${name}: ${manifest.database.tables.length} tables, ${rows} rows, as backed up`,
  );
}

/** Makes the database, which belongs to the janitor until it serves, so that it goes even if this run dies. */
async function create({ name, login, owner }: Beside): Promise<void> {
  await withConnection(login, (client) =>
    asJanitor(client, async (janitor) => {
      await dropDatabase(client, name);
      // Closed until PUBLIC can no longer connect.
      await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ALLOW_CONNECTIONS false`);
      await client.query(`COMMENT ON DATABASE ${name} IS '${utcTime(new Date())}'`);
      await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
      if (janitor !== undefined) {
        await client.query(`ALTER DATABASE ${name} OWNER TO ${janitor}`);
        await client.query(`GRANT CONNECT, CREATE ON DATABASE ${name} TO CURRENT_USER`);
      }
      if (owner !== undefined) await client.query(`GRANT CONNECT, CREATE ON DATABASE ${name} TO ${owner}`);
      await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    }),
  );
}

/** Makes a restored database the login's own, which nobody else can enter. */
export const takeBeside = ({ name, owner }: Beside, client: Client): Promise<void> =>
  asJanitor(client, async (janitor) => {
    if (owner !== undefined) await client.query(`REVOKE ALL ON DATABASE ${name} FROM ${owner}`);
    if (janitor !== undefined) await client.query(`ALTER DATABASE ${name} OWNER TO CURRENT_USER`);
    await client.query(`COMMENT ON DATABASE ${name} IS NULL`);
  });

export const dropBeside = ({ name, login }: Beside): Promise<void> =>
  withConnection(login, (client) => asJanitor(client, () => dropDatabase(client, name)));

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
  const restore = startSink(
    "pg_restore",
    owner === undefined ? [...args, "--no-privileges"] : [...args, `--role=${owner}`],
    clientEnvironment(login),
  );
  await readBack(store, database, restore, false, (stderr) => programFailure("pg_restore", login, stderr));
}

/** @throws OpsFailure "verification" that names what differs */
async function requireManifest(
  login: DatabaseLogin,
  { database }: Manifest,
  owner: string | undefined,
): Promise<void> {
  await withConnection(login, async (client) => {
    if (owner === undefined) await showAllRows(client);
    else await client.query(`SET ROLE ${owner}`);
    await client.query("BEGIN READ ONLY");
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

/** Lets the owner of the tables see their rows: what was restored is one tenant's alone. */
async function showAllRows(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', 'app', relname) AS name FROM pg_class
     WHERE relnamespace = 'app'::regnamespace AND relforcerowsecurity`,
  );
  for (const { name } of rows) await client.query(`ALTER TABLE ${name} NO FORCE ROW LEVEL SECURITY`);
}
