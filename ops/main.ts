// The operations program, configured by its environment: see commands/ for what it does, docs/reference/ops.md for how.
import { commands } from "./commands/index.ts";
import { diskFailure, OpsFailure } from "./failure.ts";
import { endPrograms } from "./program.ts";

const [name = "", ...flags] = process.argv.slice(2);
const json = flags.includes("--json");
const log = (line: string): void =>
  void (json ? process.stderr : process.stdout).write(`${new Date().toISOString()} ${line}\n`);

async function main(): Promise<void> {
  const command = commands[name];
  if (command === undefined) {
    throw new OpsFailure(
      "configuration",
      `"${name}" is no command; use one of: ${Object.keys(commands).join(", ")}`,
    );
  }
  const known = ["--json", ...Object.keys(command.flags)];
  const unknown = flags.find((flag) => !known.includes(flag));
  if (unknown !== undefined) {
    throw new OpsFailure("configuration", `${name} takes no "${unknown}", only: ${known.join(", ")}`);
  }
  show(await command.run({ log, flags: new Set(flags) }));
}

function show(result: object | undefined): void {
  if (json && result !== undefined) process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** After a SIGTERM, below the 30 s that a pod is given. */
const END_SECONDS = 25;
const EXIT_TERMINATED = 143;

let terminated = false;
process.once("SIGTERM", () => {
  terminated = true;
  log("asked to end");
  endPrograms();
  setTimeout(() => process.exit(EXIT_TERMINATED), END_SECONDS * 1000).unref();
});

main().catch((error: unknown) => {
  const failure = error instanceof OpsFailure ? error : diskFailure(error);
  if (failure !== undefined) {
    show(failure.result);
    log(`failed (${failure.exitCode}): ${failure.message}`);
    process.exitCode = failure.exitCode;
  } else {
    log(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1; // A bug: neither retried for ever nor mistaken for a known fault.
  }
  if (terminated) process.exitCode = EXIT_TERMINATED;
});
