/**
 * Property values as the engine sends them, and as handlers see them.
 *
 * On the wire secrets, unknowns, assets and outputs are objects with a signature. Handlers work on plain
 * values without secrets; `annotate` puts the secrecy of the inputs back on what they return.
 */
import struct from "google-protobuf/google/protobuf/struct_pb.js";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Marks the values that are not plain data. Tagged objects, not classes: the types below are recursive. */
const TAG = Symbol("tag");

export interface Unknown {
  readonly [TAG]: "unknown";
}
/** A file or text given to a resource. */
export interface Asset {
  readonly [TAG]: "asset";
  readonly fields: Readonly<Record<string, string>>;
}
/** A value that must not be shown; only wire values hold these. */
export interface Secret {
  readonly [TAG]: "secret";
  readonly value: Wire;
}

/** A value that is not known before the update runs. */
export const UNKNOWN: Unknown = Object.freeze({ [TAG]: "unknown" } as const);
export const secret = (value: Wire): Secret => ({ [TAG]: "secret", value });

const tagOf = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && TAG in value ? String(value[TAG]) : undefined;
export const isSecret = (value: unknown): value is Secret => tagOf(value) === "secret";
export const isAsset = (value: unknown): value is Asset => tagOf(value) === "asset";
const isUnknown = (value: unknown): value is Unknown => value === UNKNOWN;

type Leaf = null | boolean | number | string | Unknown | Asset;
/** What handlers see: no secrets. */
export type Value = Leaf | readonly Value[] | Props;
export interface Props {
  readonly [key: string]: Value;
}
/** What the engine sends and receives. */
export type Wire = Leaf | Secret | readonly Wire[] | WireProps;
export interface WireProps {
  readonly [key: string]: Wire;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export const isProps = (value: unknown): value is Props =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(TAG in value);

const isArray = (value: unknown): value is readonly never[] => Array.isArray(value);

const mapFields = <A, B>(fields: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, map(value)]));

/** Properties of a request; null properties are left out, as the engine means them to be. */
export function decode(message: struct.Struct | undefined): WireProps {
  const json = (message?.toJavaScript() ?? {}) as Readonly<Record<string, Json>>;
  return fields(json);
}

const fields = (json: Readonly<Record<string, Json>>): WireProps =>
  Object.fromEntries(
    Object.entries(json)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, fromJson(value)]),
  );

function fromJson(json: Json): Wire {
  if (json === UNKNOWN_TEXT) return UNKNOWN;
  if (json === null || typeof json !== "object") return json;
  if (isArray(json)) return (json as readonly Json[]).map(fromJson);
  const object = json as Readonly<Record<string, Json>>;
  const signature = object[SIGNATURE];
  if (signature === undefined) return fields(object);
  if (signature === SECRET) return secret(fromJson(object.value ?? null));
  if (signature === OUTPUT) {
    const value = object.value === undefined ? UNKNOWN : fromJson(object.value);
    return object.secret === true ? secret(value) : value;
  }
  if (signature === RESOURCE) return fromJson(object.id ?? object.urn ?? null);
  if (signature !== ASSET) throw new Error("the stand-in providers take no archives");
  const texts = Object.entries(object).filter(
    (entry): entry is [string, string] => entry[0] !== SIGNATURE && typeof entry[1] === "string",
  );
  return { [TAG]: "asset", fields: Object.fromEntries(texts) };
}

/** Properties of a response. */
export function encode(props: WireProps): struct.Struct {
  return struct.Struct.fromJavaScript(mapFields(props, toJson));
}

function toJson(value: Wire): Json {
  if (isUnknown(value)) return UNKNOWN_TEXT;
  if (isSecret(value)) return { [SIGNATURE]: SECRET, value: toJson(value.value) };
  if (isAsset(value)) return { [SIGNATURE]: ASSET, ...value.fields };
  if (isArray(value)) return (value as readonly Wire[]).map(toJson);
  if (value !== null && typeof value === "object") return mapFields(value as WireProps, toJson);
  return value;
}

/** The same properties without their secret wrappers. */
export const reveal = (props: WireProps): Props => mapFields(props, revealValue);

function revealValue(value: Wire): Value {
  if (isSecret(value)) return revealValue(value.value);
  if (isArray(value)) return (value as readonly Wire[]).map(revealValue);
  return isProps(value) ? reveal(value) : (value as Leaf);
}

export function containsSecret(value: Wire): boolean {
  if (isSecret(value)) return true;
  if (isArray(value)) return (value as readonly Wire[]).some(containsSecret);
  return isProps(value) && Object.values(value as WireProps).some(containsSecret);
}

export function containsUnknown(value: Wire): boolean {
  if (isUnknown(value)) return true;
  if (isSecret(value)) return containsUnknown(value.value);
  if (isArray(value)) return (value as readonly Wire[]).some(containsUnknown);
  return isProps(value) && Object.values(value as WireProps).some(containsUnknown);
}

/**
 * Makes secret in `outs` what is secret in `ins` under the same key. Objects are compared key by key, so that
 * one secret field does not hide a whole object; a list with a secret item becomes secret as a whole, because
 * providers may reorder lists.
 */
export function annotate(outs: WireProps, ins: WireProps): WireProps {
  return Object.fromEntries(
    Object.entries(outs).map(([key, out]) => {
      const like = Object.hasOwn(ins, key) ? ins[key] : undefined;
      if (like === undefined || isSecret(out) || !containsSecret(like)) return [key, out];
      if (isProps(out) && isProps(like)) return [key, annotate(out, like)];
      return [key, secret(out)];
    }),
  );
}

/** Wraps the values at the given paths as secrets. */
export const seal = (props: WireProps, paths: readonly (readonly string[])[]): WireProps =>
  paths.reduce((sealed, path) => sealAt(sealed, path), props);

function sealAt(props: WireProps, [key, ...rest]: readonly string[]): WireProps {
  const value = key === undefined || !Object.hasOwn(props, key) ? undefined : props[key];
  if (key === undefined || value === undefined || isSecret(value)) return props;
  if (rest.length === 0) return { ...props, [key]: secret(value) };
  return isProps(value) ? { ...props, [key]: sealAt(value, rest) } : props;
}

/** Every text inside a secret, so that it can be struck out of messages. */
export function secretTexts(value: Wire, inside = false): readonly string[] {
  if (isSecret(value)) return secretTexts(value.value, true);
  if (typeof value === "string") return inside ? [value] : [];
  if (isArray(value)) return (value as readonly Wire[]).flatMap((item) => secretTexts(item, inside));
  return isProps(value) ? Object.values(value as WireProps).flatMap((item) => secretTexts(item, inside)) : [];
}

/** A function that strikes the given secrets, plain, base64 or URL-encoded, out of a message. */
export function redactor(secrets: readonly string[]): (message: string) => string {
  const forms = [...new Set(secrets)]
    // Shorter ones would strike ordinary words out of every message and give their own length away.
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString("base64"),
      encodeURIComponent(secret),
    ])
    .sort((a, b) => b.length - a.length);
  return (message) => forms.reduce((text, form) => text.replaceAll(form, "[secret]"), message);
}
