import { isDeepStrictEqual } from "node:util";
import { isMap, isSeq, type Document, type YAMLMap } from "yaml";
import { parseSource } from "../../registry/document.ts";
import { insertField, removeField, replaceValue } from "./fields.ts";
import { firstItem, insertItem, removeItem } from "./items.ts";
import { isFields, type Plain } from "./render.ts";
import * as at from "./source.ts";
import type { Splice } from "./splice.ts";
import { withValue, withoutValue, type Path } from "./values.ts";

/** The file is written in a way that the command does not change safely. */
export class EditError extends Error {}

/**
 * Edits a YAML text in place. Everything outside a change stays as it is, byte for byte: comments, order, quoting,
 * line endings. At the end the text is read again and compared with what it should mean.
 */
export class YamlEditor {
  readonly #file: string;
  /** A byte order mark stays where it is. */
  readonly #mark: string;
  readonly #original: string;
  /** What each change must make of the value. */
  readonly #changes: ((value: unknown) => unknown)[] = [];
  #text: string;
  #document: Document.Parsed | undefined;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#mark = text.startsWith("\ufeff") ? "\ufeff" : "";
    this.#original = text.slice(this.#mark.length);
    this.#text = this.#original;
  }

  /** The changed text; an EditError where it does not mean exactly what the changes say. */
  finish(): string {
    const [before, after] = [this.#original, this.#text].map((text) => parseSource(this.#file, text));
    if (before?.ok !== true || after?.ok !== true) throw this.#refused();
    const expected = this.#changes.reduce((value, change) => change(value), before.value.value);
    if (!isDeepStrictEqual(after.value.value, expected)) throw this.#refused();
    return this.#mark + this.#text;
  }

  has(path: Path): boolean {
    return at.nodeAt(this.#parsed, path) !== undefined;
  }

  /**
   * Writes a field.
   * @param after fields that a new one comes after; the last of them that is written counts. Default: the last field.
   */
  set(path: Path, value: Plain, after: readonly string[] = []): void {
    const map = this.#map(path.slice(0, -1));
    const pair = at.pairOf(map, String(path.at(-1)));
    if (pair === undefined)
      this.#apply(insertField(this.#text, map, String(path.at(-1)), value, after), withValue(path, value));
    else if (isMap(pair.value) && pair.value.items.length > 0 && isFields(value))
      this.#setFields(path, pair.value, value);
    else this.#apply(replaceValue(this.#text, pair, value), withValue(path, value));
  }

  #setFields(path: Path, map: YAMLMap, fields: Readonly<Record<string, Plain>>): void {
    const names = map.items.map(at.keyName);
    for (const [name, value] of Object.entries(fields)) this.set([...path, name], value);
    for (const name of names) if (!Object.hasOwn(fields, name)) this.remove([...path, name]);
  }

  /** Removes a field or an item; with the last one of a list its field too. Does nothing where it is missing. */
  remove(path: Path): void {
    const parent = at.nodeAt(this.#parsed, path.slice(0, -1));
    const key = path.at(-1);
    if (isMap(parent)) {
      const pair = at.pairOf(parent, String(key));
      if (pair !== undefined) this.#apply(removeField(this.#text, parent, pair), withoutValue(path));
    } else if (isSeq(parent) && typeof key === "number" && parent.items.length > key) {
      if (parent.items.length === 1) this.remove(path.slice(0, -1));
      else this.#apply(removeItem(this.#text, parent, key), withoutValue(path));
    }
  }

  /** Adds an item to a list, which need not exist. @param after see `set`. @param multiline one field a line */
  append(path: Path, item: Plain, after: readonly string[] = [], multiline = false): void {
    const map = this.#map(path.slice(0, -1));
    const pair = at.pairOf(map, String(path.at(-1)));
    const list = pair?.value;
    const values = isSeq(list) ? list.items.length : 0;
    const splice =
      isSeq(list) && values > 0
        ? insertItem(this.#text, list, item, multiline)
        : firstItem(this.#text, map, String(path.at(-1)), item, { after, multiline });
    const expected = values > 0 ? withValue([...path, values], item) : withValue(path, [item]);
    this.#apply(splice, expected);
  }

  #map(path: Path): YAMLMap {
    const node = at.nodeAt(this.#parsed, path);
    if (isMap(node)) return node;
    throw this.#refused();
  }

  #apply({ start, end, text }: Splice, change: (value: unknown) => unknown): void {
    this.#text = this.#text.slice(0, start) + text + this.#text.slice(end);
    this.#document = undefined;
    this.#changes.push(change);
  }

  /** Parsed again only after a change: a registry can have thousands of entries. */
  get #parsed(): Document.Parsed {
    this.#document ??= at.parseForEdit(this.#text);
    return this.#document;
  }

  #refused(): EditError {
    return new EditError(
      `${this.#file} is written in a way that this command cannot change safely; edit it by hand`,
    );
  }
}
