import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
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
