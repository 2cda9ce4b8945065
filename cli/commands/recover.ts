import type { Command } from "commander";
import { openBucket } from "../../components/cell/openBucket.ts";
import { formatIssues } from "../../registry/issues.ts";
import { loadRegistry } from "../../registry/load.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { backendFolder, removeHalfWritten } from "../recovery/fileBackend.ts";
import { ArrivalsNote } from "../recovery/note.ts";
import { settlePending, takeOverUnsaved } from "../recovery/recover.ts";
import { stackOf } from "../stack.ts";

export function registerRecover(program: Command, io: Io): void {
  program
    .command("recover <stack>")
    .summary("settle what a killed `up` left open")
    .description(
      "Settles what a killed `pulumi up` or `npx tenant up` left open, so that the next one converges: creations that had begun, and what was made for new tenants that the state does not know. Prints nothing where there is nothing to settle.",
    )
    .action(async (stack: string) => {
      const place = { cwd: io.projectDir, env: io.env, stack, log: io.out };
      // Where it cannot be told, the next step says why.
      const folder = await backendFolder(place).catch(() => undefined);
      if (folder !== undefined && removeHalfWritten(folder).length > 0)
        io.out("the last run was killed while it wrote the state: removed what was half-written beside it");
      await settlePending(place);
      const { cell } = stackOf(io, stack.split("/").at(-1), undefined);
      const registry = loadRegistry(io.projectDir, { baseDomain: cell.baseDomain, cell: cell.cell });
      if (!registry.ok) throw new Refusal(formatIssues(registry.issues));
      const plans = new Map(registry.value.tenants.map(({ id, plan }) => [id, plan]));
      const note = new ArrivalsNote(await openBucket(cell), cell.cell);
      await takeOverUnsaved(place, note, (id) => plans.get(id)).catch((error: unknown) => {
        // What the bucket says.
        throw new Refusal((error as Error).message);
      });
    });
}
