import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withConnection } from "../connection.ts";
import type { DatabaseLogin } from "../postgres.ts";

/**
 * Prepares the database that tenants share: schema `tenancy` and `app.current_tenant()`. Idempotent, in one
 * transaction, one run at a time.
 * @param login a member of `warehouse_shared_owner`
 * @throws OpsFailure
 */
export async function bootstrapPool(login: DatabaseLogin): Promise<void> {
  const sql = await readFile(join(import.meta.dirname, "bootstrap.sql"), "utf8");
  await withConnection(login, (client) => client.query(sql));
}
