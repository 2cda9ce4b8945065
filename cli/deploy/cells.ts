import type { CellConfig } from "../../components/cell/config.ts";
import type { Io } from "../io.ts";
import { stackOutputs } from "../stack.ts";
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
 * Runs pulumi on several cells, as many at once as asked for, in their order; but where a cell comes up for the first
 * time, those that use what it makes wait until that is there. A cell that fails stops no other, unless asked for.
 * Ctrl-C goes to the runs that are under way, which end in order, and begins no further one.
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
  const endings = new Map<CellRun, CellEnding>();
  const runCell = async (run: CellRun, onShared: () => void): Promise<void> => {
    const begun = performance.now();
    progress.begin(run);
    const { ended, interrupt } = startPulumi(io, command, run, {
      onProgress: (done) => {
        progress.step(run, done);
      },
      onShared,
    });
    active.add(interrupt);
    const ending = await ended.finally(() => active.delete(interrupt));
    // A preview whose program fails is told by its output.
    const result: Result = ending.code === 0 ? "done" : interrupted ? "interrupted" : "failed";
    failed ||= result === "failed";
    const whole = { ...ending, run, result, seconds: (performance.now() - begun) / 1000 };
    endings.set(run, whole);
    progress.end(whole);
  };
  try {
    const first = command === "up" ? await cellsToComeFirst(io, runs) : [];
    const made = new Map(first.map((run) => [run, Promise.withResolvers<undefined>()]));
    const waiting = [...first, ...runs.filter((run) => !first.includes(run))];
    const work = async (): Promise<void> => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
        const { config } = run;
        const onShared = (): void => made.get(run)?.resolve(undefined);
        // Of those that come first each may need another: it waits for none that comes after it.
        const earlier = first.includes(run) ? first.slice(0, first.indexOf(run)) : first;
        const needed = earlier.filter((other) => serves(other.config, config));
        await Promise.all(needed.flatMap((other) => made.get(other)?.promise ?? []));
        if (!interrupted && !(failFast && failed)) await runCell(run, onShared);
        onShared();
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallel, runs.length) }, work));
  } finally {
    progress.close();
    letGo();
  }
  return runs.map((run) => endings.get(run) ?? { run, ...NOT_BEGUN });
}

const NOT_BEGUN = {
  result: "skipped",
  seconds: 0,
  code: 0,
  began: false,
  output: "",
  done: NOTHING_DONE,
  errors: [],
} as const;

/** Of some cells those that were never up, and without which others of them cannot be. */
async function cellsToComeFirst(io: Io, runs: readonly CellRun[]): Promise<readonly CellRun[]> {
  const serving = runs.filter(({ config }) => runs.some((other) => serves(config, other.config)));
  const isNew = async ({ stack }: CellRun): Promise<boolean> => {
    // Where they cannot be read the run will say why.
    const outputs = await stackOutputs(io, stack).catch(() => undefined);
    return outputs !== undefined && Object.keys(outputs).length === 0;
  };
  const areNew = await Promise.all(serving.map(isNew));
  return serving.filter((_, index) => areNew[index]);
}

/** Whether a cell makes what another uses: the namespace of the operations, or the bucket. */
function serves(one: CellConfig | undefined, other: CellConfig | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const [sharesCluster, sharesBucket] = [
    one.kubernetes.context === other.kubernetes.context,
    one.backup.bucket === other.backup.bucket,
  ];
  return (
    (sharesCluster && one.operations && !other.operations) ||
    (sharesBucket && one.backup.manage && !other.backup.manage)
  );
}
