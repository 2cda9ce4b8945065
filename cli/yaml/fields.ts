import { isScalar, Scalar, type Pair, type YAMLMap } from "yaml";
import { renderFlow, renderKey, renderScalar, type Plain } from "./render.ts";
import * as at from "./source.ts";
import { insertion, removeFromFlow, removeLines, type Splice } from "./splice.ts";

/** Changes of a map's fields as replacements in the text. */

export function replaceValue(text: string, pair: Pair, value: Plain): Splice {
  const isText = typeof value === "string" || typeof value === "number";
  const rendered = isText ? renderScalar(value, pair.value) : renderFlow(value);
  return at.isUnwritten(pair.value)
    ? insertion(at.afterColon(text, pair), ` ${rendered}`)
    : { start: at.startOf(pair.value), end: at.contentEnd(text, pair.value), text: rendered };
}

/** @param after see `YamlEditor.set` */
export function insertField(
  text: string,
  map: YAMLMap,
  key: string,
  value: Plain,
  after: readonly string[],
): Splice {
  const index = anchorOf(map, after);
  const anchor = map.items[index];
  if (anchor === undefined)
    return { start: at.startOf(map), end: at.contentEnd(text, map), text: renderFlow({ [key]: value }) };
  if (map.flow !== true) {
    const indent = at.indentOf(text, at.keyStart(anchor));
    return insertion(
      at.lineEnd(text, at.contentEnd(text, anchor)),
      `${at.eolOf(text)}${indent}${renderKey(key)}: ${renderFlow(value)}`,
    );
  }
  const json = isScalar(anchor.key) && anchor.key.type === Scalar.QUOTE_DOUBLE;
  const field = `${renderKey(key, json)}: ${renderFlow(value, json)}`;
  const next = map.items[index + 1];
  if (next === undefined) return insertion(at.contentEnd(text, anchor), `, ${field}`);
  // Before the next field rather than after this one, whose comment may follow its comma.
  const start = at.keyStart(next);
  const before = text.slice(at.lineStart(text, start), start);
  return insertion(start, `${field},${before.trim() === "" ? `${at.eolOf(text)}${before}` : " "}`);
}

/** The place of the field that a new one follows. */
export function anchorOf(map: YAMLMap, after: readonly string[]): number {
  const written = map.items.map(at.keyName);
  const last = Math.max(-1, ...after.map((name) => written.lastIndexOf(name)));
  return last === -1 ? written.length - 1 : last;
}

export function removeField(text: string, map: YAMLMap, pair: Pair): Splice {
  const index = map.items.indexOf(pair);
  const [previous, next] = [map.items[index - 1], map.items[index + 1]];
  const range = { start: at.keyStart(pair), end: at.contentEnd(text, pair) };
  const nextStart = next === undefined ? undefined : at.keyStart(next);
  if (map.flow === true)
    return removeFromFlow(text, range, previous && at.contentEnd(text, previous), nextStart);
  const before = text.slice(at.lineStart(text, range.start), range.start);
  if (before.trim() === "") return removeLines(text, range);
  // The first field stands behind the item's dash: the next one takes its place if it stands on the next line.
  return nextStart !== undefined && /^[ \t]*\r?\n[ \t]*$/.test(text.slice(range.end, nextStart))
    ? { start: range.start, end: nextStart, text: "" }
    : {
        start: range.start - (before.length - before.trimEnd().length),
        end: at.lineEnd(text, range.end),
        text: "",
      };
}
