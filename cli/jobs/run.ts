import type { Cluster } from "../cluster.ts";
import type { Io } from "../io.ts";
import { followJob, type JobEnd, type JobRef } from "./follow.ts";
import type { Job } from "./objects.ts";

/** How a Job went, for programs: `--json` prints it. */
export interface JobReport extends Omit<JobEnd, "state"> {
  readonly job: { readonly namespace: string; readonly name: string };
  /** interrupted, timed-out: it goes on in the cluster. started: nobody waits for it. */
  readonly state: JobEnd["state"] | Stop["state"];
  /** From its creation to its end. */
  readonly seconds: number;
}

const STOPPED = { started: 0, interrupted: 130, "timed-out": 1 } as const;

/** What ends the wait for a Job from outside. */
export class Stop extends Error {
  readonly state: keyof typeof STOPPED;

  constructor(state: Stop["state"], message: string = state) {
    super(message);
    this.state = state;
  }
}

/**
 * Runs an action with a signal that comes when the user interrupts or the time is over. While it runs, an interruption
 * does nothing else, so that the action can put things in order.
 * @param timeout seconds
 */
export async function untilStopped<T>(
  io: Io,
  timeout: number,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const release = io.onInterrupt(() => {
    controller.abort(new Stop("interrupted"));
  });
  const timer = setTimeout(() => {
    controller.abort(new Stop("timed-out", `not done after ${timeout} s`));
  }, timeout * 1000);
  try {
    return await action(controller.signal);
  } finally {
    clearTimeout(timer);
    release();
  }
}

export interface WatchOptions {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly onStart?: () => void;
}

/**
 * Follows a Job and says how it went. A Job none of whose pods has run is deleted when nobody waits for it any more:
 * it would run later, when nobody expects it. One that runs goes on.
 */
export async function watchJob(cluster: Cluster, job: Job, options: WatchOptions): Promise<JobReport> {
  const { namespace = "", name = "", uid = "" } = job.metadata;
  const ref: JobRef = { namespace, name, uid };
  const begun = performance.now();
  const seen: { hasRun: boolean; obstacle?: string | undefined } = { hasRun: false };
  const end = await followJob(cluster, ref, {
    ...options,
    onStart: () => {
      seen.hasRun = true;
      options.onStart?.();
    },
    onWaiting: (why) => {
      seen.obstacle = why;
    },
  }).catch((error: unknown) => {
    if (!(error instanceof Stop)) throw error;
    const { state, message } = error;
    const why = seen.hasRun || seen.obstacle === undefined ? "" : `: ${seen.obstacle}`;
    const reason = state === "started" ? null : `${message}${why}`;
    return { state, exitCode: STOPPED[state], reason, tries: seen.hasRun ? 1 : 0, result: null };
  });
  const isGone = !seen.hasRun && end.state !== "succeeded";
  if (isGone) await cluster.removeJob(namespace, name, uid);
  return {
    job: { namespace, name },
    ...end,
    ...(isGone && end.reason !== null ? { reason: `${end.reason}; nothing ran, the Job is deleted` } : {}),
    seconds: Math.round((performance.now() - begun) / 100) / 10,
  };
}

/** A Job that nobody waits for. */
export const unwatched = ({ metadata }: Job): JobReport => ({
  job: { namespace: metadata.namespace ?? "", name: metadata.name ?? "" },
  ...{ state: "started", exitCode: 0, reason: null, tries: 0, result: null, seconds: 0 },
});
