import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { unifiedDiff } from "../../cli/lineDiff.ts";

describe("unifiedDiff", () => {
  it("shows each change with what stands around it", () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index + 1}\n`).join("");
    const after = before.replace("line 3\n", "line three\n").replace("line 17\n", "");
    expect(unifiedDiff("f", before, after)).toEqual([
      ...["--- a/f", "+++ b/f", "@@ -1,6 +1,6 @@", " line 1", " line 2", "-line 3", "+line three"],
      ...[" line 4", " line 5", " line 6", "@@ -14,7 +14,6 @@", " line 14", " line 15", " line 16"],
      ...["-line 17", " line 18", " line 19", " line 20"],
    ]);
  });

  it("shows a new file", () => {
    expect(unifiedDiff("f", undefined, "a\nb\n")).toEqual([
      "--- /dev/null",
      "+++ b/f",
      "@@ -0,0 +1,2 @@",
      "+a",
      "+b",
    ]);
  });

  it("makes what patch applies", () => {
    const text = fc
      .array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 })
      .map((lines) => lines.map((line) => `${line}\n`).join(""));
    const dir = mkdtempSync(join(tmpdir(), "tenant-diff-"));
    try {
      fc.assert(
        fc.property(text, text, (before, after) => {
          fc.pre(before !== after && before !== "" && after !== "");
          writeFileSync(join(dir, "f"), before);
          execFileSync("git", ["apply", "--unidiff-zero", "-"], {
            cwd: dir,
            input: `${unifiedDiff("f", before, after).join("\n")}\n`,
          });
          expect(readFileSync(join(dir, "f"), "utf8")).toBe(after);
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
