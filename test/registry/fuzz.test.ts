import { formatIssue } from "../../registry/issues.ts";
import { CATALOGUE_FILE, checkRegistry, REGISTRY_FILE } from "../../registry/load.ts";
import { CONTEXT, realCatalogue, realRegistry, registryOf } from "../support/registry.ts";
import { seeded } from "../support/random.ts";

const RUNS = 1000;
/** No registry of this size takes longer. */
const MAX_MILLISECONDS = 1000;

/** What slips into files, by mistake or on purpose. */
const SCRAPS = [
  ...Array.from("\t:-#&*!|>%@`{}[],?\"'\\~\n\r\u0000\u200b\ufeff\u202e\u0430é😀"),
  ..."null ~ true NO 0x1F 017 1e999 .nan -0 9007199254740993 12:30:00 2026-01-01".split(" "),
  ...[
    "<<: *a",
    "&a",
    "*a",
    "!!js/function x",
    "__proto__: {}",
    "constructor: {}",
    "toString",
    "--- ",
    "%YAML 1.1",
  ],
  ...[
    "    ",
    "\n  - ",
    "\n  - id: acme",
    "\nplan:",
    "{",
    "}}}}",
    "[[[[[[[[",
    "x".repeat(5000),
    "id: ".repeat(200),
  ],
];

const SEEDS = [
  realRegistry,
  registryOf({ id: "one", domains: [{ host: "a.example.org", verification: "verified" }] }),
];

/** A registry with some of its text cut, doubled, moved or replaced. */
function mutate(text: string, random: () => number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  let result = text;
  for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits--) {
    const [from, length] = [Math.floor(random() * result.length), Math.floor(random() ** 3 * 200)];
    const [before, cut, after] = [
      result.slice(0, from),
      result.slice(from, from + length),
      result.slice(from + length),
    ];
    result = pick([
      () => before + after,
      () => before + cut + cut + after,
      () => before + pick(SCRAPS) + cut + after,
      () => before + pick(SCRAPS) + after,
      () => after + cut + before,
      () => before + cut.replaceAll("\n", "\r\n") + after,
    ])();
  }
  return result;
}

describe("mutated registries", () => {
  it(`never crash or hang: ${RUNS} of them, each a result or issues at their places`, () => {
    let refused = 0;
    for (let seed = 0; seed < RUNS; seed++) {
      const random = seeded(seed);
      const text = mutate(SEEDS[seed % SEEDS.length] ?? realRegistry, random);
      const texts = new Map([
        [REGISTRY_FILE, text],
        [CATALOGUE_FILE, seed % 10 === 0 ? mutate(realCatalogue, random) : realCatalogue],
      ]);
      const start = performance.now();
      const loaded = checkRegistry(texts, CONTEXT);
      const took = performance.now() - start;
      if (took > MAX_MILLISECONDS) throw new Error(`seed ${seed} took ${took} ms`);
      if (!loaded.ok) {
        refused++;
        expect(loaded.issues.length).toBeGreaterThan(0);
        for (const issue of loaded.issues) {
          const line = formatIssue(issue);
          if (line.includes("\n") || line.length > 600) throw new Error(`seed ${seed}: ${line}`);
        }
      }
    }
    // Most mutations break something, and some do not.
    expect(refused).toBeGreaterThan(RUNS / 2);
    expect(refused).toBeLessThan(RUNS);
    expect(({} as Record<string, unknown>)["state"]).toBeUndefined();
  });
});
