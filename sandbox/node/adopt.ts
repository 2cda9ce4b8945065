import type { ContainerRecord } from "./podStatus.ts";
import { isOpsImage, type Pod } from "./types.ts";

/**
 * What a node that was restarted knows of a pod's containers from the pod's published status: what ended stays
 * ended, what was only reported still is, and a process that was running has died with the node.
 */
export function adoptedContainers(pod: Pod, now: string): Map<string, ContainerRecord> {
  const { spec, status } = pod;
  const images = new Map(
    [...(spec.initContainers ?? []), ...spec.containers].map(({ name, image }) => [name, image]),
  );
  const records = new Map<string, ContainerRecord>();
  for (const known of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    if (!images.has(known.name)) continue;
    const { terminated, running } = known.state;
    const restarts = known.restartCount;
    if (terminated !== undefined || (running !== undefined && !isOpsImage(images.get(known.name)))) {
      records.set(known.name, { state: known.state, restarts });
    } else if (running !== undefined) {
      const lost = {
        exitCode: 137,
        reason: "ContainerStatusUnknown",
        message: "the node was restarted while the container ran",
        startedAt: running.startedAt,
        finishedAt: now,
      };
      records.set(known.name, { state: { terminated: lost }, restarts });
    }
  }
  return records;
}
