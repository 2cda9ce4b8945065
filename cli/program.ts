import { Command, CommanderError } from "commander";
import { registerAdd } from "./commands/add.ts";
import { registerBilling } from "./commands/billing.ts";
import { registerCells } from "./commands/cells.ts";
import { registerCompletion } from "./commands/completion.ts";
import { registerPreview, registerUp } from "./commands/deploy.ts";
import { registerDiff } from "./commands/diff.ts";
import { registerDrill } from "./commands/drill.ts";
import { registerDomain } from "./commands/domain.ts";
import { registerEvidence } from "./commands/evidence.ts";
import { registerLint } from "./commands/lint.ts";
import { registerList } from "./commands/list.ts";
import { registerMove } from "./commands/move.ts";
import { registerBackup, registerExport, registerVerify } from "./commands/operations.ts";
import { registerPlan } from "./commands/plan.ts";
import { registerRecover } from "./commands/recover.ts";
import { registerPin, registerPromote, registerUnpin } from "./commands/releases.ts";
import { registerReport } from "./commands/report.ts";
import { registerRestore } from "./commands/restore.ts";
import { registerReview } from "./commands/review.ts";
import { registerShow } from "./commands/show.ts";
import { registerArchive, registerDelete } from "./commands/leaving.ts";
import { registerOffboard, registerResume, registerSuspend } from "./commands/states.ts";
import { Ended, Refusal, Silent, UsageError } from "./failures.ts";
import { paint, type Io } from "./io.ts";

/** Every command in the order of the help. */
const COMMANDS: readonly ((program: Command, io: Io) => void)[] = [
  registerAdd,
  registerList,
  registerShow,
  registerPlan,
  registerMove,
  registerSuspend,
  registerResume,
  registerOffboard,
  registerArchive,
  registerDelete,
  registerPromote,
  registerPin,
  registerUnpin,
  registerDomain,
  registerBackup,
  registerVerify,
  registerRestore,
  registerDrill,
  registerExport,
  registerLint,
  registerDiff,
  registerReview,
  registerPreview,
  registerUp,
  registerCells,
  registerBilling,
  registerReport,
  registerEvidence,
  registerRecover,
  registerCompletion,
];

export function buildProgram(io: Io): Command {
  const program = new Command("tenant")
    .description(
      "Reads and edits the registry of tenants (tenants/tenants.yaml and tenants/<id>.yaml), and runs Jobs for them.",
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        io.out(text.trimEnd());
      },
      writeErr: (text) => {
        io.err(text.trimEnd());
      },
    })
    .helpCommand(true);
  for (const register of COMMANDS) register(program, io);
  return program;
}

/** Runs the command line. @returns the exit code: 0 done, 1 refused or invalid, 2 a wrong call; of a Job its own */
export async function run(args: readonly string[], io: Io): Promise<number> {
  try {
    await buildProgram(io).parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    return exitCode(error, io);
  }
}

function exitCode(error: unknown, io: Io): number {
  const say = (text: string): void => {
    io.err(paint(io, "red", text));
  };
  // Commander has said it already. Asking for help is no mistake.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Silent) return 1;
  if (error instanceof Ended) return error.exitCode;
  if (error instanceof UsageError) {
    say(error.message);
    return 2;
  }
  if (error instanceof Refusal) {
    say(error.message);
    return 1;
  }
  // What a failed `pulumi` or `git` said is the message; only a bug of ours has a stack worth showing.
  const { stderr } = error as { readonly stderr?: string };
  say(stderr ?? (error instanceof Error ? (error.stack ?? error.message) : String(error)));
  return 1;
}
