import { randomBytes } from "node:crypto";
import { changesBetween, type DiffResult, withComputed } from "../base/diff.ts";
import type { Checked, Operation } from "../base/spec.ts";
import { type Props, UNKNOWN, type Value } from "../base/wire.ts";
import type { Server } from "./server.ts";

export type Op = Operation<Server>;

export const text = (value: Value | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
export const flag = (value: Value | undefined, fallback = false): boolean =>
  typeof value === "boolean" ? value : fallback;
export const integer = (value: Value | undefined): number | undefined => {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) ? number : undefined;
};
export const texts = (value: Value | undefined): readonly string[] =>
  Array.isArray(value)
    ? (value as readonly Value[]).filter((item): item is string => typeof item === "string")
    : [];

/** A property that check has required to be there. */
export const required = (inputs: Props, name: string): string => {
  const value = text(inputs[name]);
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
};

/** What a type's inputs are, as far as comparing them goes. */
export interface Shape {
  readonly required: readonly string[];
  /** Values that stand where the program gives none. */
  readonly defaults: Props;
  /** Lists whose order means nothing. */
  readonly sets: readonly string[];
  /** Inputs whose change takes a new resource. */
  readonly replaceOn: readonly string[];
  /** Inputs which the server completes: leaving them out is no change. */
  readonly computed: readonly string[];
}

/** Inputs with defaults, sets sorted, so that equal meanings compare equal. */
export function normal(shape: Shape, inputs: Props): Props {
  const all = { ...shape.defaults, ...inputs };
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [
      key,
      shape.sets.includes(key) ? [...texts(value)].sort() : value,
    ]),
  );
}

export function diffShape(
  shape: Shape,
  olds: { readonly inputs: Props; readonly state: Props },
  news: Props,
): DiffResult {
  const old = normal(shape, withComputed(olds, news, shape.computed));
  return {
    changes: changesBetween(old, normal(shape, news), ([key]) => shape.replaceOn.includes(String(key))),
    // A database or role that is replaced under its own name: the old one has to go first.
    deleteBeforeReplace: olds.inputs.name !== undefined && olds.inputs.name === news.name,
  };
}

export function checkShape(shape: Shape, news: Props): Checked {
  return {
    inputs: news,
    failures: shape.required
      .filter((property) => news[property] === undefined)
      .map((property) => ({ property, reason: `Missing required property '${property}'` })),
  };
}

/** A name as the vendor's bridge generates it where the program gives none, kept from one update to the next. */
export function withName(op: Op, news: Props, olds: Props | undefined): Props {
  if (news.name !== undefined) return news;
  const kept = texts(olds?.__defaults).includes("name") ? text(olds?.name) : undefined;
  const name = kept ?? `${op.name}-${randomBytes(4).toString("hex").slice(0, 7)}`;
  return { ...news, name, __defaults: ["name"] };
}

/** Outputs in a preview: what is known of the inputs, the rest open. */
export const foretold = (shape: Shape, inputs: Props): Props => ({
  ...shape.defaults,
  ...Object.fromEntries(shape.computed.map((key) => [key, UNKNOWN])),
  ...inputs,
});

/** The inputs with the live values of what the program sets. */
export const refreshed = (inputs: Props, live: Props): Props =>
  Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, live[key] ?? value]));
