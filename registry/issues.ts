import { distance } from "fastest-levenshtein";

/** One thing wrong with the input, and where: `tenants.yaml:14:9 acme.plan: "enterprize" is no plan; …`. */
export interface Issue {
  /** Path of the file as the user knows it, relative to the project. */
  readonly file: string;
  /** 1-based. Absent where the whole file is meant. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** What is wrong, as the user names it: `acme.plan`. Empty for the whole file. */
  readonly subject: string;
  /** The fault, the value and the remedy, in one sentence. */
  readonly message: string;
  /** A warning stops nothing. Default: error. */
  readonly severity?: "error" | "warning";
}

/** A result that keeps every issue instead of throwing the first. */
export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly Issue[] };

/** What more than so many issues hide is no use to a reader: they have one cause. */
const MAX_PRINTED = 200;

export function formatIssue(issue: Issue): string {
  const place = [issue.file, issue.line, issue.column].filter((part) => part !== undefined).join(":");
  return issue.subject === "" ? `${place} ${issue.message}` : `${place} ${issue.subject}: ${issue.message}`;
}

/** Issues in the order a reader meets them: by file, then by place. */
export function inReadingOrder(issues: readonly Issue[]): Issue[] {
  return [...issues].sort(
    (a, b) =>
      compareText(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** All issues with a heading; past the first 200 only their number. */
export function formatIssues(issues: readonly Issue[]): string {
  const lines = inReadingOrder(issues).map((issue) => `  ${formatIssue(issue)}`);
  const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
  const hidden = lines.length - MAX_PRINTED;
  return [
    `${count} in the input; nothing was changed:`,
    ...lines.slice(0, MAX_PRINTED),
    ...(hidden > 0 ? [`  … and ${hidden} more`] : []),
  ].join("\n");
}

/** Order by code unit: the same on every machine, whatever its locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Text with its invisible characters written out: `ac\u{200B}me`. */
export const visible = (text: string): string =>
  text.replaceAll(/\p{C}/gu, (character) => `\\u{${codePoint(character)}}`);

export const codePoint = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");

/** The candidate that was probably meant, if one is close. */
export function closest(value: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates.map((name) => ({ name, far: distance(value.toLowerCase(), name.toLowerCase()) }));
  const best = ranked.sort((a, b) => a.far - b.far)[0];
  return best !== undefined && best.far <= Math.max(1, Math.floor(best.name.length / 3))
    ? best.name
    : undefined;
}

/** `did you mean "enterprise"?` where a candidate is close, else the list of what is allowed. */
export function suggest(value: string, candidates: readonly string[]): string {
  const best = closest(value, candidates);
  if (best !== undefined) return `did you mean "${best}"?`;
  return candidates.length === 0 ? "none are defined" : `use one of: ${candidates.join(", ")}`;
}
