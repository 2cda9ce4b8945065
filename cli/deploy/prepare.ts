import { openBucket } from "../../components/cell/openBucket.ts";
import type { Io } from "../io.ts";
import { ArrivalsNote } from "../recovery/note.ts";
import { takeOverUnsaved } from "../recovery/recover.ts";
import { exportStack } from "../recovery/state.ts";
import { arrivalsOf, canBeTakenOver, type Arrivals } from "./arrivals.ts";
import type { CellRun } from "./engine.ts";

/** How an `up` goes about the tenants that it brings. */
export interface Preparation {
  /** undefined: the state is written at each change. */
  readonly arrivals: Arrivals | undefined;
  /** Notes them before a pass that writes the state at its end. */
  begin(): Promise<void>;
  /** Forgets the note once the state is written. */
  end(exitCode: number): Promise<void>;
}

/**
 * Takes over what an earlier `up` left that was killed before it wrote the state, and finds out whom this one brings.
 * @throws what stands in the way of taking over
 */
export async function prepareUp(
  io: Io,
  { stack, cell, members, limitedTo, config }: CellRun,
): Promise<Preparation> {
  const place = { cwd: io.projectDir, env: io.env, stack };
  const identity = config?.backup.identity.kind;
  const read = () => exportStack(place).catch(() => undefined);
  // What cannot be read here the run will ask for too, and say why; a note stays for the next run.
  const [note, before] = await Promise.all([
    config !== undefined && canBeTakenOver(identity)
      ? openBucket(config).then((bucket) => new ArrivalsNote(bucket, cell))
      : undefined,
    read(),
  ]);
  const noted = (await note?.read().catch(() => undefined)) ?? [];
  const log = (line: string): void => {
    io.err(`${cell}: ${line}`);
  };
  const left = note === undefined || noted.length === 0 ? [] : await takeOverUnsaved({ ...place, log }, note);
  const state = noted.length > 0 ? await read() : before;
  const arrivals =
    state === undefined || left.length > 0 ? undefined : arrivalsOf({ members, limitedTo, identity }, state);
  if (note === undefined || arrivals === undefined)
    return { arrivals, begin: () => Promise.resolve(), end: () => Promise.resolve() };
  const writtenAt = async (): Promise<string | undefined> =>
    (await exportStack(place)).deployment.manifest?.time;
  let lastWritten = state?.deployment.manifest?.time;
  return {
    arrivals,
    begin: async () => {
      if (arrivals.inTwoPasses) lastWritten = await writtenAt();
      await note.write(arrivals.ids);
    },
    end: async (exitCode) => {
      // The engine may have ended without writing the state.
      if (exitCode === 0 || (await writtenAt()) !== lastWritten) await note.write([]);
    },
  };
}
