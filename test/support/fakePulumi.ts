// Stands in for pulumi in tests of what runs it: writes down how it was called and plays what a plan says of the stack.
// usage: node fakePulumi.ts <folder> <what pulumi is called with…>
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a run of a stack does. */
export interface Play {
  readonly exitCode?: number;
  /** Printed on standard output. */
  readonly lines?: readonly string[];
  /** Printed on standard error. */
  readonly error?: string;
  /** Goes on until so many runs have begun. */
  readonly meets?: number;
  /** Goes on until it is interrupted, and then ends with this exit code. */
  readonly hangs?: number;
}

export interface Call {
  readonly event: "begin" | "end";
  readonly argv: readonly string[];
  readonly stack: string;
  /** WAREHOUSE_TENANTS. */
  readonly limit: string | null;
}

const [folder = "", ...argv] = process.argv.slice(2);
const stack = argv[argv.indexOf("--stack") + 1] ?? "";
const plan = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8")) as Readonly<Record<string, Play>>;
const { exitCode = 0, lines = [], error = "", hangs, meets = 1 } = plan[stack] ?? {};
const note = (event: Call["event"]): void => {
  const call: Call = { event, argv, stack, limit: process.env["WAREHOUSE_TENANTS"] ?? null };
  appendFileSync(join(folder, "calls"), `${JSON.stringify(call)}\n`);
};
const end = (code: number): void => {
  note("end");
  process.exitCode = code;
};

note("begin");
for (const line of lines) process.stdout.write(`${line}\n`);
process.stderr.write(error);
const begun = (): number =>
  readFileSync(join(folder, "calls"), "utf8")
    .split("\n")
    .filter((line) => line.includes('"begin"')).length;
if (hangs === undefined) {
  const timer = setInterval(() => {
    if (begun() < meets) return;
    clearInterval(timer);
    end(exitCode);
  }, 50);
} else {
  const forEver = setInterval(() => undefined, 1000);
  process.on("SIGINT", () => {
    clearInterval(forEver);
    end(hangs);
  });
}
