/** The leaves of a value by their path: `release.version`. A list is a leaf. */
export function flatten(value: unknown, prefix = ""): [path: string, leaf: unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[prefix, value]];
  return Object.entries(value).flatMap(([key, child]) =>
    flatten(child, prefix === "" ? key : `${prefix}.${key}`),
  );
}
