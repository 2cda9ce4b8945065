import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Pair,
  type Scalar,
  type YAMLMap,
} from "yaml";

/** Something in the YAML that this project does not read, and where. */
export interface Refusal {
  /** Offset into the text. */
  readonly offset: number;
  readonly message: string;
}

/** Far above any registry, far below where recursion ends. */
export const MAX_DEPTH = 32;

/** The one way to write a number. Others (017, 0o17, 0x1F, 1e3, .inf) are read differently by different tools. */
const PLAIN_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/**
 * The plain JavaScript value of a YAML node. One pass that also refuses what makes a registry mean something else than
 * it seems to, or than it will to the next tool: duplicate keys, aliases, tags, merge keys, odd numbers.
 * @param lineAt line of an offset, 1-based
 */
export function plainValue(
  root: unknown,
  lineAt: (offset: number) => number,
): { readonly value: unknown; readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  const refuse = (offset: number, message: string): null => {
    refusals.push({ offset, message });
    return null;
  };

  function visit(node: unknown, depth: number): unknown {
    if (node === null || node === undefined) return null;
    if (isAlias(node)) return alias(node.source, offsetOf(node));
    refuseTag(node);
    if (isScalar(node)) return scalar(node);
    if (!isCollection(node)) return refuse(0, "is no YAML value");
    if (depth > MAX_DEPTH) return refuse(offsetOf(node), `is nested more than ${MAX_DEPTH} levels deep`);
    if (isSeq(node)) return node.items.map((item) => visit(item, depth + 1));
    return isMap(node) ? map(node, depth) : undefined;
  }

  const aliases = new Set<string>();
  /** Said once for each anchor: a bomb has thousands. */
  function alias(name: string, offset: number): null {
    if (aliases.has(name)) return null;
    aliases.add(name);
    return refuse(offset, `aliases (*${name}) are not supported; write the value out`);
  }

  function refuseTag(node: unknown): void {
    if (!isNode(node) || node.tag === undefined) return;
    const tag = node.tag.replace("tag:yaml.org,2002:", "!!");
    refuse(offsetOf(node), `the tag ${tag} is not supported; write the plain value`);
  }

  function scalar(node: Scalar): unknown {
    const { value, source = "" } = node;
    if (typeof value !== "number") return value;
    if (!PLAIN_NUMBER.test(source))
      return refuse(offsetOf(node), `${source} is no plain decimal number; quote it if it is text`);
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
      return refuse(offsetOf(node), `${source} is too large to be read exactly; quote it if it is text`);
    return value;
  }

  function map(node: YAMLMap, depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {};
    const first = new Map<string, number>();
    for (const pair of node.items) {
      const key = keyOf(pair);
      const offset = offsetOf(pair.key) || offsetOf(node);
      if (key === undefined) {
        refuse(offset, "a key must be plain text; write it without brackets, tags or anchors");
      } else if (key === "<<") {
        refuse(offset, "merge keys (<<) are not supported; write the fields out");
      } else if (key === "__proto__") {
        refuse(offset, "__proto__ is no possible key; remove it");
      } else if (first.has(key)) {
        const line = lineAt(first.get(key) ?? 0);
        refuse(offset, `the key ${JSON.stringify(key)} stands twice, first at line ${line}; keep one`);
      } else {
        first.set(key, offset);
        value[key] = visit(pair.value, depth + 1);
      }
    }
    return value;
  }

  return { value: visit(root, 0), refusals };
}

/** A key as text; a number keeps its digits. */
export function keyOf({ key }: Pair): string | undefined {
  if (!isScalar(key) || key.tag !== undefined) return undefined;
  if (typeof key.value === "string") return key.value;
  return typeof key.value === "number" && key.source !== undefined ? key.source : undefined;
}

/** Where a node starts; 0 where it does not say. */
export function offsetOf(node: unknown): number {
  const range = (node as { readonly range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0] ?? 0;
}
