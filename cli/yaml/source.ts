import {
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  Scalar,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";

/** Where things stand in a YAML text, as offsets. */

type Path = readonly (string | number)[];

export const parseForEdit = (text: string): Document.Parsed =>
  parseDocument(text, { version: "1.2", keepSourceTokens: true, prettyErrors: false, uniqueKeys: false });

export function nodeAt(document: Document.Parsed, path: Path): Node | undefined {
  let node: unknown = document.contents;
  for (const key of path) {
    if (isMap(node)) node = pairOf(node, String(key))?.value;
    else node = isSeq(node) ? node.items[Number(key)] : undefined;
  }
  return isNode(node) ? node : undefined;
}

export const pairOf = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.find((pair) => keyName(pair) === key);

export const keyName = ({ key }: Pair): string => String(isScalar(key) ? key.value : key);

export const startOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0);

export const keyStart = ({ key }: Pair): number => startOf(key);

/** Whether nothing is written, as after a bare `key:`. */
export const isUnwritten = (node: unknown): boolean =>
  !isNode(node) || (isScalar(node) && (node.range?.[0] ?? 0) === (node.range?.[1] ?? 0));

/** The end of what is written of a value or field, without comments and the end of its line. */
export function contentEnd(text: string, node: unknown): number {
  if (isPair(node)) return isUnwritten(node.value) ? afterColon(text, node) : contentEnd(text, node.value);
  if (isCollection(node) && node.flow !== true && node.items.length > 0)
    return contentEnd(text, node.items.at(-1));
  const end = isNode(node) ? (node.range?.[1] ?? 0) : 0;
  // A block scalar ends with its line.
  return isBlockScalar(node) ? end - (/\r?\n$/.exec(text.slice(0, end))?.[0].length ?? 0) : end;
}

export const isBlockScalar = (node: unknown): boolean =>
  isScalar(node) && (node.type === Scalar.BLOCK_FOLDED || node.type === Scalar.BLOCK_LITERAL);

/** Behind the colon of a field. */
export function afterColon(text: string, { key }: Pair): number {
  const end = isNode(key) ? (key.range?.[1] ?? 0) : 0;
  return end + (/^\s*:/.exec(text.slice(end))?.[0].length ?? 0);
}

export const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;

/** The end of the line of an offset, before its line ending. */
export function lineEnd(text: string, at: number): number {
  const next = text.indexOf("\n", at);
  if (next === -1) return text.length;
  return text[next - 1] === "\r" && next > at ? next - 1 : next;
}

/** Behind the line ending of an offset's line. */
export function nextLine(text: string, at: number): number {
  const next = text.indexOf("\n", at);
  return next === -1 ? text.length : next + 1;
}

/** The line ending of a file. */
export const eolOf = (text: string): string => (/\r?\n/.exec(text)?.[0] === "\r\n" ? "\r\n" : "\n");

/** White space that puts a line below an offset's column: of what stands before it, a dash counts as a space. */
export const indentOf = (text: string, at: number): string =>
  text.slice(lineStart(text, at), at).replaceAll(/[^\t ]/g, " ");

/** Where the dash of an item stands. */
export function dashOf(seq: YAMLSeq, index: number): number | undefined {
  const token = seq.srcToken;
  if (token?.type !== "block-seq") return undefined;
  return token.items[index]?.start.find(({ type }) => type === "seq-item-ind")?.offset;
}
