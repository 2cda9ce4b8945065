import fc from "fast-check";
import type { Operation } from "../../../sandbox/providers/base/spec.ts";
import { UNKNOWN } from "../../../sandbox/providers/base/wire.ts";
import { generate, problemOf, type PasswordSpec } from "../../../sandbox/providers/random/password.ts";
import { random } from "../../../sandbox/providers/random/provider.ts";

const counts = fc.nat({ max: 5 });
const spec: fc.Arbitrary<PasswordSpec> = fc
  .record({
    length: fc.integer({ min: 20, max: 60 }),
    lower: fc.boolean(),
    upper: fc.boolean(),
    numeric: fc.boolean(),
    special: fc.boolean(),
    minLower: counts,
    minUpper: counts,
    minNumeric: counts,
    minSpecial: counts,
    overrideSpecial: fc.constantFrom(undefined, "_~"),
  })
  .filter(({ lower, upper, numeric, special }) => lower || upper || numeric || special);

const password = random.handler("random:index/randomPassword:RandomPassword");
const op = (preview: boolean): Operation<undefined> => ({ preview }) as Operation<undefined>;

describe("generate", () => {
  it("has the length, the minimums and only the characters asked for", () => {
    fc.assert(
      fc.property(spec, (wanted) => {
        const result = generate(wanted);
        const number = (pattern: RegExp): number => (result.match(pattern) ?? []).length;
        expect(result).toHaveLength(wanted.length);
        const classes = [
          [number(/[a-z]/g), wanted.lower, wanted.minLower],
          [number(/[A-Z]/g), wanted.upper, wanted.minUpper],
          [number(/[0-9]/g), wanted.numeric, wanted.minNumeric],
          [number(/[^a-zA-Z0-9]/g), wanted.special, wanted.minSpecial],
        ] as const;
        for (const [found, allowed, minimum] of classes) {
          expect(found).toBeGreaterThanOrEqual(minimum);
          if (!allowed) expect(found).toBe(minimum);
        }
        if (wanted.overrideSpecial !== undefined) expect(result).toMatch(/^[a-zA-Z0-9_~]*$/);
      }),
    );
  });
});

describe("RandomPassword", () => {
  it("is made once, secret, and open in a preview", async () => {
    const created = await password?.create(op(false), { length: 24, special: false });
    expect(created?.id).toBe("none");
    expect(created?.state.result).toMatch(/^[a-zA-Z0-9]{24}$/);
    expect(password?.secrets?.({})).toEqual([["result"]]);
    expect((await password?.create(op(true), { length: 24 }))?.state.result).toBe(UNKNOWN);
  });

  it("is replaced for any change but a spelled-out default", async () => {
    const changed = async (olds: object, news: object): Promise<boolean[]> => {
      const diff = await password?.diff(op(false), "none", { inputs: { ...olds }, state: {} }, { ...news });
      return diff?.changes.map(({ replace }) => replace) ?? [];
    };
    expect(await changed({ length: 8 }, { length: 8, special: true, minUpper: 0 })).toEqual([]);
    expect(await changed({ length: 8 }, { length: 9 })).toEqual([true]);
    expect(await changed({ length: 8 }, { length: 8, keepers: { a: "1" } })).toEqual([true]);
  });

  it("is imported by its value, which does not become the id", async () => {
    const imported = await password?.read(op(false), "s3cret!", { inputs: undefined, state: {} });
    expect(imported).toMatchObject({ id: "none", state: { result: "s3cret!", length: 7 } });
  });

  it("says what is wrong with its inputs", () => {
    const base = { lower: true, upper: true, numeric: true, special: true, overrideSpecial: undefined };
    const none = { minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 };
    expect(problemOf({ ...base, ...none, length: 0 })?.reason).toBe(
      "length must be a whole number of at least 1",
    );
    expect(problemOf({ ...base, ...none, minLower: 9, length: 8 })?.reason).toBe(
      "length must be at least the sum of the minimums, 9",
    );
    expect(problemOf({ ...base, ...none, length: 8 })).toBeUndefined();
  });
});
