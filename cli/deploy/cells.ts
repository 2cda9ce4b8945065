import type { Io } from "../io.ts";
import { NOTHING_DONE, startPulumi, type CellRun, type Ending } from "./engine.ts";
import { progressOf } from "./progress.ts";

/** How the run of a cell ended. skipped: it was not begun. */
export type Result = "done" | "failed" | "interrupted" | "skipped";

export interface CellEnding extends Ending {
  readonly run: CellRun;
  readonly result: Result;
  readonly seconds: number;
}

export interface RunOptions {
  /** Cells at once. */
  readonly parallel: number;
  /** Begin no further cell once one has failed. */
  readonly failFast: boolean;
}

/**
 * Runs pulumi on several cells, as many at once as asked for, in their order. A cell that fails stops no other, unless
 * asked for. Ctrl-C goes to the runs that are under way, which end in order, and begins no further one.
 * @returns how each ended, in the order of the runs
 */
export async function runCells(
  io: Io,
  command: "up" | "preview",
  runs: readonly CellRun[],
  { parallel, failFast }: RunOptions,
): Promise<readonly CellEnding[]> {
  const progress = progressOf(io, command, runs);
  const active = new Set<() => void>();
  let [interrupted, failed] = [false, false];
  const letGo = io.onInterrupt(() => {
    interrupted = true;
    for (const interrupt of active) interrupt();
  });
  const waiting = runs.map((run, index) => ({ run, index }));
  const endings: CellEnding[] = runs.map((run) => ({
    ...{ run, result: "skipped", seconds: 0, code: 0, output: "", done: NOTHING_DONE, errors: [] },
  }));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (interrupted || (failFast && failed)) return;
      const { run, index } = next;
      const begun = performance.now();
      progress.begin(run);
      const { ended, interrupt } = startPulumi(io, command, run, (done) => {
        progress.step(run, done);
      });
      active.add(interrupt);
      const ending = await ended.finally(() => active.delete(interrupt));
      // A preview whose program fails is told by its output.
      const result: Result = ending.code === 0 ? "done" : wasInterrupted() ? "interrupted" : "failed";
      failed ||= result === "failed";
      const whole = { ...ending, run, result, seconds: (performance.now() - begun) / 1000 };
      endings[index] = whole;
      progress.end(whole);
    }
  };
  // It changes while a run is waited for.
  const wasInterrupted = (): boolean => interrupted;
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, runs.length) }, work));
  } finally {
    progress.close();
    letGo();
  }
  return endings;
}
