import type { Command } from "commander";
import { openBucket } from "../../components/cell/openBucket.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { ArrivalsNote } from "../recovery/note.ts";
import { settlePending, takeOverUnsaved } from "../recovery/recover.ts";
import { stackOf } from "../stack.ts";

export function registerRecover(program: Command, io: Io): void {
  program
    .command("recover <stack>")
    .summary("settle what a killed `up` left open")
    .description(
      "Settles what a killed `pulumi up` or `npx tenant up` left open, so that the next one converges: creations that had begun, and roles and databases of new tenants that the state does not know. Prints nothing where there is nothing to settle.",
    )
    .action(async (stack: string) => {
      const place = { cwd: io.projectDir, env: io.env, stack, log: io.out };
      await settlePending(place);
      const { cell } = stackOf(io, stack, undefined);
      const note = new ArrivalsNote(await openBucket(cell), cell.cell);
      await takeOverUnsaved(place, note).catch((error: unknown) => {
        // What the bucket says.
        throw new Refusal((error as Error).message);
      });
    });
}
