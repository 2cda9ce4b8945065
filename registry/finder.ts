import { isMap, isNode, isSeq, type Document, type Pair, type YAMLMap } from "yaml";
import { keyOf, offsetOf } from "./plain.ts";

/** Where a value stands: keys and indexes from the top of the document. */
export type Path = readonly PropertyKey[];

/** Finds the offset of a value (or key) by its path; of its nearest existing parent where it is missing. */
export function finder(document: Document): (path: Path, at: "key" | "value") => number {
  // Each map is indexed once: thousands of issues in a map of thousands of keys stay linear.
  const indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();
  const pairOf = (map: YAMLMap, key: PropertyKey): Pair | undefined => {
    let index = indexes.get(map);
    if (index === undefined) {
      index = new Map(map.items.map((pair) => [keyOf(pair) ?? "", pair]));
      indexes.set(map, index);
    }
    return index.get(String(key));
  };
  return (path, at) => {
    let node: unknown = document.contents;
    let offset = offsetOf(node);
    for (const [depth, key] of path.entries()) {
      let next: unknown;
      if (isMap(node)) {
        const pair = pairOf(node, key);
        if (pair === undefined) break;
        offset = offsetOf(pair.key);
        if (at === "key" && depth === path.length - 1) return offset;
        next = pair.value;
      } else if (isSeq(node)) {
        next = node.items[Number(key)];
      }
      if (!isNode(next)) break;
      node = next;
      offset = offsetOf(next);
    }
    return offset;
  };
}
