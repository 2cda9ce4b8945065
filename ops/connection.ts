import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { Client } from "pg";
import { OpsFailure, type EXIT } from "./failure.ts";
import { connectSeconds, LOCK_REMEDY, type DatabaseLogin } from "./postgres.ts";

/**
 * Runs an action on a connection of its own, which is closed afterwards.
 * @throws OpsFailure with the exit code of what failed; another error is a bug
 */
export async function withConnection<T>(
  login: DatabaseLogin,
  action: (client: Client) => Promise<T>,
): Promise<T> {
  const socket = new Socket();
  const client = new Client({
    stream: () => socket,
    host: login.host,
    port: Number(login.port),
    database: login.name,
    user: login.user,
    password: login.password,
    ssl: tls(login.sslmode),
    connectionTimeoutMillis: connectSeconds() * 1000,
  });
  // The statement that was running fails too; without a listener the event would end the program first.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await action(client);
  } catch (error) {
    throw failureOf(error, login);
  } finally {
    // A server that fell silent does not say goodbye.
    const silent = setTimeout(() => socket.destroy(), connectSeconds() * 1000);
    await client.end().catch(() => undefined);
    clearTimeout(silent);
  }
}

/** What libpq, and so pg_dump, means by its sslmode; pg alone would verify under `require` too. */
function tls(sslmode: string): false | ConnectionOptions {
  if (sslmode === "disable") return false;
  if (sslmode === "require") return { rejectUnauthorized: false };
  const file = process.env["PGSSLROOTCERT"];
  return {
    rejectUnauthorized: true,
    ...(file === undefined || file === "system" ? {} : { ca: certificates(file) }),
    ...(sslmode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
}

function certificates(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new OpsFailure("configuration", `PGSSLROOTCERT cannot be read: ${describe(error).message}`);
  }
}

function failureOf(error: unknown, { host, port, name, user }: DatabaseLogin): unknown {
  if (error instanceof OpsFailure) return error;
  const { code, message } = describe(error);
  const kind = classify(code, message);
  const remedy = code === LOCK_TIMEOUT ? `; ${LOCK_REMEDY}` : "";
  return kind === undefined
    ? error
    : new OpsFailure(kind, `${name} on ${host}:${port} as ${user}: ${message || code}${remedy}`);
}

/** Code and message of anything thrown; Node's own errors are of another realm inside test runners. */
function describe(error: unknown): { readonly code: string; readonly message: string } {
  const { code = "", message = "" } = error as { readonly code?: string; readonly message?: string };
  return { code, message };
}

const SQLSTATE = /^[0-9A-Z]{5}$/;
// Authentication and privileges.
const DENIED = /^(28...|42501)$/;
// No such database, schema, role, function or table: the database is not set up, or not the one that was meant.
const NOT_SET_UP = /^(3D000|3F000|42704|42883|42P01|22023)$/;
const DISK_FULL = "53100";
const LOCK_TIMEOUT = "55P03";
// Connection, resources, operator intervention, locks, a database in use.
const PASSING = /^(08...|53...|57...|55P03|55006|40...)$/;

function classify(code: string, message: string): keyof typeof EXIT | undefined {
  if (/CERT|ERR_TLS|UNABLE_TO_/.test(code) || /does not support SSL/.test(message)) return "configuration";
  if (/^E[A-Z]{4,}/.test(code) || /^(Connection terminated|timeout expired|Client has enc)/.test(message))
    return "database";
  if (!SQLSTATE.test(code)) return undefined;
  if (DENIED.test(code)) return "permission";
  if (NOT_SET_UP.test(code)) return "configuration";
  if (code === DISK_FULL) return "disk";
  return PASSING.test(code) ? "database" : undefined;
}
