import { openBucket } from "../../components/cell/openBucket.ts";
import type { Io } from "../io.ts";
import { ArrivalsNote, type Noted } from "../recovery/note.ts";
import { takeOverUnsaved } from "../recovery/recover.ts";
import { exportStack, type ExportedStack } from "../recovery/state.ts";
import { arrivalsOf, type Arrivals } from "./arrivals.ts";
import type { CellRun, Ending } from "./engine.ts";

/** How an `up` goes about the tenants that it brings. */
export interface Preparation {
  /** undefined: the state is written at each change. */
  readonly arrivals: Arrivals | undefined;
  /** Notes them before a pass that writes the state at its end. */
  begin(): Promise<void>;
  /** Forgets the note once the state is written, or where nothing was begun. */
  end(ending: Pick<Ending, "code" | "began">): Promise<void>;
}

const NO_ARRIVALS: Preparation = {
  arrivals: undefined,
  begin: () => Promise.resolve(),
  end: () => Promise.resolve(),
};

/**
 * Takes over what an earlier `up` left that was killed before it wrote the state, and finds out whom this one brings.
 * @throws what stands in the way of taking over
 */
export async function prepareUp(io: Io, run: CellRun): Promise<Preparation> {
  const { stack, cell, members, limitedTo, config } = run;
  const place = { cwd: io.projectDir, env: io.env, stack };
  const log = (line: string): void => {
    io.err(`${cell}: ${line}`);
  };
  // What cannot be read here the run will ask for too, and say why.
  const read = () => exportStack(place).catch(() => undefined);
  const [note, before] = await Promise.all([
    config === undefined
      ? undefined
      : openBucket(config).then((bucket) => new ArrivalsNote(bucket, config.cell)),
    read(),
  ]);
  if (note === undefined || before === undefined) return NO_ARRIVALS;
  const noted = await notedBy(note, before, log);
  if (noted === undefined) return NO_ARRIVALS;
  const plans = new Map(members.map(({ id, plan }) => [id, plan]));
  const left =
    noted.length === 0 ? [] : await takeOverUnsaved({ ...place, log }, note, (id) => plans.get(id));
  const state = noted.length === 0 ? before : await read();
  const identity = config?.backup.identity.kind;
  const arrivals =
    state === undefined || left.length > 0 ? undefined : arrivalsOf({ members, limitedTo, identity }, state);
  if (arrivals === undefined) return NO_ARRIVALS;
  const writtenAt = async (): Promise<string | undefined> =>
    (await exportStack(place)).deployment.manifest?.time;
  let lastWritten = state?.deployment.manifest?.time;
  return {
    arrivals,
    begin: async () => {
      if (arrivals.inTwoPasses) lastWritten = await writtenAt();
      await note.write(arrivals.ids.map((id) => ({ id, plan: plans.get(id) ?? "" })));
    },
    end: async ({ code, began }) => {
      // The engine may have ended without writing the state.
      if (code === 0 || !began || (await writtenAt()) !== lastWritten) await note.forget();
    },
  };
}

/** Whom earlier runs have noted; undefined where that cannot be told, so that nobody can be noted either. */
async function notedBy(
  note: ArrivalsNote,
  { deployment: { resources = [] } }: ExportedStack,
  log: (line: string) => void,
): Promise<readonly Noted[] | undefined> {
  // The bucket may be yet to come.
  if (resources.length === 0) return [];
  try {
    return (await note.read()).tenants;
  } catch (error) {
    log(
      `whether a run was killed cannot be told (${(error as Error).message}); writing the state at each change`,
    );
    return undefined;
  }
}
