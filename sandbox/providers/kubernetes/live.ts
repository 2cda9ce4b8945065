import { isProps, type Props, type Value } from "../base/wire.ts";
import { at, metadataOf, withMetadata, withoutServerFields } from "./metadata.ts";

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The amount of a Kubernetes quantity such as `500m` or `1Gi`; undefined for anything else. */
export function quantity(value: Value | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string") return undefined;
  const [, amount, suffix] = /^([+-]?[0-9.]+)([numkMGTPE]|[KMGTPE]i)?$/.exec(value) ?? [];
  if (amount === undefined) return undefined;
  const number = Number(amount) * (SUFFIXES[suffix ?? ""] ?? Number.NaN);
  return Number.isNaN(number) ? undefined : number;
}

/** The server writes quantities in one form: `1000m` comes back as `1`. */
function sameQuantity(input: Value, live: Value): boolean {
  const [a, b] = [quantity(input), quantity(live)];
  return a !== undefined && b !== undefined && Math.abs(a - b) <= Math.abs(a) * 1e-12;
}

/** Fields that tell the items of a list apart, as server-side apply merges them. */
const LIST_KEYS = ["name", "key", "containerPort", "port", "mountPath", "ip", "topologyKey", "type"] as const;

function counterpart(item: Value, index: number, live: readonly Value[]): Value | undefined {
  if (!isProps(item)) return live[index];
  const key = LIST_KEYS.find((each) => item[each] !== undefined);
  if (key === undefined) return live[index];
  const same = live.filter((each) => isProps(each) && each[key] === item[key]);
  // Several items under one key (a port for TCP and for UDP): they are in the same order on both sides.
  return same.length === 1 ? same[0] : live[index];
}

function pruneValue(input: Value, live: Value | undefined, quantities: boolean): Value | undefined {
  if (live === undefined || live === null) return isEmpty(input) ? input : undefined;
  if (isProps(input)) return isProps(live) ? pruneFields(input, live, quantities) : live;
  if (!Array.isArray(input) || !Array.isArray(live)) {
    return quantities && sameQuantity(input, live) ? input : live;
  }
  const inputs = input as readonly Value[];
  const lives = live as readonly Value[];
  const keyed = inputs.every((item) => isProps(item) && LIST_KEYS.some((key) => item[key] !== undefined));
  const kept = inputs.flatMap((item, index) => {
    const pruned = pruneValue(item, counterpart(item, index, lives), quantities);
    return pruned === undefined ? [] : [pruned];
  });
  // Items added to a keyed list belong to another manager; a plain list has one owner, so they are drift.
  return keyed ? kept : [...kept, ...lives.slice(inputs.length)];
}

/** The server drops empty objects and lists; their absence is no drift. */
const isEmpty = (value: Value): boolean =>
  (Array.isArray(value) && value.length === 0) || (isProps(value) && Object.values(value).every(isEmpty));

const pruneFields = (input: Props, live: Props, quantities: boolean): Props =>
  Object.fromEntries(
    Object.entries(input).flatMap(([key, value]) => {
      // Labels, annotations and data are texts: there `1` and `1000m` are different things.
      const inside = quantities && !["metadata", "data", "stringData", "binaryData"].includes(key);
      const pruned = pruneValue(value, live[key], inside);
      return pruned === undefined ? [] : [[key, pruned]];
    }),
  );

/**
 * The live object in the shape of the inputs: fields the program does not set are left out, changed ones show
 * their live value, removed ones are missing. What is equal in meaning keeps the program's spelling.
 */
export function pruneToInputs(live: Props, inputs: Props): Props {
  const pruned = pruneFields(inputs, live, true);
  if (live.kind !== "Secret" || !isProps(inputs.stringData)) return pruned;
  // stringData is write-only: what became of it is in data, encoded.
  const texts = Object.keys(inputs.stringData).flatMap((key) => {
    const encoded = at(live, "data", key);
    return typeof encoded === "string" ? [[key, Buffer.from(encoded, "base64").toString("utf8")]] : [];
  });
  return { ...pruned, stringData: Object.fromEntries(texts) as Props };
}

const without = (props: Props, name: string): Props =>
  Object.fromEntries(Object.entries(props).filter(([key]) => key !== name));

/** Inputs for an imported object: all that is not the server's. */
export function inputsOf(live: Props): Props {
  const rest = without(withoutServerFields(live), "status");
  const annotations = at(metadataOf(rest), "annotations");
  if (!isProps(annotations)) return rest;
  const own = Object.entries(annotations).filter(
    ([key]) =>
      key !== "deployment.kubernetes.io/revision" &&
      key !== "kubectl.kubernetes.io/last-applied-configuration",
  );
  return withMetadata(rest, { annotations: Object.fromEntries(own) });
}

/**
 * What the state holds: the live object, and for the vendor's plugin the inputs, the first apiVersion and the
 * field manager under its own keys. Managed fields are left out: they double the state, and nothing reads them.
 */
export function checkpoint(
  live: Props,
  inputs: Props,
  fieldManager: string,
  initialApiVersion: Value,
): Props {
  return {
    ...live,
    metadata: without(metadataOf(live), "managedFields"),
    __inputs: inputs,
    __initialApiVersion: initialApiVersion,
    __fieldManager: fieldManager,
  };
}
