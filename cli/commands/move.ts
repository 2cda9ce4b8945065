import { Argument, Option, type Command } from "commander";
import type { PlanName } from "../../registry/catalogue.ts";
import { sha256 } from "../../registry/fields.ts";
import { moveLog } from "../../registry/naming.ts";
import { hasOwnApp, MOVE_PHASES, type MovePhase } from "../../registry/placement.ts";
import type { TenantEntry } from "../../registry/tenantSchema.ts";
import { editTenant, makeChange, type EntryEditor, type WriteOptions } from "../change.ts";
import { Refusal, UsageError } from "../failures.ts";
import type { Io } from "../io.ts";
import { present, since, writesRegistry } from "../options.ts";
import { openWorkspace, tenantOf } from "../workspace.ts";

/** Where a move may go: into a phase, to its end, or back. */
const STEPS = [...MOVE_PHASES, "end", "back"] as const;
type Step = (typeof STEPS)[number];

interface MoveOptions extends WriteOptions {
  readonly since?: string;
  readonly checksum?: string;
}

/** A move under way. */
interface Course {
  readonly id: string;
  readonly from: PlanName;
  readonly to: PlanName;
  readonly phase: MovePhase;
}

/** What a step writes and tells. */
interface Turn {
  readonly edit: (entry: EntryEditor) => void;
  readonly summary: string;
  readonly next?: string;
  readonly danger?: string;
}

export function registerMove(program: Command, io: Io): void {
  const command = program
    .command("move")
    .summary("take a tenant's move to another placement a step further, or back")
    .description(
      "Takes a move that `tenant plan` has begun to its next phase: sync, cutover, soak, cleanup, end; or back, which loses nothing. Each phase is applied by `pulumi up` before the next.",
    )
    .argument("<id>")
    .addArgument(new Argument("<step>").choices(STEPS))
    .addOption(new Option("--checksum <sha256>", "what the cutover's Job printed; needed by soak"))
    .addOption(since("the new plan takes effect; with cutover and back"));
  writesRegistry(command).action(async (id: string, step: Step, options: MoveOptions) => {
    const workspace = openWorkspace(io, options);
    const { registry } = workspace;
    const tenant = tenantOf(registry, id);
    const course = courseOf(tenant.entry);
    const own = hasOwnApp(registry.catalogue.plans[course.to].placement);
    const turn = turnOf(course, step, options.checksum, options.since ?? present(io), own);
    const edited = editTenant(workspace, tenant, turn.edit);
    const { next } = turn;
    const details = next === undefined ? {} : { details: () => [`after \`pulumi up\`: ${next}`] };
    const change = { ...edited, summary: turn.summary, danger: turn.danger, ...details };
    await makeChange(io, workspace, change, options);
  });
}

function courseOf({ id, plan, migration }: TenantEntry): Course {
  if (migration?.from === undefined)
    throw new Refusal(`${id} does not move; \`npx tenant plan ${id} <plan>\` begins a move`);
  return { id, from: migration.from, to: plan, phase: migration.phase };
}

const command = ({ id }: Course, step: Step): string => `npx tenant move ${id} ${step}`;

function turnOf(
  course: Course,
  step: Step,
  checksum: string | undefined,
  effective: string,
  ownVolume: boolean,
): Turn {
  const { id, from, to, phase } = course;
  const enter = (next: MovePhase): ((entry: EntryEditor) => void) => {
    return (entry) => {
      entry.set(["migration", "phase"], next);
    };
  };
  switch (step) {
    case "prepare":
      return {
        edit: enter("prepare"),
        summary: `${id} goes back to the beginning of its move: what was copied to ${to} is deleted`,
        next: `${command(course, "sync")}, or ${command(course, "end")} to stay on ${from}`,
      };
    case "sync":
      return {
        edit: enter("sync"),
        summary: `${id} is copied to ${to} while ${from} serves`,
        next: command(course, "cutover"),
      };
    case "cutover":
      return {
        edit: (entry) => {
          enter("cutover")(entry);
          entry.remove(["migration", "checksum"]);
          entry.set(["since"], effective);
        },
        summary: `${id} is cut over to ${to} from ${effective} on: nobody is served until soak, and ${to} is billed`,
        next: `${moveLog(id)}   and   ${command(course, "soak")} --checksum <what it prints>`,
        danger: `Stop serving ${id} until its data is moved?`,
      };
    case "soak": {
      const recorded = checksumOf(course, checksum);
      return {
        edit: (entry) => {
          enter("soak")(entry);
          entry.set(["migration", "checksum"], recorded);
        },
        summary: `${id} is served by ${to}; what ${from} held stays as it was`,
        next: `${command(course, "cleanup")} when all is well, or ${command(course, "back")}`,
      };
    }
    case "cleanup":
      return {
        edit: enter("cleanup"),
        summary: `what ${from} held of ${id} is deleted`,
        next: command(course, "end"),
        danger: `Delete what ${from} held of ${id}? There is no way back after it.`,
      };
    case "end":
      return phase === "prepare"
        ? {
            edit: (entry) => {
              entry.set(["plan"], from);
              entry.remove(["migration"]);
            },
            summary: `${id} stays on ${from}`,
          }
        : {
            edit: (entry) => {
              entry.remove(["migration"]);
              if (!ownVolume) entry.remove(["uploadsVolume"]);
            },
            summary: `${id} has moved from ${from} to ${to}`,
          };
    case "back":
      return back(course, effective);
    default:
      return step satisfies never;
  }
}

/** The way back from a phase; from soak it is a move of its own, which takes along what was written since. */
function back(course: Course, effective: string): Turn {
  const { id, from, to, phase } = course;
  switch (phase) {
    case "prepare":
      return turnOf(course, "end", undefined, effective, true);
    case "sync":
      return turnOf(course, "prepare", undefined, effective, true);
    case "cutover":
      return {
        edit: (entry) => {
          entry.set(["migration", "phase"], "sync");
          entry.set(["since"], effective);
        },
        summary: `${id} is served and billed by ${from} again, from ${effective} on`,
        next: `${command(course, "cutover")} to try again, or ${command(course, "back")}`,
      };
    case "soak": {
      const returning = { id, from: to, to: from, phase: "cutover" } as const;
      return {
        edit: (entry) => {
          entry.set(["plan"], from);
          entry.set(["migration", "from"], to);
          entry.set(["migration", "phase"], "cutover");
          entry.remove(["migration", "checksum"]);
          entry.set(["since"], effective);
        },
        summary: `${id} is cut over back to ${from} from ${effective} on, with what was written since: nobody is served until soak`,
        next: `${moveLog(id)}   and   ${command(returning, "soak")} --checksum <what it prints>`,
        danger: `Stop serving ${id} until its data is moved back?`,
      };
    }
    case "cleanup":
      throw new Refusal(
        `${id} has nothing to go back to: what ${from} held is deleted; \`${command(course, "end")}\`, then \`npx tenant plan ${id} ${from}\` begins a move back`,
      );
    default:
      return phase satisfies never;
  }
}

function checksumOf({ id }: Course, given: string | undefined): string {
  if (given === undefined)
    throw new UsageError(`soak needs --checksum, which the cutover printed: ${moveLog(id)}`);
  if (!sha256.safeParse(given).success) throw new UsageError(`--checksum ${given} is no SHA-256`);
  return given;
}
