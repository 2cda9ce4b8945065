import { setTimeout as sleep } from "node:timers/promises";
import { ClusterError, type Cluster } from "../cluster.ts";
import { endOf, stateOf, type Job, type Pod } from "./objects.ts";
import { whyNotStarted } from "./notStarted.ts";
import { Transcript } from "./transcript.ts";

/** A Job that was made. */
export interface JobRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** How a Job went. */
export interface JobEnd {
  readonly state: "succeeded" | "failed" | "not-started";
  /** Of the operations program; 1 where it did not get so far. */
  readonly exitCode: number;
  /** Why it failed; null where it did not. */
  readonly reason: string | null;
  /** Pods that were started. */
  readonly tries: number;
  /** The object that the program printed at its end; null without. */
  readonly result: Readonly<Record<string, unknown>> | null;
}

export interface FollowOptions {
  readonly say: (line: string) => void;
  /** Its reason is thrown when it comes. */
  readonly signal: AbortSignal;
  /** Called once a container runs, which has then read its Secrets. */
  readonly onStart?: () => void;
  /** Told why no pod runs, when that changes. */
  readonly onWaiting?: (why: string | undefined) => void;
}

/** How long a Job may be without a pod that runs, also between two tries; well above its back-off. */
const START_SECONDS = 180;
const QUIET_SECONDS = 30;
const ASKED_TIMES = 10;
const POLL_MS = { least: 250, most: 2_000 } as const;

/**
 * Follows a Job to its end: the log of each of its pods, and why none starts.
 * @throws the signal's reason; ClusterError
 */
export async function followJob(cluster: Cluster, job: JobRef, options: FollowOptions): Promise<JobEnd> {
  const { namespace, name, uid } = job;
  const { say, signal, onStart, onWaiting } = options;
  const transcript = new Transcript(say);
  const done = new Set<string>();
  let idleSince = performance.now();
  let obstacle: string | undefined;
  for (let polls = 0; ; polls++) {
    signal.throwIfAborted();
    const present = await steadily(() => cluster.get<Job>("jobs", namespace, name));
    if (present?.metadata.uid !== uid)
      return { ...failed(`the Job ${namespace}/${name} was deleted`), tries: done.size };
    const pods = await steadily(() => podsOf(cluster, job));
    const next = pods.find((pod) => !done.has(pod.metadata.uid ?? "") && hasRun(pod));
    if (next !== undefined) {
      onStart?.();
      if (done.size > 0) say(`try ${done.size + 1} begins`);
      await followPod(cluster, next, transcript, signal);
      done.add(next.metadata.uid ?? "");
      idleSince = performance.now();
      continue;
    }
    const end = endOf(present);
    if (end?.type === "Complete")
      return {
        state: "succeeded",
        exitCode: 0,
        reason: null,
        tries: done.size,
        result: transcript.result ?? null,
      };
    if (end !== undefined) {
      const exitCode = exitCodeOf(pods);
      const reason = transcript.failure ?? end.message ?? end.reason ?? "it says no reason";
      return { ...failed(reason), exitCode, tries: done.size };
    }
    const idle = (performance.now() - idleSince) / 1000;
    if (polls % 4 === 0 && present.spec.suspend !== true) {
      const why = await steadily(() => whyNotStarted(cluster, job, pods));
      if (why !== undefined && kindOf(why) !== kindOf(obstacle)) say(`waiting: ${why}`);
      obstacle = why;
      onWaiting?.(why);
    }
    if (idle > START_SECONDS)
      return {
        ...failed(
          `no pod of it has started in ${START_SECONDS} s: ${obstacle ?? "the cluster gives no reason"}`,
        ),
        state: "not-started",
        tries: done.size,
      };
    await sleep(Math.min(POLL_MS.most, POLL_MS.least + idle * 50), undefined, { signal }).catch(
      () => undefined,
    );
  }
}

/** Asks the API server again where it cannot be reached for a moment. */
async function steadily<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = ASKED_TIMES; ; left--) {
    try {
      return await ask();
    } catch (error) {
      if (left <= 1 || !(error instanceof ClusterError && error.reason === "")) throw error;
      await sleep(POLL_MS.most);
    }
  }
}

/** An obstacle without the names of the pods that it kept from being made, each of another name. */
const kindOf = (why: string | undefined): string | undefined => why?.replaceAll(/pods? "[^"]*"/g, "a pod");

const failed = (reason: string) => ({ state: "failed", exitCode: 1, reason, result: null }) as const;

/** A Job's pods, the oldest first; not those of an earlier Job of its name. */
async function podsOf(cluster: Cluster, { namespace, name, uid }: JobRef): Promise<readonly Pod[]> {
  const pods = await cluster.list<Pod>("pods", namespace, ["-l", `job-name=${name}`]);
  const born = ({ metadata }: Pod): string => metadata.creationTimestamp ?? "";
  return pods
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid) === true)
    .sort((a, b) => born(a).localeCompare(born(b)));
}

function hasRun(pod: Pod): boolean {
  const { running, terminated } = stateOf(pod);
  return running !== undefined || terminated !== undefined;
}

/** Of the last pod that ended badly; a pod that the cluster took away has none. */
function exitCodeOf(pods: readonly Pod[]): number {
  const codes = pods.map((pod) => stateOf(pod).terminated?.exitCode).filter((code) => code !== undefined);
  return codes.findLast((code) => code !== 0) ?? 1;
}

/** Tells a pod's log to its end, over lost connections. */
async function followPod(
  cluster: Cluster,
  pod: Pod,
  transcript: Transcript,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = "", name = "", uid } = pod.metadata;
  const container = pod.status?.containerStatuses?.[0]?.name ?? "";
  let told = 0;
  let lastSaid = performance.now();
  const quiet = setInterval(() => {
    if (performance.now() - lastSaid > QUIET_SECONDS * 1000) transcript.stillRunning();
  }, QUIET_SECONDS * 1000);
  try {
    for (;;) {
      let read = 0;
      await cluster.followLog(
        namespace,
        name,
        container,
        (line) => {
          read += 1;
          if (read <= told) return;
          told = read;
          lastSaid = performance.now();
          transcript.tell(line);
        },
        signal,
      );
      signal.throwIfAborted();
      const present = await steadily(() => cluster.get<Pod>("pods", namespace, name));
      if (present === undefined || present.metadata.uid !== uid || stateOf(present).running === undefined)
        return;
      await sleep(POLL_MS.least, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    clearInterval(quiet);
  }
}
