import { isProps, type Props, UNKNOWN, type Value } from "./wire.ts";

export type ChangeKind = "add" | "update" | "delete";
export interface Change {
  /** Property path in the engine's syntax, e.g. `spec.ports[0].port` or `metadata.labels["a.b/c"]`. */
  readonly path: string;
  readonly keys: readonly (string | number)[];
  readonly kind: ChangeKind;
  /** Whether only a new resource can have this change. */
  readonly replace: boolean;
}
export interface DiffResult {
  readonly changes: readonly Change[];
  /** Delete the old resource before its replacement is created. */
  readonly deleteBeforeReplace?: boolean;
}

/** Properties the vendors' plugins keep in the state for themselves; deeper down such keys are the user's. */
const isInternal = (key: string, depth: number): boolean =>
  key === "__defaults" || (depth === 0 && key.startsWith("__"));

export function pathOf(keys: readonly (string | number)[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${String(key)}]`;
    if (/[.[\]"]/.test(key)) return `${path}["${key.replaceAll('"', '\\"')}"]`;
    return path === "" ? key : `${path}.${key}`;
  }, "");
}

export function equal(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return a !== UNKNOWN;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item as Value, b[index] as Value));
  }
  if (!isProps(a) || !isProps(b)) return JSON.stringify(a) === JSON.stringify(b) && a !== UNKNOWN;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => equal(a[key], b[key]));
}

/**
 * The changes between old and new inputs, leaf by leaf. `replaces` decides for the path of each change whether
 * it takes a new resource.
 */
export function changesBetween(
  olds: Props,
  news: Props,
  replaces: (keys: readonly (string | number)[]) => boolean = () => false,
): Change[] {
  const changes: Change[] = [];
  const add = (keys: readonly (string | number)[], kind: ChangeKind): void => {
    changes.push({ path: pathOf(keys), keys, kind, replace: replaces(keys) });
  };
  const compare = (
    keys: readonly (string | number)[],
    old: Value | undefined,
    now: Value | undefined,
  ): void => {
    if (equal(old, now)) return;
    if (old === undefined || old === null) add(keys, "add");
    else if (now === undefined || now === null) add(keys, "delete");
    else if (isProps(old) && isProps(now)) walk(keys, old, now);
    else if (Array.isArray(old) && Array.isArray(now)) {
      const length = Math.max(old.length, now.length);
      for (let index = 0; index < length; index++) {
        compare([...keys, index], old[index] as Value | undefined, now[index] as Value | undefined);
      }
    } else add(keys, "update");
  };
  const walk = (keys: readonly (string | number)[], old: Props, now: Props): void => {
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      if (!isInternal(key, keys.length)) compare([...keys, key], old[key], now[key]);
    }
  };
  walk([], olds, news);
  return changes;
}

/**
 * Old inputs to compare new ones with, where the service completes some by itself: those the program now sets
 * are compared with what is there, those it no longer sets are no change.
 */
export function withComputed(
  olds: { readonly inputs: Props; readonly state: Props },
  news: Props,
  computed: readonly string[],
): Props {
  const own = Object.entries(olds.inputs).filter(
    ([key]) => !computed.includes(key) || news[key] !== undefined,
  );
  const present = computed.filter((key) => news[key] !== undefined && olds.state[key] !== undefined);
  return {
    ...Object.fromEntries(present.map((key) => [key, olds.state[key] ?? null])),
    ...Object.fromEntries(own),
  };
}

/** A diff in which a change of any of the named top-level properties takes a new resource. */
export function diffProps(olds: Props, news: Props, replaceOn: readonly string[]): DiffResult {
  return {
    changes: changesBetween(olds, news, ([key]) => typeof key === "string" && replaceOn.includes(key)),
  };
}
