import type { Plan } from "./catalogue.ts";
import type { Compute, TenantSpec } from "./spec.ts";

/** How far a pod may burst over its CPU request. Memory does not burst: its limit is its request. */
const CPU_BURST = 2;

/** Each Job pod (init, backup, restore). Three may run at once beside the application. */
export const JOB_POD = {
  requests: { cpu: 100, memory: 256 * 2 ** 20 },
  limits: { cpu: 1000, memory: 512 * 2 ** 20 },
} as const satisfies Record<string, Compute>;
const JOB_PODS = 3;

/** The pods that a rollout adds to the autoscaler's maximum; without room for it the rollout would never end. */
const SURGE_PODS = 1;

/** One application pod: what the plan sells, spread over the fewest pods that run. */
export function podCompute(resources: Plan["resources"], minReplicas: number): TenantSpec["pod"] {
  const requests = {
    cpu: Math.ceil(resources.cpu / minReplicas),
    memory: Math.ceil(resources.memory / minReplicas),
  };
  return { requests, limits: { cpu: requests.cpu * CPU_BURST, memory: requests.memory } };
}

/** Caps of a namespace in which the autoscaler's maximum, a surge pod and the Jobs fit. */
export function namespaceQuota(
  pod: TenantSpec["pod"],
  maxReplicas: number,
  storageBytes: number,
): TenantSpec["quota"] {
  const pods = maxReplicas + SURGE_PODS;
  return {
    requests: total(pod.requests, pods, JOB_POD.requests),
    limits: total(pod.limits, pods, JOB_POD.limits),
    pods: pods + JOB_PODS,
    storageBytes,
  };
}

const total = (pod: Compute, pods: number, job: Compute): Compute => ({
  cpu: pod.cpu * pods + job.cpu * JOB_PODS,
  memory: pod.memory * pods + job.memory * JOB_PODS,
});
