import type { Cluster, KubeObject } from "../cluster.ts";
import { stateOf, type Pod } from "./objects.ts";

interface Event extends KubeObject {
  readonly message?: string;
  readonly lastTimestamp?: string;
}

/** States that every pod passes through. */
const PASSING = new Set(["ContainerCreating", "PodInitializing"]);

/**
 * Why a Job has no pod that runs: what keeps it from being made (quota, admission), placed (no room), or started (image,
 * Secret, volume). undefined: nothing that anybody complains of.
 */
export async function whyNotStarted(
  cluster: Cluster,
  job: { readonly namespace: string; readonly uid: string },
  pods: readonly Pod[],
): Promise<string | undefined> {
  const pod = pods.at(-1);
  if (pod === undefined) return lastWarning(cluster, job.namespace, job.uid);
  const { waiting } = stateOf(pod);
  if (waiting?.reason !== undefined && !PASSING.has(waiting.reason))
    return [waiting.reason, waiting.message].filter((part) => part !== undefined).join(": ");
  const unplaced = pod.status?.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  if (unplaced !== undefined) return unplaced.message ?? unplaced.reason;
  return lastWarning(cluster, job.namespace, pod.metadata.uid ?? "");
}

async function lastWarning(cluster: Cluster, namespace: string, uid: string): Promise<string | undefined> {
  const selection = ["--field-selector", `type=Warning,involvedObject.uid=${uid}`];
  const events = await cluster.list<Event>("events", namespace, selection);
  const latest = [...events].sort((a, b) => (a.lastTimestamp ?? "").localeCompare(b.lastTimestamp ?? ""));
  return latest.at(-1)?.message;
}
