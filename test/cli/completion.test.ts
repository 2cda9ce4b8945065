import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inProject } from "./support.ts";

/** What bash offers for a line that ends where the cursor is; `npx` is replaced by one that knows two tenants. */
function offered(script: string, words: readonly string[]): string[] {
  const dir = mkdtempSync(join(tmpdir(), "tenant-completion-"));
  try {
    writeFileSync(join(dir, "npx"), "#!/bin/sh\necho acme\necho beta\n", { mode: 0o755 });
    const line = ["tenant", ...words].map((word) => `'${word}'`).join(" ");
    const call = `COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _tenant; echo "\${COMPREPLY[@]}"`;
    const env = { ...process.env, PATH: `${dir}:${process.env["PATH"] ?? ""}` };
    return execFileSync("bash", ["-c", `${script}\n${call}`], { encoding: "utf8", env })
      .trim()
      .split(" ");
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe("tenant completion", () => {
  it.each([
    [["pro"], ["promote"]],
    [
      ["show", ""],
      ["acme", "beta"],
    ],
    [["plan", "acme", "e"], ["enterprise"]],
    [
      ["domain", "acme", ""],
      ["add", "verify", "remove"],
    ],
    [["suspend", "acme", "--reason", "un"], ["unpaid"]],
    [["suspend", "acme", "--re"], ["--reason"]],
    [["add", ""], [""]],
  ])("completes %j in bash", (words, expected) =>
    inProject(async ({ tenant }) => {
      const { out } = await tenant(["completion", "bash"]);
      expect(offered(out.join("\n"), words)).toEqual(expected);
    }),
  );

  it.each(["zsh", "fish"])("has a script for %s", (shell) =>
    inProject(async ({ tenant }) => {
      const { code, out } = await tenant(["completion", shell]);
      expect(code).toBe(0);
      expect(out.join("\n")).toContain("promote");
    }),
  );
});
