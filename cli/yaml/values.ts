import type { Plain } from "./render.ts";

/** The same changes on plain values: what a changed text must mean. */

export type Path = readonly (string | number)[];

export const withValue =
  (path: Path, value: Plain) =>
  (root: unknown): unknown => {
    const [key, ...rest] = path;
    if (key === undefined) return value;
    const copy = copyOf(root, key);
    copy[key] = withValue(rest, value)(copy[key]);
    return copy;
  };

export const withoutValue =
  (path: Path) =>
  (root: unknown): unknown => {
    const [key, ...rest] = path;
    if (key === undefined) return undefined;
    const copy = copyOf(root, key);
    if (rest.length > 0) copy[key] = withoutValue(rest)(copy[key]);
    else if (Array.isArray(copy)) copy.splice(Number(key), 1);
    else Reflect.deleteProperty(copy, key);
    return copy;
  };

function copyOf(value: unknown, key: string | number): Record<string | number, unknown> {
  const copy: unknown =
    typeof key === "number" && Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  return copy as Record<string | number, unknown>;
}
