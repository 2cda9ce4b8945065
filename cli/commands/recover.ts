import type { Command } from "commander";
import type { Io } from "../io.ts";
import { recover } from "../recover.ts";

export function registerRecover(program: Command, io: Io): void {
  program
    .command("recover <stack>")
    .summary("settle what a killed `pulumi up` left open")
    .description("Settles what a killed `pulumi up` left open, so that the next one converges.")
    .action(async (stack: string) => {
      await recover({
        cwd: io.projectDir,
        env: io.env,
        stack,
        log: (line) => {
          io.out(line);
        },
      });
    });
}
