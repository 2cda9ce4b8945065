// The operators' command: `npx tenant <command>`; docs/reference/tenant-command.md describes it.
import { join } from "node:path";
import { processIo } from "./io.ts";
import { run } from "./program.ts";

// A reader that has seen enough, as in `npx tenant list | head`, is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await run(process.argv.slice(2), processIo(join(import.meta.dirname, "..")));
