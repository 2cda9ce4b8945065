import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { suggest, type Checked, type Issue } from "./issues.ts";

/** Largest YAML file that is read, bytes: far above any registry, far below what would stall the parser. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

type Path = readonly PropertyKey[];

/** A parsed YAML file that can still tell where each value stands. */
export interface SourceDocument {
  readonly file: string;
  /** The value as plain JavaScript. */
  readonly value: unknown;
  /** An issue at a value (or, with `at: "key"`, at its key), or at the nearest parent that is written down. */
  issue(path: Path, message: string, at?: "key" | "value"): Issue;
}

/**
 * Parses YAML text (1.2 core schema: `NO` is a string; duplicate keys and alias bombs are errors).
 * @param file the name that issues carry
 */
export function parseSource(file: string, text: string): Checked<SourceDocument> {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
    return failed({
      file,
      subject: "",
      message: `is larger than ${MAX_FILE_BYTES / 1024 / 1024} MiB; split it`,
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: "1.2", prettyErrors: false });
  if (document.errors.length > 0) {
    const issues = document.errors.map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      const message =
        error.code === "DUPLICATE_KEY"
          ? `the key "${keyAt(text, error.pos[0])}" stands twice; keep one`
          : `not valid YAML: ${error.message}`;
      return { file, line, column: col, subject: "", message };
    });
    return { ok: false, issues };
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    return failed({
      file,
      subject: "",
      message: `not valid YAML: ${error instanceof Error ? error.message : String(error)}`,
    });
  }
  if (value === null || value === undefined) {
    return failed({
      file,
      line: 1,
      column: 1,
      subject: "",
      message: "is empty; see docs/reference for its format",
    });
  }
  const issue = (path: Path, message: string, at: "key" | "value" = "value"): Issue => {
    const { line, col } = lines.linePos(offsetOf(document, path, at));
    return { file, line, column: col, subject: subjectOf(value, path), message };
  };
  return { ok: true, value: { file, value, issue } };
}

const failed = (issue: Issue): Checked<never> => ({ ok: false, issues: [issue] });

/** The key that starts at an offset. */
const keyAt = (text: string, offset: number): string => /^[^:\s]*/.exec(text.slice(offset))?.[0] ?? "";

/** Offset of the value (or key) at a path; of its nearest existing parent where it is missing. */
function offsetOf(document: Document, path: Path, at: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const [depth, key] of path.entries()) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      const keyNode = isNode(pair.key) ? pair.key : undefined;
      if (keyNode?.range) offset = keyNode.range[0];
      if (at === "key" && depth === path.length - 1) return offset;
      next = pair.value;
    } else if (isSeq(node)) {
      next = node.items[Number(key)];
    }
    if (!isNode(next)) break;
    node = next;
    offset = next.range?.[0] ?? offset;
  }
  return offset;
}

/** `tenants[3].plan` as the user says it: `acme.plan`. */
function subjectOf(value: unknown, path: Path): string {
  const parts: string[] = [];
  let current = value;
  for (const [depth, key] of path.entries()) {
    current = (current as Record<PropertyKey, unknown> | null | undefined)?.[key];
    const id = (current as { id?: unknown } | null | undefined)?.id;
    if (depth === 1 && path[0] === "tenants") {
      parts.splice(0, 1, typeof id === "string" ? id : `tenants[${String(key)}]`);
    } else {
      parts.push(typeof key === "number" ? `[${key}]` : String(key));
    }
  }
  return parts.join(".").replaceAll(".[", "[");
}

/** Validates a document against a schema; every deviation becomes an issue at its place. */
export function checkSchema<S extends z.ZodType>(source: SourceDocument, schema: S): Checked<z.output<S>> {
  const result = schema.safeParse(source.value);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, issues: result.error.issues.flatMap((issue) => schemaIssues(source, issue)) };
}

function schemaIssues(source: SourceDocument, issue: z.core.$ZodIssue): Issue[] {
  const found = valueAt(source.value, issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) =>
        source.issue([...issue.path, key], `is no known field; remove it or check its spelling`, "key"),
      );
    case "invalid_key":
      return [
        source.issue(
          issue.path,
          `${show(issue.path.at(-1))} is no valid key here: ${issue.issues.map((i) => i.message).join(", ")}`,
          "key",
        ),
      ];
    case "invalid_type":
      if (found === undefined)
        return [source.issue(issue.path, `is missing; add it (${describeType(issue.expected)})`, "key")];
      if (found === null)
        return [source.issue(issue.path, `is empty; write ${describeType(issue.expected)}`, "key")];
      return [source.issue(issue.path, `${show(found)} is not ${describeType(issue.expected)}`)];
    case "invalid_value": {
      if (found === undefined)
        return [source.issue(issue.path, `is missing; use one of: ${issue.values.join(", ")}`, "key")];
      const hint = suggest(typeof found === "string" ? found : show(found), issue.values.map(String));
      return [source.issue(issue.path, `${show(found)} is not allowed here; ${hint}`)];
    }
    default:
      return [source.issue(issue.path, `${show(found)} ${issue.message}`)];
  }
}

function describeType(expected: string): string {
  const names: Record<string, string> = {
    string: "text (quote it if it looks like a number)",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list",
    object: "a block of fields",
    record: "a block of fields",
  };
  return names[expected] ?? expected;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (current, key) => (current as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
}

/** A value as it may stand in an error: short, on one line. */
function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
