import { isScalar, parse, Scalar } from "yaml";

/** What the command writes into a registry. */
export type Plain = string | number | readonly Plain[] | { readonly [key: string]: Plain };

/** How a scalar is written. Several tools read plain dates and versions differently, so only plain words stay bare. */
type Style = "plain" | "single" | "double";

/** Words that some YAML reader takes for something else than text. */
const AMBIGUOUS = /^(?:true|false|yes|no|on|off|y|n|null|nan)$/i;
const PLAIN_WORDS = /^[A-Za-z](?:[\w ./-]*[\w./-])?$/;

/** A scalar on one line, valid in block and flow. @param like the scalar that it replaces, whose quoting it keeps */
export function renderScalar(value: string | number, like?: unknown): string {
  if (typeof value === "number") return String(value);
  const style = styleOf(like) ?? (PLAIN_WORDS.test(value) && !AMBIGUOUS.test(value) ? "plain" : "double");
  const text = quoted(value, style);
  return readsAs(text, value) ? text : JSON.stringify(value);
}

/** A value on one line, in the flow style of the registry: `{ reason: unpaid }`. */
export function renderFlow(value: Plain, json = false): string {
  if (json) return JSON.stringify(value);
  if (typeof value === "string" || typeof value === "number") return renderScalar(value);
  if (isList(value)) return `[${value.map((item) => renderFlow(item)).join(", ")}]`;
  const fields = Object.entries(value).map(([key, child]) => `${renderKey(key)}: ${renderFlow(child)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

/** The lines of a block map; what its fields hold stays on their line. */
export const renderFields = (fields: Readonly<Record<string, Plain>>): string[] =>
  Object.entries(fields).map(([key, child]) => `${renderKey(key)}: ${renderFlow(child)}`);

export const renderKey = (key: string, json = false): string =>
  json || !PLAIN_WORDS.test(key) ? JSON.stringify(key) : key;

export const isFields = (value: Plain): value is Readonly<Record<string, Plain>> =>
  typeof value === "object" && !isList(value);

const isList = (value: Plain): value is readonly Plain[] => Array.isArray(value);

function styleOf(node: unknown): Style | undefined {
  if (!isScalar(node)) return undefined;
  switch (node.type) {
    case Scalar.QUOTE_DOUBLE:
      return "double";
    case Scalar.QUOTE_SINGLE:
      return "single";
    case Scalar.PLAIN:
      return typeof node.value === "string" ? "plain" : undefined;
    default:
      return undefined;
  }
}

function quoted(value: string, style: Style): string {
  switch (style) {
    case "plain":
      return value;
    case "single":
      return `'${value.replaceAll("'", "''")}'`;
    case "double":
      return JSON.stringify(value);
    default:
      return style satisfies never;
  }
}

/** Whether the text means the value wherever it may stand. */
function readsAs(text: string, value: string): boolean {
  if (/[\r\n]/.test(text) || (text === value && AMBIGUOUS.test(text))) return false;
  try {
    const [inFlow] = parse(`[ ${text} ]`) as unknown[];
    return inFlow === value && (parse(`key: ${text} # end`) as { key: unknown }).key === value;
  } catch {
    return false;
  }
}
