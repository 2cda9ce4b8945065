import { createHash, randomInt } from "node:crypto";
import { isProps, type Props, type Value } from "../base/wire.ts";

const ANNOTATION = "pulumi.com/";

export const metadataOf = (object: Props): Props => (isProps(object.metadata) ? object.metadata : {});
export const text = (value: Value | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
export const nameOf = (object: Props): string | undefined => text(metadataOf(object).name);
export const namespaceOf = (object: Props): string | undefined => text(metadataOf(object).namespace);

/** The value at a path of keys, or undefined. */
export const at = (value: Value | undefined, ...keys: readonly string[]): Value | undefined =>
  keys.reduce<Value | undefined>((inner, key) => (isProps(inner) ? inner[key] : undefined), value);

/** One of the vendor's `pulumi.com/…` annotations, which steer how a resource is handled. */
export function annotation(object: Props, name: string): string | undefined {
  return text(at(metadataOf(object), "annotations", ANNOTATION + name));
}
export const isAnnotated = (object: Props, name: string): boolean => annotation(object, name) === "true";

/** The object with fields of its metadata set. */
export const withMetadata = (object: Props, fields: Props): Props => ({
  ...object,
  metadata: { ...metadataOf(object), ...fields },
});

/** Fields of the metadata that the server sets, and that are never input. */
const SERVER_FIELDS = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

export function withoutServerFields(object: Props): Props {
  const metadata = Object.entries(metadataOf(object)).filter(([key]) => !SERVER_FIELDS.includes(key));
  return { ...object, metadata: Object.fromEntries(metadata) };
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
/** Names of most kinds are DNS subdomains of at most 253 characters. */
const LONGEST = 253;

/** A name for an object that has none: the resource's name and eight random characters. */
export function autoname(base: string): string {
  const suffix = Array.from({ length: 8 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join("");
  return `${base.toLowerCase().slice(0, LONGEST - suffix.length - 1)}-${suffix}`;
}

/** Gives an unnamed object the name of its predecessor if that was generated too, else a new one. */
export function named(object: Props, logicalName: string, old: Props | undefined): Props {
  if (nameOf(object) !== undefined) return object;
  const kept = old !== undefined && isAnnotated(old, "autonamed") ? nameOf(old) : undefined;
  const annotations = at(metadataOf(object), "annotations");
  return withMetadata(object, {
    name: kept ?? autoname(text(metadataOf(object).generateName) ?? logicalName),
    annotations: { ...(isProps(annotations) ? annotations : {}), [`${ANNOTATION}autonamed`]: "true" },
  });
}

/**
 * The field manager of a resource. It follows from the URN, so that an object which an interrupted run left
 * behind can be told from one that belongs to somebody else.
 */
export const fieldManagerOf = (urn: string, object: Props, state: Props): string =>
  annotation(object, "patchFieldManager") ??
  text(state.__fieldManager) ??
  `pulumi-kubernetes-${createHash("sha256").update(urn).digest("hex").slice(0, 8)}`;

/** Resource ids are `namespace/name`, or `name` for kinds without namespaces. */
export const idOf = (object: Props): string =>
  [namespaceOf(object), nameOf(object) ?? ""].filter((part) => part !== undefined).join("/");

export function parseId(id: string): { readonly namespace: string | undefined; readonly name: string } {
  const [first = "", second] = id.split("/");
  return second === undefined ? { namespace: undefined, name: first } : { namespace: first, name: second };
}

/** Seconds an operation may wait: the program's customTimeouts, else the annotation, else a default. */
export function timeoutOf(timeout: number | undefined, object: Props, fallback: number): number {
  const annotated = Number(annotation(object, "timeoutSeconds"));
  return timeout ?? (annotated > 0 ? annotated : fallback);
}
