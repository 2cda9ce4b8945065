import { createHash } from "node:crypto";
import { escapeIdentifier, type Client } from "pg";
import { TENANT_COLUMN, type Table } from "../tables.ts";

/** What a table holds of a tenant. */
export interface Content {
  readonly table: string;
  readonly rows: number;
  /** Sum over the rows of 60 bits of each row's MD5: the same in any order, another for any other rows but by chance. */
  readonly sum: string;
}

/** Everything that decides how values are written, so that equal rows have equal text on both sides. */
export const SESSION = `
  SET search_path = pg_catalog, pg_temp;
  SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres';
  SET extra_float_digits = 1; SET bytea_output = 'hex'; SET xmloption = 'content'; SET lc_monetary = 'C'`;

/** Counts and sums the rows that the session sees. The tenant's own column is left out: one side may not have it. */
export async function readContents(client: Client, tables: readonly Table[]): Promise<Content[]> {
  const contents: Content[] = [];
  for (const { name, columns } of tables) {
    const values = columns
      .filter((column) => column.name !== TENANT_COLUMN)
      .map((column) => escapeIdentifier(column.name));
    const { rows } = await client.query<{ rows: string; sum: string }>(
      `SELECT count(*) AS rows,
         coalesce(sum(('x' || left(md5(row(${values.join(", ")})::text), 15))::bit(60)::bigint), 0) AS sum
       FROM app.${escapeIdentifier(name)}`,
    );
    contents.push({ table: name, rows: Number(rows[0]?.rows ?? 0), sum: rows[0]?.sum ?? "0" });
  }
  return contents;
}

/** SHA-256 over what all tables hold; empty tables count for nothing, as a later release may bring some. */
export function checksumOf(contents: readonly Content[]): string {
  const lines = contents
    .filter(({ rows }) => rows > 0)
    .map(({ table, rows, sum }) => `${table}\t${rows}\t${sum}\n`)
    .sort();
  return createHash("sha256").update(lines.join("")).digest("hex");
}
