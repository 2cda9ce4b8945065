import { diffProps } from "../base/diff.ts";
import type { Handler, ProviderSpec } from "../base/spec.ts";
import { sdkVersion } from "../base/version.ts";
import { type Props, UNKNOWN, type Value } from "../base/wire.ts";
import { generate, type PasswordSpec, problemOf } from "./password.ts";

const INPUTS = [
  "keepers",
  "length",
  "lower",
  "upper",
  "numeric",
  "number",
  "special",
  "minLower",
  "minUpper",
  "minNumeric",
  "minSpecial",
  "overrideSpecial",
] as const;

const flag = (value: Value | undefined): boolean => value !== false;
const count = (value: Value | undefined): number => (typeof value === "number" ? value : 0);

function specOf(inputs: Props): PasswordSpec {
  const { overrideSpecial } = inputs;
  return {
    length: count(inputs.length),
    lower: flag(inputs.lower),
    upper: flag(inputs.upper),
    // `number` is the older name of `numeric`.
    numeric: flag(inputs.numeric ?? inputs.number),
    special: flag(inputs.special),
    minLower: count(inputs.minLower),
    minUpper: count(inputs.minUpper),
    minNumeric: count(inputs.minNumeric),
    minSpecial: count(inputs.minSpecial),
    overrideSpecial: typeof overrideSpecial === "string" ? overrideSpecial : undefined,
  };
}

/** Inputs with the vendor's defaults filled in, so that spelling a default out is no change. */
function complete(inputs: Props): Props {
  const { overrideSpecial, ...spec } = specOf(inputs);
  const given = Object.fromEntries(
    INPUTS.flatMap((key) => (inputs[key] === undefined ? [] : [[key, inputs[key]]])),
  );
  return {
    ...spec,
    number: spec.numeric,
    ...(overrideSpecial === undefined ? {} : { overrideSpecial }),
    ...given,
  };
}

/**
 * `RandomPassword`. Its `bcryptHash` output stays unset: Node has no bcrypt, and a hash of another kind under
 * that name would be worse than none.
 */
const password: Handler<undefined> = {
  secrets: () => [["result"]],
  check: (_op, news) => {
    if (Object.values(news).includes(UNKNOWN)) return { inputs: news };
    const problem = problemOf(specOf(news));
    return { inputs: news, failures: problem === undefined ? [] : [problem] };
  },
  diff: (_op, _id, olds, news) => diffProps(complete(olds.inputs), complete(news), INPUTS),
  create: (op, inputs) =>
    Promise.resolve({
      id: "none",
      state: { ...complete(inputs), result: op.preview ? UNKNOWN : generate(specOf(inputs)) },
    }),
  read: (_op, id, olds) => {
    if (olds.inputs !== undefined) return Promise.resolve({ id, state: olds.state, inputs: olds.inputs });
    // Import: the id is the password itself, and must not stay in the state as the id, which is not encrypted.
    const inputs = complete({ length: Array.from(id).length });
    return Promise.resolve({ id: "none", state: { ...inputs, result: id }, inputs });
  },
  delete: () => Promise.resolve(),
};

/** Stand-in for the vendor's `random` plugin: passwords only. */
export const random: ProviderSpec<undefined> = {
  name: "random",
  version: sdkVersion("@pulumi/random"),
  configure: () => undefined,
  handler: (type) => (type === "random:index/randomPassword:RandomPassword" ? password : undefined),
};
