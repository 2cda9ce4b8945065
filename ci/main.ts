// What the workflows in .github/workflows do, as commands: `npm run ci -- <command>`.
import { join } from "node:path";
import { CommanderError } from "commander";
import { Refusal, UsageError } from "../cli/failures.ts";
import { processIo } from "../cli/io.ts";
import { buildCi } from "./program.ts";

const io = processIo(join(import.meta.dirname, ".."));
try {
  await buildCi(io).parseAsync(process.argv.slice(2), { from: "user" });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof Refusal || error instanceof UsageError) {
    io.err(error.message);
    process.exitCode = 1;
  } else throw error;
}
