import { z } from "zod";
import { databaseName } from "../../registry/naming.ts";
import { formatBytes } from "../../registry/quantities.ts";
import { Refusal } from "../failures.ts";
import { table } from "../io.ts";

/** What the command tells of a backup, from its manifest. */
const summarySchema = z.object({
  id: z.string(),
  kind: z.string(),
  source: z.object({ scope: z.enum(["database", "rows"]), snapshotAt: z.iso.datetime() }),
  database: z.object({ bytes: z.number(), tables: z.array(z.object({ rows: z.number() })) }),
  files: z.object({ bytes: z.number(), count: z.number() }).nullable(),
});

export type BackupSummary = z.output<typeof summarySchema>;

/** Reads a manifest that the operations program printed. */
export function readSummary(result: unknown): BackupSummary {
  const { success, data } = summarySchema.safeParse(result);
  if (success) return data;
  throw new Refusal(
    "the operations program printed no manifest of a backup; its image is older than this command: `warehouse:backup.image` names it",
  );
}

export const PARTS = ["database", "files"] as const;
export type Part = (typeof PARTS)[number];

/** What a restore is about to do, for the one who confirms it. */
export function restorePlan(id: string, backup: BackupSummary, parts: readonly Part[], now: Date): string[] {
  const { source, database, files } = backup;
  const rows = database.tables.reduce((sum, each) => sum + each.rows, 0);
  const own = source.scope === "database";
  return [
    `restore of ${id}, ${parts.join(" and ")}:`,
    ...table([
      ["  backup", `${backup.id} (${backup.kind})`],
      ["  data of", `${source.snapshotAt}, ${age(now, source.snapshotAt)} ago: what came later is replaced`],
      ["  database", `${database.tables.length} tables, ${rows} rows, ${size(database.bytes)}`],
      ["  files", files === null ? "none in this backup" : `${files.count} files, ${size(files.bytes)}`],
      ...(parts.includes("database") ? [["  kept", kept(id, own)]] : []),
      ...(parts.includes("database")
        ? [["  meanwhile", own ? "sessions are ended once, for a moment" : "the application may go on"]]
        : []),
    ]),
  ];
}

const kept = (id: string, own: boolean): string =>
  own
    ? `the present database, closed, as ${databaseName(id)}__o<day> for 7 days, and a backup of it (pre-restore)`
    : "the present rows, as a backup (pre-restore)";

/** Below a mebibyte a size is rounded up to one: people compare sizes, not bytes. */
const size = (bytes: number): string => formatBytes(Math.max(1, Math.ceil(bytes / 2 ** 20)) * 2 ** 20);

/** The largest unit that fits twice: 90 minutes, 36 hours, 3 days. */
function age(now: Date, then: string): string {
  const minutes = Math.max(0, Math.round((now.getTime() - Date.parse(then)) / 60_000));
  if (minutes < 120) return `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
