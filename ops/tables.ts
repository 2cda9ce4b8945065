import type { Client } from "pg";
import { OpsFailure } from "./failure.ts";

/** A table of the application. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Names of the tables that its foreign keys refer to, itself left out. */
  readonly refersTo: readonly string[];
}

interface Column {
  readonly name: string;
  readonly type: string;
  /** Filled by an expression, so never written. */
  readonly generated: boolean;
  /** The sequence behind it, ready for SQL; null without. */
  readonly sequence: string | null;
  /** Draws its default from a sequence that is not its own, which a copy would not find. */
  readonly foreign: boolean;
}

/** Carries the tenant in a shared database; a database of its own may go without. */
export const TENANT_COLUMN = "tenant_id";

/** The application's tables: partitions are read and written through the table they are part of. */
export async function readTables(client: Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(`
    SELECT relname AS name,
      (
        SELECT coalesce(json_agg(json_build_object(
          'name', attname,
          'type', format_type(atttypid, atttypmod),
          'generated', attgenerated <> '',
          'sequence', pg_get_serial_sequence(format('%I.%I', 'app', relname), attname),
          'foreign', coalesce(pg_get_expr(adbin, adrelid) ~ 'nextval', false)
            AND pg_get_serial_sequence(format('%I.%I', 'app', relname), attname) IS NULL
        ) ORDER BY attname), '[]')
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
      ) AS columns,
      (
        SELECT coalesce(json_agg(DISTINCT other.relname), '[]')
        FROM pg_constraint JOIN pg_class other ON other.oid = confrelid
        WHERE conrelid = pg_class.oid AND contype = 'f' AND confrelid <> conrelid
      ) AS "refersTo"
    FROM pg_class
    WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    ORDER BY relname COLLATE "C"`);
  return rows;
}

/** Tables in an order in which each comes after those it refers to. @throws OpsFailure where there is none */
export function inOrderOfReferences(tables: readonly Table[]): Table[] {
  const ordered: Table[] = [];
  const waiting = new Map(tables.map((table) => [table.name, table]));
  while (waiting.size > 0) {
    const free = [...waiting.values()].filter(({ refersTo }) => !refersTo.some((name) => waiting.has(name)));
    if (free.length === 0) {
      throw new OpsFailure(
        "configuration",
        `foreign keys lead round in a circle: ${[...waiting.keys()].join(", ")}; move this tenant by hand`,
      );
    }
    for (const table of free) waiting.delete(table.name);
    ordered.push(...free);
  }
  return ordered;
}

/** @throws OpsFailure "verification" that names every table whose rows would not fit on the other side */
export function requireSameTables(source: readonly Table[], target: readonly Table[]): void {
  const there = new Map(target.map((table) => [table.name, table]));
  const faults = source.flatMap(({ name, columns }) => {
    const other = there.get(name);
    const foreign = [...columns, ...(other?.columns ?? [])].find((column) => column.foreign);
    if (foreign !== undefined) return [`${name}.${foreign.name} draws from a sequence that it does not own`];
    if (other === undefined) return [`${name} is missing in the target`];
    const types = new Map(other.columns.map((column) => [column.name, column.type]));
    const present = new Set(columns.map((column) => column.name));
    return [
      ...columns
        .filter((column) => column.name !== TENANT_COLUMN && types.get(column.name) !== column.type)
        .map(
          (column) =>
            `${name}.${column.name} is ${types.get(column.name) ?? "missing"} in the target, not ${column.type}`,
        ),
      ...other.columns
        .filter((column) => column.name !== TENANT_COLUMN && !present.has(column.name))
        .map((column) => `${name}.${column.name} is missing in the source`),
    ];
  });
  if (faults.length > 0) {
    throw new OpsFailure(
      "verification",
      `the two sides have different tables; bring them to one release first:${faults.map((fault) => `\n  ${fault}`).join("")}`,
    );
  }
}
