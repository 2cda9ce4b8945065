import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { roleNames } from "../registry/naming.ts";
import { OpsFailure } from "./failure.ts";

/** How long sessions may take to end. */
const END_SECONDS = 30;

/** Lets the session act for a tenant, as far as its login may: see `app.current_tenant()`. */
export const actFor = (client: Client, tenantId: string): Promise<unknown> =>
  client.query("SELECT set_config('app.tenant_id', $1, false)", [tenantId]);

/**
 * Ends sessions in a database, and waits until they have ended.
 * @param logins whose; null: everybody's. The session's role is a member of them
 * @param found told how many there are, if there are any
 * @throws OpsFailure "database" where they do not end
 */
export async function endSessions(
  client: Client,
  database: string,
  logins: readonly string[] | null,
  found: (count: number) => void = () => undefined,
): Promise<void> {
  for (let tenths = 0; ; tenths += 1) {
    const { rows } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = $1 AND ($2::text[] IS NULL OR usename = ANY ($2))`,
      [database, logins],
    );
    if (rows.length === 0) return;
    if (tenths >= END_SECONDS * 10)
      throw new OpsFailure("database", `${rows.length} sessions in ${database} do not end`);
    if (tenths === 0) found(rows.length);
    await sleep(100);
  }
}

function appLogins(tenantId: string): string[] {
  const { appA, appB } = roleNames(tenantId);
  return [appA, appB];
}

/** @throws OpsFailure "configuration" where the application could still enter the session's database */
export async function requireShut(client: Client, tenantId: string): Promise<void> {
  const { rows } = await client.query<{ login: string }>(
    `SELECT rolname AS login FROM pg_roles
     WHERE rolname = ANY ($1::text[]) AND has_database_privilege(oid, current_database(), 'CONNECT')
     ORDER BY rolname`,
    [appLogins(tenantId)],
  );
  if (rows.length > 0) {
    const names = rows.map(({ login }) => login).join(", ");
    throw new OpsFailure("configuration", `the application still has access: ${names} may connect`);
  }
}

/**
 * Ends what a tenant's application still does in a database; it cannot come back.
 * @param client a session of the tenant's migration login, which is a member of the application's
 * @throws OpsFailure "configuration" where it could
 */
export async function shutOut(
  client: Client,
  tenantId: string,
  database: string,
  log: (line: string) => void,
): Promise<void> {
  await requireShut(client, tenantId);
  // The login is a member of the application's; the role it acts as is not.
  await client.query("SET ROLE NONE");
  await endSessions(client, database, appLogins(tenantId), (count) => {
    log(`ending ${count} sessions of the application`);
  });
  await client.query("RESET ROLE");
}
