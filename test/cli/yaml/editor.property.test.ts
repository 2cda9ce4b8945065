import fc from "fast-check";
import { YamlEditor } from "../../../cli/yaml/editor.ts";
import type { Plain } from "../../../cli/yaml/render.ts";
import { layout } from "./layouts.ts";

const FIELDS = ["id", "displayName", "plan", "state", "since", "suspension", "pin", "domains"];
const after = (key: string) => FIELDS.slice(0, FIELDS.indexOf(key));

/** An edit and the lines that it may touch. */
interface Edit {
  readonly touches: RegExp;
  readonly run: (editor: YamlEditor, path: readonly (string | number)[]) => void;
}

const set = (key: string, value: Plain, touches: RegExp): Edit => ({
  touches,
  run: (editor, path) => {
    editor.set([...path, key], value, after(key));
  },
});

const PIN = /^[\s-]*(?:pin|version|until|reason):|^\s*\}/;
const edits: readonly Edit[] = [
  set("plan", "ai_enhanced", /\bplan:/),
  set("state", "suspended", /\bstate:/),
  set("since", "2026-02-03T04:05:06Z", /\bsince:/),
  set("displayName", 'Ein "Name": mit # allem', /\bdisplayName:/),
  set("pin", { version: "v2.1.0", until: "2027-01-31", reason: "a: b" }, PIN),
  set("suspension", { reason: "abuse" }, /^[\s-]*(?:suspension|reason|mode):|^\s*\}/),
  ...["pin", "state", "suspension"].map((key) => ({
    touches: /^[\s-]*(?:pin|version|until|reason|mode|state|suspension):|^\s*\}/,
    run: (editor: YamlEditor, path: readonly (string | number)[]) => {
      editor.remove([...path, key]);
    },
  })),
  {
    touches: /domains:|host:/,
    run: (editor, path) => {
      editor.append(
        [...path, "domains"],
        { host: "new.example.com", verification: "pending" },
        after("domains"),
      );
    },
  },
  {
    touches: /domains:|host:/,
    run: (editor, path) => {
      editor.remove([...path, "domains", 0]);
    },
  },
  {
    touches: /domains:|host:/,
    run: (editor, path) => {
      if (editor.has([...path, "domains", 1]))
        editor.set([...path, "domains", 1, "verification"], "verified");
    },
  },
];

/** Lines without the dash, which passes to the next field when the first one goes. */
const lines = (text: string): string[] => text.split("\n");
const bare = (line: string): string => line.replace(/^\s*-?\s*/, "");

// Hundreds of files are parsed several times each.
jest.setTimeout(60_000);

describe("YamlEditor", () => {
  it("leaves every line alone that the edit is not about", () => {
    fc.assert(
      fc.property(layout, fc.nat(), fc.constantFrom(...edits), ({ text, ids }, pick, { run, touches }) => {
        const editor = new YamlEditor("tenants.yaml", text);
        run(editor, ["tenants", pick % ids.length]);
        const result = editor.finish();
        const kept = (source: string) =>
          lines(source)
            // A dash alone stays where a comment keeps the next field from following it.
            .filter((line) => !touches.test(line) && !/^\s*-\s*$/.test(line))
            .map(bare);
        // Where a list or block at the end of the file goes, its last line ending may go with it.
        const withoutEnd = (source: string) => kept(source).join("\n").trimEnd();
        expect(withoutEnd(result)).toBe(withoutEnd(text));
        expect(result.startsWith("\ufeff")).toBe(text.startsWith("\ufeff"));
        if (text.includes("\r\n")) expect(result).not.toMatch(/[^\r]\n/);
        else expect(result).not.toContain("\r");
      }),
      { numRuns: 200 },
    );
  });

  it("touches no byte of another entry", () => {
    fc.assert(
      fc.property(layout, fc.nat(), fc.constantFrom(...edits), ({ text, ids, entries }, pick, { run }) => {
        const editor = new YamlEditor("tenants.yaml", text);
        const edited = pick % ids.length;
        run(editor, ["tenants", edited]);
        const result = editor.finish();
        for (const [index, entry] of entries.entries()) if (index !== edited) expect(result).toContain(entry);
      }),
      { numRuns: 100 },
    );
  });

  it("adds an entry below all others and nothing else", () => {
    fc.assert(
      fc.property(layout, ({ text, ids }) => {
        const editor = new YamlEditor("tenants.yaml", text);
        editor.append(["tenants"], { id: "new", plan: "enterprise" }, [], true);
        const result = editor.finish();
        const at = result.search(/\r?\n(?:\r?\n)? *- id: new\r?\n *plan: enterprise/);
        const added = /^\r?\n(?:\r?\n)? *- id: new\r?\n *plan: enterprise/.exec(result.slice(at))?.[0] ?? "";
        expect(result.slice(0, at) + result.slice(at + added.length)).toBe(text);
        expect(editor.has(["tenants", ids.length, "plan"])).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("takes back what it added", () => {
    fc.assert(
      fc.property(layout, fc.nat(), ({ text, ids }, pick) => {
        const editor = new YamlEditor("tenants.yaml", text);
        const path = ["tenants", pick % ids.length, "pin"];
        fc.pre(!editor.has(path));
        editor.set(path, { version: "v2.1.0", until: "2027-01-31" }, after("pin"));
        editor.remove(path);
        const result = editor.finish();
        expect(result).toBe(text);
      }),
      { numRuns: 100 },
    );
  });
});
