import { Client } from "pg";
import { codeOf } from "../lib/errors.ts";

export interface ServerAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** True when the server lets the superuser in; "starting up" is not an error. */
export async function databaseReady(access: ServerAccess): Promise<boolean> {
  const client = new Client({ ...access, database: "template1", connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    // 28P01: the server is there and says the password is wrong; no wait will change that.
    if (codeOf(error) === "28P01") throw error;
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * The role the program works as, made as a cloud's managed PostgreSQL makes its master user: it may create
 * databases and roles, owns `postgres` and `template1`, and is no superuser.
 */
export async function ensurePlatformRole(access: ServerAccess, platformPassword: string): Promise<void> {
  const client = new Client({ ...access, database: "postgres" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_roles WHERE rolname = 'platform'");
    if (rowCount !== 0) return;
    await client.query("BEGIN");
    await client.query(
      `CREATE ROLE platform LOGIN CREATEDB CREATEROLE NOSUPERUSER PASSWORD ${client.escapeLiteral(platformPassword)}`,
    );
    await client.query("GRANT pg_monitor, pg_signal_backend TO platform WITH ADMIN OPTION");
    await client.query("ALTER DATABASE postgres OWNER TO platform");
    await client.query("ALTER DATABASE template1 OWNER TO platform");
    await client.query("COMMIT");
  } finally {
    await client.end().catch(() => undefined);
  }
}
