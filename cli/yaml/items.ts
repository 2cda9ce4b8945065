import { isScalar, Scalar, type YAMLMap, type YAMLSeq } from "yaml";
import { anchorOf, insertField, replaceValue } from "./fields.ts";
import { isFields, renderFields, renderFlow, renderKey, type Plain } from "./render.ts";
import * as at from "./source.ts";
import { insertion, removeFromFlow, removeLines, type Splice } from "./splice.ts";

/** Changes of a list's items as replacements in the text. */

/** Adds an item at the end of a list that has some. @param multiline one field a line, where the list has lines */
export function insertItem(text: string, list: YAMLSeq, item: Plain, multiline: boolean): Splice {
  const last = list.items.length - 1;
  const end = at.contentEnd(text, list.items[last]);
  if (list.flow === true) return insertion(end, `, ${renderFlow(item, isJson(list.items[last]))}`);
  const dash = at.dashOf(list, last) ?? at.startOf(list);
  const indent = at.indentOf(text, dash);
  // Entries that are set apart by an empty line stay so.
  const previous = last === 0 ? undefined : at.dashOf(list, last - 1);
  const isApart = multiline && (previous === undefined || /\n[ \t]*\r?\n/.test(text.slice(previous, dash)));
  return insertion(
    ownComments(text, at.lineEnd(text, end), indent.length),
    lines(text, indent, item, multiline, isApart),
  );
}

/** Past the comments below an item that belong to it, being further in than its dash. */
function ownComments(text: string, from: number, column: number): number {
  let end = from;
  for (;;) {
    const start = at.nextLine(text, end);
    const next = at.lineEnd(text, start);
    const comment = /^([ \t]*)#/.exec(text.slice(start, next));
    if (start === text.length || comment === null || (comment[1] ?? "").length <= column) return end;
    end = next;
  }
}

/** The first item of a list that is missing, empty or a bare key. */
export function firstItem(
  text: string,
  map: YAMLMap,
  key: string,
  item: Plain,
  { after, multiline }: { readonly after: readonly string[]; readonly multiline: boolean },
): Splice {
  const pair = at.pairOf(map, key);
  const anchor = pair ?? map.items[anchorOf(map, after)];
  if (map.flow === true || anchor === undefined)
    return pair === undefined ? insertField(text, map, key, [item], after) : replaceValue(text, pair, [item]);
  const indent = at.indentOf(text, at.keyStart(anchor));
  const end = at.contentEnd(text, anchor);
  const list = lines(text, `${indent}  `, item, multiline, false);
  if (pair === undefined)
    return insertion(at.lineEnd(text, end), `${at.eolOf(text)}${indent}${renderKey(key)}:${list}`);
  // What follows on the line, a comment, stays on it.
  const rest = text.slice(end, at.lineEnd(text, end));
  return { start: at.afterColon(text, pair), end: end + rest.length, text: `${rest}${list}` };
}

function lines(text: string, indent: string, item: Plain, multiline: boolean, isApart: boolean): string {
  const eol = at.eolOf(text);
  const [first = "", ...others] = multiline && isFields(item) ? renderFields(item) : [renderFlow(item)];
  const below = others.map((line) => `${eol}${indent}  ${line}`).join("");
  return `${isApart ? eol : ""}${eol}${indent}- ${first}${below}`;
}

export function removeItem(text: string, list: YAMLSeq, index: number): Splice {
  const [previous, item, next] = [list.items[index - 1], list.items[index], list.items[index + 1]];
  const range = { start: at.startOf(item), end: at.contentEnd(text, item) };
  if (list.flow === true) {
    const nextStart = next === undefined ? undefined : at.startOf(next);
    return removeFromFlow(text, range, index === 0 ? undefined : at.contentEnd(text, previous), nextStart);
  }
  return removeLines(text, { ...range, start: at.dashOf(list, index) ?? range.start });
}

/** Whether a map is written as JSON is. */
function isJson(node: unknown): boolean {
  const key = (node as Partial<YAMLMap> | undefined)?.items?.[0]?.key;
  return isScalar(key) && key.type === Scalar.QUOTE_DOUBLE;
}
