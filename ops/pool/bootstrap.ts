import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import type { DatabaseLogin } from "../postgres.ts";

/** The database that the tenants of a cell share; its roles are named after it. */
const SHARED = /^warehouse_shared(?:_[a-z0-9_]+)?$/;

/**
 * Prepares the database that tenants share: schema `tenancy` and `app.current_tenant()`. Idempotent, in one
 * transaction, one run at a time.
 * @param login a member of the owner, `<database>_owner`
 * @throws OpsFailure
 */
export async function bootstrapPool(login: DatabaseLogin): Promise<void> {
  const sql = await readFile(join(import.meta.dirname, "bootstrap.sql"), "utf8");
  if (!SHARED.test(login.name))
    throw new OpsFailure("configuration", `${login.name} is no database that tenants share`);
  // Written for the first cell of a server; those of others have a word of their own in all these names.
  await withConnection(login, (client) => client.query(sql.replaceAll("warehouse_shared", login.name)));
}
