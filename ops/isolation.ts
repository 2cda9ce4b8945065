import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withConnection } from "./connection.ts";
import { requireNone, type Finding } from "./findings.ts";
import type { DatabaseLogin } from "./postgres.ts";

/**
 * Checks that no tenant's login reaches another's database on the whole server.
 * @param login any role; the catalogs are readable by all
 * @throws OpsFailure "verification" that names every problem
 */
export async function assertIsolation(login: DatabaseLogin): Promise<void> {
  const sql = await readFile(join(import.meta.dirname, "isolation-assert.sql"), "utf8");
  const { rows } = await withConnection(login, (client) => client.query<Finding>(sql));
  requireNone(rows, "tenants' databases are not isolated");
}
