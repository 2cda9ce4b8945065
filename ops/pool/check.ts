import { escapeIdentifier } from "pg";
import { sharedRoles } from "../../registry/naming.ts";
import { withConnection } from "../connection.ts";
import { requireNone, type Finding } from "../findings.ts";
import type { DatabaseLogin } from "../postgres.ts";

/**
 * Checks that row-level security covers everything tenants reach in the database they share.
 * @param login a member of the owner, `<database>_owner`
 * @throws OpsFailure "verification" that names every problem
 */
export async function checkPool(login: DatabaseLogin): Promise<void> {
  const { rows } = await withConnection(login, async (client) => {
    // The login's own setting does the same; a login without it must not depend on its grants.
    await client.query(`SET ROLE ${escapeIdentifier(sharedRoles(login.name).owner)}`);
    return client.query<Finding>("SELECT object, problem FROM tenancy.problems()");
  });
  requireNone(rows, "tenants are not isolated by row-level security");
}
