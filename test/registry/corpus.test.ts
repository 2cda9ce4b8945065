import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { REGISTRY_FILE } from "../../registry/files.ts";
import { formatIssue, inReadingOrder } from "../../registry/issues.ts";
import { rules } from "../../registry/rules/index.ts";
import { CONTEXT, load, PROJECT } from "../support/registry.ts";

/**
 * Each file of corpus/ is a registry that must be refused. Its comments come first: what is wrong with it, then after
 * `#: ` each whole message. Lines count within the file as it stands.
 */
const CORPUS = join(PROJECT, "test/registry/corpus");
/** Per file: none takes longer. */
const MAX_MILLISECONDS = 1000;

const cases = readdirSync(CORPUS, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".yaml"))
  .sort()
  .map((name) => {
    const text = readFileSync(join(CORPUS, name), "utf8");
    const what = /^# (.*)/.exec(text)?.[1] ?? "";
    const expected = [...text.matchAll(/^#: (.*)$/gm)].map(
      ([, message = ""]) => `${REGISTRY_FILE}:${message}`,
    );
    return { name: name.replace(/\.yaml$/, ""), what, text, expected };
  });

describe("the corpus of bad registries", () => {
  it("is large", () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
  });

  it("has a case for every rule that a single file can break", () => {
    const covered = new Set(cases.map(({ name }) => /^rules\/(\w+)/.exec(name)?.[1]));
    // Tested in files.test.ts and naming.test.ts: they need another file, or cannot be broken by valid ids.
    const elsewhere = [
      "filesAreNamedAfterIds",
      "uniqueDerivedNames",
      "platformHostsFit",
      "sharedPlacementsAreOnePlans",
    ];
    expect(Object.keys(rules).filter((rule) => !covered.has(rule) && !elsewhere.includes(rule))).toEqual([]);
  });

  it.each(cases)("$name: $what", ({ text, expected }) => {
    const start = performance.now();
    const loaded = load(text, { ...CONTEXT, region: "us-west-2" });
    expect(performance.now() - start).toBeLessThan(MAX_MILLISECONDS);
    expect(loaded.ok ? ["is valid"] : inReadingOrder(loaded.issues).map(formatIssue)).toEqual(expected);
  });
});
