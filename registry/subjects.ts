import { visible } from "./issues.ts";

/** How issues name what they are about, from a path into a document. */

type Path = readonly PropertyKey[];
export type Subject = (value: unknown, path: Path) => string;

/** `["features", "integrations", 0]` → `features.integrations[0]`. */
export const dottedPath: Subject = (_value, path) =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : shortKey(String(key))))
    .join(".")
    .replaceAll(".[", "[");

/** A key can be any text as long as it is not validated. */
const shortKey = (key: string): string => visible(key.length > 60 ? `${key.slice(0, 57)}…` : key);

/** In a list of tenants: `tenants[3].plan` as people say it, `acme.plan`. */
export const registrySubject: Subject = (value, path) => {
  const [list, index, ...rest] = path;
  if (list !== "tenants" || index === undefined) return dottedPath(value, path);
  const entries = field(value, "tenants");
  return named(field(entries, index), rest) ?? dottedPath(value, path);
};

/** In the file of one tenant: `acme.plan`, or `plan` where it has no id. */
export const tenantSubject: Subject = (value, path) => named(value, path) ?? dottedPath(value, path);

function named(entry: unknown, rest: Path): string | undefined {
  const id = field(entry, "id");
  if (typeof id !== "string" || id === "") return undefined;
  // An id can be any text as long as it is not validated.
  const name = id.length <= 63 && /^[\x21-\x7e]+$/.test(id) ? id : visible(JSON.stringify(id.slice(0, 63)));
  return rest.length === 0 ? name : `${name}.${dottedPath(entry, rest)}`.replaceAll(".[", "[");
}

const field = (value: unknown, key: PropertyKey): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
