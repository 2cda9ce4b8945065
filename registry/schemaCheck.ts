import { z } from "zod";
import type { SourceDocument } from "./document.ts";
import { closest, codePoint, formatIssue, suggest, visible, type Checked, type Issue } from "./issues.ts";

/** Validates a document against a schema; every deviation becomes an issue at its place. */
export function checkSchema<S extends z.ZodType>(source: SourceDocument, schema: S): Checked<z.output<S>> {
  const result = schema.safeParse(source.value);
  if (result.success) return { ok: true, value: result.data };
  const issues = result.error.issues.flatMap((issue) => schemaIssues(source, schema, issue));
  // Two checks of one field may say the same.
  return { ok: false, issues: [...new Map(issues.map((issue) => [formatIssue(issue), issue])).values()] };
}

function schemaIssues(source: SourceDocument, schema: z.ZodType, issue: z.core.$ZodIssue): Issue[] {
  const found = valueAt(source.value, issue.path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const meant = closest(key, fieldNames(schema, issue.path));
        const remedy = meant === undefined ? "remove it or check its spelling" : `did you mean "${meant}"?`;
        return source.issue([...issue.path, key], `is no known field; ${remedy}`, "key");
      });
    case "invalid_key": {
      const reasons = issue.issues.map((i) => i.message).join(", ");
      return [source.issue(issue.path, `${show(issue.path.at(-1))} is no valid key here: ${reasons}`, "key")];
    }
    case "invalid_type":
      if (found === undefined)
        return [source.issue(issue.path, `is missing; add ${describeType(issue.expected)}`, "key")];
      if (found === null)
        return [source.issue(issue.path, `is empty; write ${describeType(issue.expected)}`, "key")];
      return [source.issue(issue.path, `${show(found)} is not ${describeType(issue.expected)}`)];
    case "invalid_value": {
      if (found === undefined)
        return [source.issue(issue.path, `is missing; use one of: ${issue.values.join(", ")}`, "key")];
      const names = issue.values.map(String);
      const hint = issue.values.every((value) => typeof value === "string")
        ? suggest(typeof found === "string" ? found : show(found), names)
        : typeof found === "string" && names.includes(found)
          ? "write it without quotes"
          : `use one of: ${names.join(", ")}`;
      return [source.issue(issue.path, `${show(found)} is not allowed here; ${hint}`)];
    }
    default:
      return [source.issue(issue.path, `${show(found)} ${issue.message}${foreignCharacter(found)}`)];
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

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (current, key) => (current as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
}

/** A value as it may stand in an error: short and on one line. */
export function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return visible(text.length > 60 ? `${text.slice(0, 57)}…` : text);
}

/** Look-alike letters are not seen, so they are named: ` (it has U+0430)`. */
function foreignCharacter(value: unknown): string {
  const found = typeof value === "string" ? /[^\x20-\x7e]/u.exec(value)?.[0] : undefined;
  return found === undefined ? "" : ` (it has U+${codePoint(found)})`;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
}

/** Names of the fields that a schema knows at a path. */
function fieldNames(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: JsonSchema | undefined = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
  }) as JsonSchema;
  for (const key of path) {
    const rest: JsonSchema | boolean | undefined = at?.additionalProperties;
    at =
      typeof key === "number"
        ? at?.items
        : (at?.properties?.[String(key)] ?? (typeof rest === "object" ? rest : undefined));
  }
  return Object.keys(at?.properties ?? {});
}
