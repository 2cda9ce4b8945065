import type { Plan } from "./catalogue.ts";
import type { Compute, PodSpec, Quota, Replicas } from "./spec.ts";

/** How far a pod may burst over its CPU request. Memory does not burst: its limit is its request. */
const CPU_BURST = 2;

/** Each Job pod (init, backup, restore). So many may run at once beside the application: */
export const JOB_POD = {
  requests: { cpu: 100, memory: 256 * 2 ** 20 },
  limits: { cpu: 1000, memory: 512 * 2 ** 20 },
} as const satisfies Record<string, Compute>;
const JOB_PODS = 3;
/** In a pool, whose tenants' backups are spread over the hour; more of them wait until others have ended. */
export const POOL_JOB_PODS = 10;

/** The pods that a rollout adds to the autoscaler's maximum; without room for it the rollout would never end. */
const SURGE_PODS = 1;

/** One application pod: what the plan sells, spread over the fewest pods that run. */
export function podCompute(resources: Plan["resources"], minReplicas: number): PodSpec {
  return podOf({
    cpu: Math.ceil(resources.cpu / minReplicas),
    memory: Math.ceil(resources.memory / minReplicas),
  });
}

/** A pod that is guaranteed so much. */
export const podOf = (requests: Compute): PodSpec => ({
  requests: { cpu: requests.cpu, memory: requests.memory },
  limits: { cpu: requests.cpu * CPU_BURST, memory: requests.memory },
});

/**
 * Caps of a namespace in which the autoscaler's maximum, a surge pod and the Jobs fit.
 * @param app the application's pods; undefined where none run
 * @param jobs pods of Jobs that may run at once
 */
export function namespaceQuota(
  app: { readonly pod: PodSpec; readonly replicas: Replicas } | undefined,
  storageBytes: number,
  jobs = JOB_PODS,
): Quota {
  const pods = app === undefined ? 0 : app.replicas.max + SURGE_PODS;
  const { requests, limits } = app?.pod ?? { requests: NOTHING, limits: NOTHING };
  return {
    requests: total(requests, pods, JOB_POD.requests, jobs),
    limits: total(limits, pods, JOB_POD.limits, jobs),
    pods: pods + jobs,
    storageBytes,
  };
}

/** cert-manager's pod for one host, as cert-manager makes it unless it is told otherwise. */
const SOLVER_POD = {
  requests: { cpu: 10, memory: 64 * 2 ** 20 },
  limits: { cpu: 100, memory: 64 * 2 ** 20 },
} as const satisfies Record<string, Compute>;

/** A quota with room for the pods by which so many hosts prove themselves at once. */
export const withSolvers = (quota: Quota, hosts: number): Quota => ({
  ...quota,
  requests: total(SOLVER_POD.requests, hosts, quota.requests, 1),
  limits: total(SOLVER_POD.limits, hosts, quota.limits, 1),
  pods: quota.pods + hosts,
});

const NOTHING: Compute = { cpu: 0, memory: 0 };

const total = (pod: Compute, pods: number, job: Compute, jobs: number): Compute => ({
  cpu: pod.cpu * pods + job.cpu * jobs,
  memory: pod.memory * pods + job.memory * jobs,
});
