import { z } from "zod";
import type { Checked, Issue } from "../registry/issues.ts";
import type { Subscription } from "./reconcile.ts";

/** Columns of an export; the rest is ignored. JSON has the same names, as a list or under `data`. */
const row = z.object({
  subscription: z.string().min(1, "must not be empty"),
  customer: z
    .string()
    .nullish()
    .transform((text) => text ?? ""),
  tenant: z
    .string()
    .nullish()
    .transform((text) => text ?? ""),
  status: z.string().min(1, "must not be empty"),
  amount_minor: z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)], {
    error: "must be a whole number of minor units, e.g. 69900",
  }),
  currency: z.string().regex(/^[A-Za-z]{3}$/, "must be an ISO 4217 code, e.g. USD"),
});

/** Reads a billing system's export: CSV with a header, or JSON. @param file its name in issues */
export function readExport(text: string, file: string): Checked<readonly Subscription[]> {
  const rows = /^\s*[[{]/.test(text) ? jsonRows(text) : csvRows(text);
  if (rows === undefined)
    return {
      ok: false,
      issues: [{ file, subject: "", message: "is neither CSV with a header nor a list in JSON" }],
    };
  const issues: Issue[] = [];
  const value = rows.flatMap(({ line, fields }): Subscription[] => {
    const parsed = row.safeParse(fields);
    if (parsed.success) {
      const { amount_minor: amountMinor, ...rest } = parsed.data;
      return [{ ...rest, amountMinor }];
    }
    for (const { path, message } of parsed.error.issues)
      issues.push({ file, line, subject: path.map(String).join("."), message });
    return [];
  });
  return issues.length > 0 ? { ok: false, issues } : { ok: true, value };
}

interface Row {
  /** 1-based: the line of CSV, the place in a list. */
  readonly line: number;
  readonly fields: unknown;
}

function jsonRows(text: string): Row[] | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    const list: unknown = Array.isArray(value) ? value : (value as { readonly data?: unknown }).data;
    return Array.isArray(list)
      ? list.map((fields: unknown, index) => ({ line: index + 1, fields }))
      : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 4180: commas, quotes doubled within quotes, line breaks within quotes. */
function csvRows(text: string): Row[] | undefined {
  const rows: { line: number; cells: string[] }[] = [];
  let [line, start] = [1, 1];
  let cells: string[] = [];
  const token = /"((?:[^"]|"")*)"(?=,|\r?\n|$)|([^",\r\n]*)/y;
  const source = text.replace(/^\uFEFF/, "");
  for (let at = 0; at <= source.length;) {
    token.lastIndex = at;
    const [whole = "", quoted, plain = ""] = token.exec(source) ?? [];
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split("\n").length - 1;
    at += whole.length;
    const [end] = /^(?:,|\r?\n|$)/.exec(source.slice(at, at + 2)) ?? [];
    if (end === undefined) return undefined;
    at += Math.max(end.length, 1);
    if (end === ",") continue;
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: start, cells });
    cells = [];
    line += 1;
    start = line;
  }
  const [head, ...body] = rows;
  if (head === undefined) return undefined;
  const names = head.cells.map((name) => name.trim());
  return body.map(({ line: place, cells: found }) => ({
    line: place,
    fields: Object.fromEntries(names.map((name, index) => [name, found[index] ?? ""])),
  }));
}
