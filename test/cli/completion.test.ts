import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inProject } from "./support.ts";

/** How each shell is asked; the script stands in a file. */
const shells = {
  /** bash calls the function with the words of the line and the place of the cursor. */
  bash: (file: string, words: readonly string[]): string => {
    const line = words.map((word) => `'${word}'`).join(" ");
    return `source ${file}; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _tenant; echo "\${COMPREPLY[@]}"`;
  },
  fish: (file: string, words: readonly string[]): string =>
    `source ${file}; complete -C '${words.join(" ")}' | cut -f1`,
  /** zsh completes in a terminal of its own, which shows the line once Tab has been pressed twice: then it rings the bell. */
  zsh: (file: string, words: readonly string[]): string =>
    [
      "zmodload zsh/zpty",
      "zpty t zsh -f -i",
      `zpty -w t "PS1=; autoload -Uz compinit && compinit -u -D; source ${file}; print REA''DY"`,
      "zpty -r t shown '*READY*'",
      `zpty -w -n t '${words.join(" ")}'$'\\t\\t'`,
      `zpty -r t shown $'*tenant*\\a*'`,
      'print -r -- "$shown"',
    ].join("\n"),
} as const;
type Shell = keyof typeof shells;

const isInstalled = (shell: Shell): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

/** What a shell shows for a line that ends where the cursor is; `npx` is replaced by one that knows two tenants. */
function shown(shell: Shell, script: string, words: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), "tenant-completion-"));
  try {
    const file = join(dir, "script");
    writeFileSync(file, script);
    writeFileSync(join(dir, "npx"), "#!/bin/sh\necho acme\necho beta\n", { mode: 0o755 });
    const env = { ...process.env, PATH: `${dir}:${process.env["PATH"] ?? ""}`, HOME: dir, TERM: "xterm" };
    const ask = shells[shell](file, ["tenant", ...words]);
    return execFileSync(shell, ["-c", ask], { encoding: "utf8", env, timeout: 20_000 });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const offered = (shell: Shell, script: string, words: readonly string[]): string[] =>
  shown(shell, script, words).trim().split(/\s+/);

describe("tenant completion", () => {
  const cases = [
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
    [["res"], ["resume", "restore"]],
    [
      ["restore", ""],
      ["acme", "beta"],
    ],
    [
      ["drill", ""],
      ["acme", "beta"],
    ],
    [["restore", "acme", "--only", "f"], ["files"]],
    [["backup", "acme", "--no"], ["--no-wait"]],
  ] as const;

  it.each(cases)("completes %j in bash", (words, expected) =>
    inProject(async ({ tenant }) => {
      const { out } = await tenant(["completion", "bash"]);
      expect(offered("bash", out.join("\n"), words)).toEqual(expected);
    }),
  );

  // Where fish or zsh is not installed there is nothing to try the script in; CI installs both.
  (isInstalled("fish") ? it : it.skip).each(cases)("completes %j in fish", (words, expected) =>
    inProject(async ({ tenant }) => {
      const { out } = await tenant(["completion", "fish"]);
      expect(offered("fish", out.join("\n"), words)).toEqual([...expected].sort());
    }),
  );

  (isInstalled("zsh") ? it : it.skip).each([
    [["pro"], "tenant promote"],
    [["plan", "acme", "e"], "tenant plan acme enterprise"],
    [["show", "a"], "tenant show acme"],
    [["suspend", "acme", "--reason", "un"], "tenant suspend acme --reason unpaid"],
  ])("completes %j in zsh", (words, expected) =>
    inProject(async ({ tenant }) => {
      const { out } = await tenant(["completion", "zsh"]);
      expect(shown("zsh", out.join("\n"), words)).toContain(expected);
    }),
  );
});
