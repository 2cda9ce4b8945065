import type { Policy, Statement } from "../../components/cell/bucketPolicy.ts";

/** What IAM is asked: may a session with these facts do this. Keys of facts are condition keys. */
export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly facts: Readonly<Record<string, string>>;
}

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  typeof value === "string" ? [value] : (value ?? []);

/** A pattern with its variables filled in; undefined where a fact is missing, as then nothing matches. */
function filled(pattern: string, facts: Question["facts"]): string | undefined {
  const keys = [...pattern.matchAll(/\$\{([^}]+)\}/g)].map(([, key = ""]) => key);
  if (keys.some((key) => facts[key] === undefined)) return undefined;
  return keys.reduce((text, key) => text.replace(`\${${key}}`, facts[key] ?? ""), pattern);
}

function like(text: string, pattern: string, facts: Question["facts"]): boolean {
  const whole = filled(pattern, facts);
  if (whole === undefined) return false;
  const escaped = whole
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}$`).test(text);
}

type Test = (found: string, wanted: string, facts: Question["facts"]) => boolean;
const TESTS: Readonly<Record<string, Test>> = {
  StringLike: like,
  StringEquals: (found, wanted, facts) => found === filled(wanted, facts),
  Bool: (found, wanted) => found === wanted,
  NumericLessThan: (found, wanted) => Number(found) < Number(wanted),
};

function applies(
  { Action, Resource, Condition = {} }: Statement,
  { action, resource, facts }: Question,
): boolean {
  if (!list(Action).some((pattern) => like(action, pattern, {}))) return false;
  if (!list(Resource).some((pattern) => like(resource, pattern, facts))) return false;
  return Object.entries(Condition).every(([operator, conditions]) => {
    const test = TESTS[operator];
    if (test === undefined) throw new Error(`no test for ${operator}`);
    return Object.entries(conditions).every(([key, wanted]) => {
      const found = facts[key];
      return found !== undefined && list(wanted).some((each) => test(found, each, facts));
    });
  });
}

/** The part of IAM's rules that the program's policies use: deny goes before allow, and nothing is allowed by itself. */
export function allows(policies: readonly Policy[], question: Question): boolean {
  const found = policies
    .flatMap(({ Statement: statements }) => statements)
    .filter((statement) => applies(statement, question));
  return found.length > 0 && found.every(({ Effect }) => Effect === "Allow");
}
