import { setTimeout as sleep } from "node:timers/promises";
import { ClusterError, type Cluster } from "../cluster.ts";
import { Refusal } from "../failures.ts";
import { endOf, type Job } from "./objects.ts";

/** A Job that was not released after so long was left by a command that was killed. */
const ABANDONED_SECONDS = 120;
const GONE_SECONDS = 60;

/**
 * Creates a Job of a fixed name, of which there is one at a time: the API server decides. One that has ended is replaced.
 * @throws Refusal while another is under way
 */
export async function createAlone(cluster: Cluster, job: Job, id: string): Promise<Job> {
  const { namespace = "", name = "" } = job.metadata;
  for (let tries = 0; tries < GONE_SECONDS; tries++) {
    if (tries > 0) await sleep(1_000);
    try {
      return await cluster.create(job);
    } catch (error) {
      if (!(error instanceof ClusterError && error.reason === "AlreadyExists")) throw error;
    }
    await requireNone(cluster, namespace, name, id);
    const present = await cluster.get<Job>("jobs", namespace, name);
    if (present !== undefined) await cluster.removeJob(namespace, name, present.metadata.uid ?? "");
  }
  throw new Refusal(`the Job ${namespace}/${name}, which has ended, does not go; delete it and try again`);
}

/** @throws Refusal while a Job of the name is under way */
export async function requireNone(
  cluster: Cluster,
  namespace: string,
  name: string,
  id: string,
): Promise<void> {
  const present = await cluster.get<Job>("jobs", namespace, name);
  if (present === undefined || endOf(present) !== undefined || isAbandoned(present)) return;
  const { creationTimestamp = "" } = present.metadata;
  throw new Refusal(
    `${id} is being restored already, since ${creationTimestamp}; kubectl --context ${cluster.context} logs --follow -n ${namespace} job/${name}`,
  );
}

function isAbandoned({ metadata, spec }: Job): boolean {
  const age = Date.now() - Date.parse(metadata.creationTimestamp ?? "");
  return spec.suspend === true && age > ABANDONED_SECONDS * 1000;
}
