import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import type { DatabaseLogin } from "../postgres.ts";
import { actFor } from "../sessions.ts";

/**
 * Makes sure that a dump under row-level security contains the tenant's rows: a table with row-level security and
 * without the policy would be dumped without any, and no error would tell.
 * @param login one of the tenant's own logins
 * @throws OpsFailure "verification" that names the tables
 */
export async function requireVisibleRows(login: DatabaseLogin, tenantId: string): Promise<void> {
  await withConnection(login, async (client) => {
    await actFor(client, tenantId);
    const { rows: seen } = await client.query<{ tenant: string | null }>(
      "SELECT app.current_tenant() AS tenant",
    );
    if (seen[0]?.tenant !== tenantId) {
      throw new OpsFailure("verification", `${login.user} does not see the rows of ${tenantId}`);
    }
    const { rows: hidden } = await client.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class
       WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p') AND NOT EXISTS (
         SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = 'tenant_isolation'
       ) ORDER BY 1`,
    );
    if (hidden.length > 0) {
      const names = hidden.map(({ name }) => name).join(", ");
      throw new OpsFailure("verification", `no policy shows a tenant its rows of: ${names}`);
    }
  });
}
