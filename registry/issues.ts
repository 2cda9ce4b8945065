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
}

/** A result that keeps every issue instead of throwing the first. */
export type Checked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly Issue[] };

export function formatIssue(issue: Issue): string {
  const place = [issue.file, issue.line, issue.column].filter((part) => part !== undefined).join(":");
  return issue.subject === "" ? `${place} ${issue.message}` : `${place} ${issue.subject}: ${issue.message}`;
}

/** All issues in the order a reader meets them: by file, then by place. */
export function formatIssues(issues: readonly Issue[]): string {
  const ordered = [...issues].sort(
    (a, b) =>
      a.file.localeCompare(b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
  const count = ordered.length === 1 ? "1 problem" : `${ordered.length} problems`;
  return [
    `${count} in the input; nothing was changed:`,
    ...ordered.map((issue) => `  ${formatIssue(issue)}`),
  ].join("\n");
}

/** `did you mean "enterprise"?` where a candidate is close, else the list of what is allowed. */
export function suggest(value: string, candidates: readonly string[]): string {
  const ranked = candidates.map((name) => ({ name, far: distance(value.toLowerCase(), name.toLowerCase()) }));
  const best = ranked.sort((a, b) => a.far - b.far)[0];
  if (best !== undefined && best.far <= Math.max(1, Math.floor(best.name.length / 3)))
    return `did you mean "${best.name}"?`;
  return candidates.length === 0 ? "none are defined" : `use one of: ${candidates.join(", ")}`;
}
