import { isProps, type Props, type Value } from "../base/wire.ts";

/** Names that differ by more than their first letter. */
const NAMES: readonly (readonly [property: string, field: string])[] = [
  ["id", "ID"],
  ["kmsMasterKeyId", "KMSMasterKeyID"],
  ["replicaKmsKeyId", "ReplicaKmsKeyID"],
  ["sseAlgorithm", "SSEAlgorithm"],
];
const FIELDS = new Map(NAMES);
const PROPERTIES = new Map(NAMES.map(([property, field]) => [field, property]));

const fieldOf = (property: string): string =>
  FIELDS.get(property) ?? `${property.charAt(0).toUpperCase()}${property.slice(1)}`;
const propertyOf = (field: string): string =>
  PROPERTIES.get(field) ?? `${field.charAt(0).toLowerCase()}${field.slice(1)}`;

function renamed(value: unknown, name: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, name));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [name(key), renamed(each, name)]));
}

/** Properties of the program as the fields of a request, whose type the caller names. */
export const toFields = (props: Value | undefined): unknown => renamed(props, fieldOf);

/** Fields of an answer as the program writes them. */
export const toProps = (fields: unknown): Props => renamed(fields, propertyOf) as Props;

export const without = (props: Props, ...keys: readonly string[]): Props =>
  Object.fromEntries(Object.entries(props).filter(([key]) => !keys.includes(key)));

/** The same without what means nothing: absent, false, none and empty are one to S3. */
export function meaningful(value: Value | undefined): Value | undefined {
  if (Array.isArray(value)) return (value as readonly Value[]).map((item) => meaningful(item) ?? {});
  if (!isProps(value)) return value === false || value === 0 || value === "" ? undefined : value;
  const entries = Object.entries(value).flatMap(([key, each]) => {
    const kept = meaningful(each);
    return kept === undefined ? [] : [[key, kept] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
