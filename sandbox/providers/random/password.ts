import { randomInt } from "node:crypto";

/** What a password is made of; the defaults are the vendor's. */
export interface PasswordSpec {
  readonly length: number;
  readonly lower: boolean;
  readonly upper: boolean;
  readonly numeric: boolean;
  readonly special: boolean;
  readonly minLower: number;
  readonly minUpper: number;
  readonly minNumeric: number;
  readonly minSpecial: number;
  /** The special characters to choose from. Default: the vendor's list. */
  readonly overrideSpecial: string | undefined;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = LOWER.toUpperCase();
const DIGITS = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

const specials = (spec: PasswordSpec): string =>
  spec.overrideSpecial === undefined || spec.overrideSpecial === "" ? SPECIAL : spec.overrideSpecial;

/** What is wrong with a spec, or undefined. */
export function problemOf(spec: PasswordSpec): { property: string; reason: string } | undefined {
  const minimum = spec.minLower + spec.minUpper + spec.minNumeric + spec.minSpecial;
  if (!Number.isInteger(spec.length) || spec.length < 1) {
    return { property: "length", reason: "length must be a whole number of at least 1" };
  }
  if (spec.length < minimum) {
    return { property: "length", reason: `length must be at least the sum of the minimums, ${minimum}` };
  }
  if (minimum === 0 && !(spec.lower || spec.upper || spec.numeric || spec.special)) {
    return { property: "lower", reason: "at least one of lower, upper, numeric and special must be true" };
  }
  return undefined;
}

/** A password from the operating system's random source, every character equally likely. */
export function generate(spec: PasswordSpec): string {
  const classes = [
    { allowed: spec.lower, minimum: spec.minLower, alphabet: LOWER },
    { allowed: spec.upper, minimum: spec.minUpper, alphabet: UPPER },
    { allowed: spec.numeric, minimum: spec.minNumeric, alphabet: DIGITS },
    { allowed: spec.special, minimum: spec.minSpecial, alphabet: specials(spec) },
  ];
  const characters: string[] = [];
  const pick = (alphabet: string): void => {
    const letters = Array.from(alphabet);
    characters.push(letters[randomInt(letters.length)] ?? "");
  };
  for (const { minimum, alphabet } of classes) {
    for (let count = 0; count < minimum; count++) pick(alphabet);
  }
  const all = classes
    .filter(({ allowed }) => allowed)
    .map(({ alphabet }) => alphabet)
    .join("");
  while (characters.length < spec.length) pick(all);
  return shuffled(characters).join("");
}

/** Fisher–Yates: the characters of the minimums must not stand at the front. */
function shuffled(characters: readonly string[]): readonly string[] {
  const result = [...characters];
  for (let index = result.length - 1; index > 0; index--) {
    const other = randomInt(index + 1);
    const [a = "", b = ""] = [result[index], result[other]];
    result[index] = b;
    result[other] = a;
  }
  return result;
}
