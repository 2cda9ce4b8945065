import { createHash } from "node:crypto";
import { escapeIdentifier, type Client } from "pg";
import { waitSeconds } from "../environment.ts";
import { OpsFailure } from "../failure.ts";
import { readTables } from "../tables.ts";

/** What a database held at one moment, and the name under which pg_dump sees the same. */
export interface Snapshot {
  readonly name: string;
  readonly at: string;
  readonly serverVersion: number;
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly schemaDigest: string;
}

/** Begins a transaction whose snapshot others can use as long as it is open, and counts in it. */
export async function takeSnapshot(client: Client): Promise<Snapshot> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  await client.query(`SET LOCAL lock_timeout = '${waitSeconds()}s'`);
  const { rows } = await client.query<{ name: string; at: Date; version: number }>(
    "SELECT pg_export_snapshot() AS name, now() AS at, current_setting('server_version_num')::int AS version",
  );
  const [row] = rows;
  if (row === undefined) throw new OpsFailure("database", "the server exports no snapshot");
  return {
    name: row.name,
    at: row.at.toISOString(),
    serverVersion: row.version,
    tables: await countRows(client),
    schemaDigest: await schemaDigest(client),
  };
}

/** Rows of each table of the application that the session sees. */
export async function countRows(client: Client): Promise<Snapshot["tables"]> {
  const tables: { name: string; rows: number }[] = [];
  for (const { name } of await readTables(client)) {
    const { rows } = await client.query<{ rows: string }>(
      `SELECT count(*) AS rows FROM app.${escapeIdentifier(name)}`,
    );
    tables.push({ name, rows: Number(rows[0]?.rows ?? 0) });
  }
  return tables;
}

/**
 * SHA-256 of what the application's schema is made of, one definition a line: the same before a backup and after its
 * restore. Owners and access lists are left out, as they are the platform's.
 */
export async function schemaDigest(client: Client): Promise<string> {
  await client.query("SET LOCAL search_path = pg_catalog, pg_temp");
  const { rows } = await client.query<{ line: string }>(`
    SELECT line FROM (
      SELECT format('column %s.%s %s%s %s', relname, attname, format_type(atttypid, atttypmod),
        CASE WHEN attnotnull THEN ' not null' END, coalesce(pg_get_expr(adbin, adrelid), attidentity::text))
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND attnum > 0 AND NOT attisdropped
      UNION ALL
      SELECT format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(pg_constraint.oid))
      FROM pg_constraint WHERE connamespace = 'app'::regnamespace
      UNION ALL
      SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
      WHERE relnamespace = 'app'::regnamespace
      UNION ALL
      SELECT pg_get_functiondef(pg_proc.oid) FROM pg_proc
      WHERE pronamespace = 'app'::regnamespace AND prokind IN ('f', 'p')
      UNION ALL
      SELECT pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
      WHERE relnamespace = 'app'::regnamespace AND NOT tgisinternal
      UNION ALL
      SELECT format('view %s %s', relname, pg_get_viewdef(pg_class.oid)) FROM pg_class
      WHERE relnamespace = 'app'::regnamespace AND relkind IN ('v', 'm')
    ) AS definitions (line)
    ORDER BY line COLLATE "C"`);
  return createHash("sha256")
    .update(rows.map(({ line }) => `${line}\n`).join(""))
    .digest("hex");
}
