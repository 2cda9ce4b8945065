import { createInterface } from "node:readline/promises";
import { stripVTControlCharacters, styleText } from "node:util";

/** What a command has to do with the outside besides files; tests bring their own. */
export interface Io {
  /** Folder that holds tenants/ and Pulumi.yaml. */
  readonly projectDir: string;
  readonly env: NodeJS.ProcessEnv;
  /** Prints a line of the result. */
  readonly out: (line: string) => void;
  /** Prints a line about the result: warnings, refusals, questions. */
  readonly err: (line: string) => void;
  /** Asks a yes-or-no question; undefined where nobody is there to answer. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
  /** Asks for a word; undefined where nobody is there to answer. */
  readonly askFor: ((question: string) => Promise<string>) | undefined;
  /** Does something in place of ending at once when the user interrupts, until the function that is returned is called. */
  readonly onInterrupt: (action: () => void) => () => void;
  /** Shows lines in place of those that it showed last; absent where messages go to no terminal. */
  readonly live?: (lines: readonly string[]) => void;
  readonly now: () => Date;
  /** Whether the output may be coloured. */
  readonly color: boolean;
}

export function processIo(projectDir: string): Io {
  const { stdin, stdout, stderr, env } = process;
  // One command, one time: what it writes as the present must not be ahead of what it checks against.
  const started = new Date();
  return {
    projectDir,
    env,
    out: (line) => void stdout.write(`${line}\n`),
    err: (line) => void stderr.write(`${line}\n`),
    ...(stdin.isTTY && stderr.isTTY ? { ask, askFor } : { ask: undefined, askFor: undefined }),
    onInterrupt,
    ...(stderr.isTTY && env["TERM"] !== "dumb" ? { live: liveLines(stderr) } : {}),
    now: () => started,
    // https://no-color.org: set and not empty.
    color: stdout.isTTY && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
  };
}

async function askFor(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and the end of input are no answer.
  const closed = new Promise<string>((resolve) =>
    terminal.once("close", () => {
      resolve("");
    }),
  );
  try {
    return (await Promise.race([terminal.question(`${question} `), closed])).trim();
  } finally {
    terminal.close();
  }
}

const ask = async (question: string): Promise<boolean> =>
  /^y(?:es)?$/i.test(await askFor(`${question} [y/N]`));

function onInterrupt(action: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, action);
  return () => {
    for (const signal of signals) process.off(signal, action);
  };
}

function liveLines(terminal: NodeJS.WriteStream): (lines: readonly string[]) => void {
  let shown = 0;
  return (lines) => {
    const width = terminal.columns - 1;
    // A line that wraps would be two to go up.
    const fitting = lines.map((line) =>
      stripVTControlCharacters(line).length > width ? stripVTControlCharacters(line).slice(0, width) : line,
    );
    terminal.write(
      `${shown > 0 ? `\u001b[${shown}A` : ""}${fitting.map((line) => `\u001b[2K${line}\n`).join("")}`,
    );
    shown = lines.length;
  };
}

export type Tone = "red" | "green" | "yellow" | "bold" | "dim";

export const paint = ({ color }: Pick<Io, "color">, tone: Tone, text: string): string =>
  color ? styleText(tone, text, { validateStream: false }) : text;

/** Columns aligned by their widest cell; the last one is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (most, row) => row.map((cell, column) => Math.max(most[column] ?? 0, cell.length)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
