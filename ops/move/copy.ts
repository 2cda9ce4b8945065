import { pipeline } from "node:stream/promises";
import { escapeIdentifier, escapeLiteral, type Client } from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { OpsFailure } from "../failure.ts";
import { readContents, type Content } from "./digest.ts";
import { inOrderOfReferences, readTables, requireSameTables, TENANT_COLUMN, type Table } from "../tables.ts";

/** The rows of one side of a move. */
export interface Rows {
  readonly client: Client;
  /** Whether other tenants' rows are in the same tables, under row-level security. */
  readonly isShared: boolean;
}

/**
 * Makes the tenant's rows in the target the same as in the source, and counts and compares both sides before anything
 * is kept: one transaction, in which the source is seen as it was at one moment. Again does it anew.
 * @returns what was moved
 * @throws OpsFailure "verification" where the target would differ
 */
export async function copyRows(
  tenantId: string,
  source: Rows,
  target: Rows,
  log: (line: string) => void,
): Promise<Content[]> {
  await source.client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  await target.client.query("BEGIN");
  await target.client.query("SELECT pg_advisory_xact_lock(hashtextextended('warehouse move ' || $1, 0))", [
    tenantId,
  ]);
  const [there, here] = [await readTables(source.client), await readTables(target.client)];
  requireSameTables(there, here);
  const byName = new Map(there.map((table) => [table.name, table]));
  const tables = inOrderOfReferences(here.filter(({ name }) => byName.has(name)));
  await emptyTables(target, inOrderOfReferences(here));
  for (const table of tables) {
    await copyTable(tenantId, source, target, byName.get(table.name) ?? table, table);
    log(`${table.name} copied`);
  }
  const [moved, arrived] = [
    await readContents(source.client, there),
    await readContents(target.client, tables),
  ];
  requireSameContents(moved, arrived);
  await source.client.query("COMMIT");
  await target.client.query("COMMIT");
  for (const table of tables) {
    await raiseSequences(source, target, byName.get(table.name) ?? table, table);
  }
  return moved;
}

/** Deletes the tenant's rows; the tables stand in the order of their references. */
async function emptyTables({ client, isShared }: Rows, tables: readonly Table[]): Promise<void> {
  const names = tables.map(({ name }) => `app.${escapeIdentifier(name)}`);
  if (names.length === 0) return;
  if (!isShared) {
    await client.query(`TRUNCATE ${names.join(", ")}`);
    return;
  }
  for (const name of names.reverse()) await client.query(`DELETE FROM ${name}`);
}

/** Copies one table through a temporary one, as COPY cannot write under row-level security. */
async function copyTable(
  tenantId: string,
  source: Rows,
  target: Rows,
  from: Table,
  to: Table,
): Promise<void> {
  const has = (table: Table): boolean => table.columns.some(({ name }) => name === TENANT_COLUMN);
  const columns = to.columns.filter(
    ({ name, generated }) => !generated && (name !== TENANT_COLUMN || has(from)),
  );
  const names = columns.map(({ name }) => escapeIdentifier(name)).join(", ");
  const table = `app.${escapeIdentifier(to.name)}`;
  const { client } = target;
  await client.query(`CREATE TEMPORARY TABLE stage ON COMMIT DROP AS SELECT ${names} FROM ${table} LIMIT 0`);
  await pipeline(
    source.client.query(copyTo(`COPY (SELECT ${names} FROM ${table}) TO STDOUT`)),
    client.query(copyFrom(`COPY pg_temp.stage (${names}) FROM STDIN`)),
  );
  const added = has(to) && !has(from);
  try {
    await client.query(
      `INSERT INTO ${table} (${names}${added ? `, ${TENANT_COLUMN}` : ""}) OVERRIDING SYSTEM VALUE
       SELECT ${names}${added ? ", $1" : ""} FROM pg_temp.stage`,
      added ? [tenantId] : [],
    );
  } catch (error) {
    const { code = "", message = "" } = error as { code?: string; message?: string };
    // Integrity constraints, and rows of somebody else.
    if (code.startsWith("23") || code === "42501") {
      throw new OpsFailure("verification", `the rows of ${to.name} do not fit in the target: ${message}`);
    }
    throw error;
  }
  await client.query("DROP TABLE pg_temp.stage");
}

function requireSameContents(source: readonly Content[], target: readonly Content[]): void {
  const arrived = new Map(target.map((content) => [content.table, content]));
  const faults = source.flatMap(({ table, rows, sum }) => {
    const other = arrived.get(table);
    if (other?.rows === rows && other.sum === sum) return [];
    return [
      other?.rows === rows
        ? `\n  ${table}: other values in ${rows} rows`
        : `\n  ${table}: ${other?.rows ?? 0} of ${rows} rows`,
    ];
  });
  if (faults.length > 0) {
    throw new OpsFailure("verification", `the target differs from the source:${faults.join("")}`);
  }
}

/** How many values of a shared sequence are drawn at once. */
const DRAWN = 1_000_000;

/** Takes the target's sequences past every value that the source has given out. */
async function raiseSequences(source: Rows, target: Rows, from: Table, to: Table): Promise<void> {
  const behind = new Map(from.columns.map(({ name, sequence }) => [name, sequence]));
  for (const { name, sequence } of to.columns) {
    const other = behind.get(name);
    if (sequence === null || other === null || other === undefined) continue;
    // Drawing a value is all that a tenant may do with a shared sequence, and enough.
    const { rows } = await source.client.query<{ value: string }>(
      source.isShared
        ? `SELECT nextval(${escapeLiteral(other)}) AS value`
        : `SELECT last_value AS value FROM ${other}`,
    );
    const given = BigInt(rows[0]?.value ?? 0);
    if (!target.isShared) {
      await target.client.query(`SELECT setval(${escapeLiteral(sequence)}, $1)`, [given]);
      continue;
    }
    for (let reached = 0n; reached < given;) {
      const drawn = await target.client.query<{ value: string }>(
        `SELECT max(nextval(${escapeLiteral(sequence)})) AS value FROM generate_series(1, $1::bigint)`,
        [reached === 0n ? 1 : Math.min(DRAWN, Number(given - reached))],
      );
      reached = BigInt(drawn.rows[0]?.value ?? given);
    }
  }
}

/**
 * Deletes the tenant's rows from the database that tenants share.
 * @returns what was deleted
 */
export async function purgeRows(side: Rows): Promise<Content[]> {
  const { client } = side;
  await client.query("BEGIN");
  const tables = await readTables(client);
  const gone = await readContents(client, tables);
  await emptyTables(side, inOrderOfReferences(tables));
  await client.query("COMMIT");
  return gone;
}
