import fc from "fast-check";

/** Registries in many layouts, for property tests: one line a field, each as somebody might write it. */

interface Field {
  readonly key: string;
  readonly lines: readonly string[];
}

export interface Layout {
  readonly text: string;
  /** Ids in order. */
  readonly ids: readonly string[];
  /** The lines of each entry as they stand in the text. */
  readonly entries: readonly string[];
}

const quotes = fc.constantFrom(
  (text: string) => text,
  (text: string) => `"${text}"`,
  (text: string) => `'${text}'`,
);
const ending = fc.constantFrom("", "  ", " # why", '   # the customer\'s wish: "x", {y}', "\t# tab");

const scalar = (key: string, ...values: readonly string[]): fc.Arbitrary<Field> =>
  fc
    .record({
      value: fc.constantFrom(...values),
      quote: quotes,
      end: ending,
      gap: fc.constantFrom(" ", "   "),
    })
    .map(({ value, quote, end, gap }) => ({ key, lines: [`${key}:${gap}${quote(value)}${end}`] }));

/** A map in one line, in several lines, or as a block. */
const map = (key: string, fields: Readonly<Record<string, string>>): fc.Arbitrary<Field> =>
  fc
    .record({ shape: fc.constantFrom("flow", "tight", "lines", "block"), end: ending })
    .map(({ shape, end }) => {
      const pairs = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
      switch (shape) {
        case "flow":
          return { key, lines: [`${key}: { ${pairs.join(", ")} }${end}`] };
        case "tight":
          return { key, lines: [`${key}: {${pairs.join(",  ")}}${end}`] };
        case "lines":
          return {
            key,
            lines: [`${key}: {${end}`, ...pairs.map((pair) => `    ${pair},${end}`), `  }${end}`],
          };
        default:
          return { key, lines: [`${key}:${end}`, ...pairs.map((pair) => `  ${pair}${end}`)] };
      }
    });

const domains: fc.Arbitrary<Field> = fc
  .record({
    hosts: fc.subarray(["a.example.com", "b.example.com", "c.example.com"], { minLength: 0 }),
    block: fc.boolean(),
    indent: fc.constantFrom("", "  "),
    end: ending,
  })
  .map(({ hosts, block, indent, end }) => {
    const items = hosts.map((host) => `{ host: ${host}, verification: pending }`);
    return block && hosts.length > 0
      ? { key: "domains", lines: [`domains:${end}`, ...items.map((item) => `${indent}- ${item}${end}`)] }
      : { key: "domains", lines: [`domains: [${items.join(", ")}]${end}`] };
  });

const optional = (field: fc.Arbitrary<Field>): fc.Arbitrary<readonly Field[]> =>
  fc.option(field).map((found) => (found === null ? [] : [found]));

const fields = (id: string): fc.Arbitrary<Field[]> =>
  fc
    .tuple(
      scalar("id", id).map((field) => [field]),
      scalar("plan", "enterprise", "ai_enhanced").map((field) => [field]),
      scalar("since", "2026-01-01T00:00:00Z").map((field) => [field]),
      optional(scalar("state", "active")),
      optional(scalar("displayName", "Some Name")),
      optional(map("pin", { version: "v2.0.5", until: '"2027-03-31"', reason: "why not" })),
      optional(map("suspension", { reason: "unpaid", mode: "maintenance" })),
      optional(map("billing", { customerRef: "cus_1" })),
      optional(domains),
    )
    .map((parts) => parts.flat())
    .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));

const between = fc.constantFrom([], [""], ["# a comment: of its own"], ["", "  # - id: old"]);

const entry = (id: string): fc.Arbitrary<string[]> =>
  fc
    .record({
      fields: fields(id),
      gaps: fc.array(between, { minLength: 10, maxLength: 10 }),
      dash: fc.constantFrom("- ", "-   "),
    })
    .map(({ fields: all, gaps, dash }) => {
      const pad = " ".repeat(dash.length);
      return all.flatMap(({ lines }, index) => [
        // A comment before the first field would part it from its dash.
        ...(index === 0 ? [] : (gaps[index] ?? []).map((line) => (line === "" ? "" : pad + line))),
        ...lines.map((line, at) => (index === 0 && at === 0 ? dash : pad) + line),
      ]);
    });

export const layout: fc.Arbitrary<Layout> = fc
  .record({
    ids: fc.subarray(["acme", "beta", "gamma", "delta"], { minLength: 1 }),
    eol: fc.constantFrom("\n", "\r\n"),
    mark: fc.constantFrom("", "\ufeff"),
    final: fc.constantFrom("", "eol", "comment"),
    indent: fc.constantFrom("", "  ", "    "),
    gap: fc.constantFrom([], [""]),
  })
  .chain(({ ids, eol, mark, final, indent, gap }) =>
    fc.tuple(...ids.map(entry)).map((found) => {
      const entries = found.map((own) => own.map((line) => (line === "" ? "" : indent + line)).join(eol));
      const head = ["# tenants", "apiVersion: v1 # format", "tenants:   # all"];
      const text = [...head, ...entries.flatMap((own, index) => [...(index === 0 ? [] : gap), own])].join(
        eol,
      );
      const end = final === "" ? "" : final === "eol" ? eol : `${eol}${eol}# the end${eol}`;
      return { text: mark + text + end, ids, entries };
    }),
  );
