import { parseArgs } from "node:util";
import { messageOf, SandboxError } from "../lib/errors.ts";

/** A command line, taken apart. */
export interface Arguments {
  readonly command: string;
  /** Words after the subcommand. */
  readonly operands: readonly string[];
  /** What is passed on to pulumi. */
  readonly rest: readonly string[];
  readonly help: boolean;
  readonly dir?: string;
  readonly json: boolean;
  readonly yes: boolean;
  readonly follow: boolean;
  readonly deploy: boolean;
}

/** Operands each subcommand takes: at least, at most, and how they are called. */
const operands: Readonly<Record<string, readonly [number, number, string]>> = {
  logs: [1, 2, "<tenant> [workload]"],
  trigger: [2, 2, "<tenant> <cronjob>"],
};

/** Subcommands that hand what they do not know to pulumi. */
const passesOn = new Set(["preview"]);

const options = {
  dir: { type: "string" },
  json: { type: "boolean" },
  yes: { type: "boolean", short: "y" },
  follow: { type: "boolean", short: "f" },
  "no-deploy": { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Which options mean something where. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  up: ["no-deploy"],
  status: ["json"],
  destroy: ["yes"],
  logs: ["follow"],
};

const usageError = (message: string): SandboxError =>
  new SandboxError(`${message} See: npm run sandbox help`, 2);

/** Reads the command line; anything unknown is an error that says where to look. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { command, words } = takeCommand(argv);
  const { known, rest } = passesOn.has(command) ? split(words) : { known: words, rest: [] };
  const parsed = (() => {
    try {
      return parseArgs({ args: [...known], options, allowPositionals: true, strict: true });
    } catch (error) {
      // Node's message ends with advice on `--` that does not apply here.
      throw usageError(`${messageOf(error).split(". ")[0] ?? ""}.`);
    }
  })();
  const { values, positionals } = parsed;
  const help = values.help === true || command === "help";
  for (const name of Object.keys(values)) {
    if (name !== "dir" && name !== "help" && allowed[command]?.includes(name) !== true) {
      throw usageError(`The subcommand "${command}" has no option --${name}.`);
    }
  }
  const [least, most, names] = operands[command] ?? [0, 0, ""];
  if (!help && (positionals.length < least || positionals.length > most)) {
    throw usageError(
      most === 0
        ? `The subcommand "${command}" takes no operand, but got "${positionals.join(" ")}".`
        : `Usage: npm run sandbox ${command} ${names}.`,
    );
  }
  return {
    command,
    operands: positionals,
    rest,
    help,
    ...(values.dir === undefined ? {} : { dir: values.dir }),
    json: values.json === true,
    yes: values.yes === true,
    follow: values.follow === true,
    deploy: values["no-deploy"] !== true,
  };
}

/** The first word that is neither an option nor the value of `--dir`. */
function takeCommand(argv: readonly string[]): { command: string; words: string[] } {
  const index = argv.findIndex((word, at) => !word.startsWith("-") && argv[at - 1] !== "--dir");
  if (index === -1) return { command: "up", words: [...argv] };
  return { command: argv[index] ?? "up", words: argv.toSpliced(index, 1) };
}

/** Separates `--dir` and `--help` from what belongs to pulumi. */
function split(words: readonly string[]): { known: string[]; rest: string[] } {
  const known: string[] = [];
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--dir") known.push(word, words[++index] ?? "");
    else if (word.startsWith("--dir=") || word === "--help" || word === "-h") known.push(word);
    else rest.push(word);
  }
  return { known, rest };
}
