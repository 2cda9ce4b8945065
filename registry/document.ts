import { LineCounter, parseDocument, type Document } from "yaml";
import { finder, type Path } from "./finder.ts";
import { codePoint, type Checked, type Issue } from "./issues.ts";
import { MAX_DEPTH, plainValue } from "./plain.ts";
import { dottedPath, type Subject } from "./subjects.ts";

export { checkSchema } from "./schemaCheck.ts";

/** Largest YAML file that is read, bytes: far above any registry, far below what would stall the parser. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** One slip in YAML often causes more errors further down. */
const MAX_SYNTAX_ERRORS = 10;

/** What YAML allows in no place. */
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/;

/** A parsed YAML file that can still tell where each value stands. */
export interface SourceDocument {
  readonly file: string;
  /** The value as plain JavaScript. */
  readonly value: unknown;
  /** An issue at a value (or, with `at: "key"`, at its key), or at the nearest parent that is written down. */
  issue(path: Path, message: string, at?: "key" | "value"): Issue;
}

/**
 * Parses one YAML document (1.2 core schema: `NO` is a string) and refuses what is ambiguous or dangerous in it.
 * @param file the name that issues carry
 * @param subject how issues name a path. Default: dotted.
 */
export function parseSource(
  file: string,
  text: string,
  subject: Subject = dottedPath,
): Checked<SourceDocument> {
  const refused = (message: string, place: { line?: number; column?: number } = {}): Checked<never> => ({
    ok: false,
    issues: [{ file, ...place, subject: "", message }],
  });
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    const limit = MAX_FILE_BYTES / 1024 / 1024;
    return refused(`is larger than ${limit} MiB; split it (one file per tenant is possible)`);
  }
  // Editors on Windows write a byte order mark; left in, it would shift the columns of the first line.
  const content = text.startsWith("\ufeff") ? text.slice(1) : text;
  const tree = parseTree(content);
  const { document, lines } = tree;
  const at = (offset: number, message: string): Issue => ({
    file,
    ...place(lines, offset),
    subject: "",
    message,
  });
  const control = CONTROL.exec(content);
  if (control !== null) {
    const message = `has the control character U+${codePoint(control[0])}, which YAML does not allow; remove it`;
    return { ok: false, issues: [at(control.index, message)] };
  }
  if (document.directives?.yaml.explicit === true && document.directives.yaml.version !== "1.2")
    return refused("asks for another YAML version than 1.2; remove the %YAML line", { line: 1, column: 1 });
  if (document.errors.length > 0) {
    const found = document.errors.map((error) => at(error.pos[0], syntaxMessage(error)));
    return { ok: false, issues: onePerPlace(found).slice(0, MAX_SYNTAX_ERRORS) };
  }
  const { value, refusals } = plainValue(document.contents, (offset) => lines.linePos(offset).line);
  if (refusals.length > 0)
    return { ok: false, issues: refusals.map(({ offset, message }) => at(offset, message)) };
  if (value === null)
    return refused("is empty; docs/reference/registry.md describes its format", { line: 1, column: 1 });
  return { ok: true, value: sourceDocument(file, value, subject, tree) };
}

/** What the parser knows of a text. */
interface Tree {
  readonly document: Document;
  readonly lines: LineCounter;
}

function parseTree(content: string): Tree {
  const lines = new LineCounter();
  const document = parseDocument(content, {
    lineCounter: lines,
    version: "1.2",
    prettyErrors: false,
    // Duplicate keys are found by plainValue: the parser's own search is quadratic.
    uniqueKeys: false,
  });
  return { document, lines };
}

function place(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}

function sourceDocument(file: string, value: unknown, subject: Subject, tree: Tree): SourceDocument {
  const { document, lines } = tree;
  // The index of places is made at the first issue: a registry without one never needs it.
  let find: ReturnType<typeof finder> | undefined;
  return {
    file,
    value,
    issue(path, message, at = "value") {
      find ??= finder(document);
      return { file, ...place(lines, find(path, at)), subject: subject(value, path), message };
    },
  };
}

function syntaxMessage({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === "MULTIPLE_DOCS") return "holds more than one YAML document; remove the --- between them";
  if (code === "TAB_AS_INDENT") return "not valid YAML: indented with a tab; use spaces";
  if (message.startsWith("Maximum call stack")) return `is nested more than ${MAX_DEPTH} levels deep`;
  return `not valid YAML: ${message.split("\n")[0] ?? ""}`;
}

const onePerPlace = (issues: readonly Issue[]): Issue[] => [
  ...new Map(issues.map((issue) => [`${issue.line ?? 0}:${issue.message}`, issue])).values(),
];
