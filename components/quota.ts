import { LimitRange } from "@pulumi/kubernetes/core/v1/limitRange.js";
import { ResourceQuota } from "@pulumi/kubernetes/core/v1/resourceQuota.js";
import type { Resource } from "@pulumi/pulumi";
import { formatBytes, formatCpu } from "../registry/quantities.ts";
import { JOB_POD } from "../registry/resolve.ts";
import { withSolvers } from "../registry/quota.ts";
import type { Quota } from "../registry/spec.ts";
import type { NamespacedScope } from "./scope.ts";

/** Objects a namespace may hold: what the program makes, and room for Jobs that a CronJob keeps. */
const OBJECTS = {
  "count/configmaps": "20",
  "count/secrets": "30",
  "count/services": "5",
  "count/jobs.batch": "30",
  "count/cronjobs.batch": "10",
  persistentvolumeclaims: "2",
  "services.nodeports": "0",
  "services.loadbalancers": "0",
} as const;

/** Services of a namespace in which so many hosts prove themselves at once, each by a Service of its own. */
const servicesFor = (solvers: number): Readonly<Record<string, string>> =>
  solvers === 0 ? {} : { "count/services": String(Number(OBJECTS["count/services"]) + solvers) };

/** What differs between namespaces. */
export interface QuotaArgs {
  /** What must be done before the limits change. Default: nothing. */
  readonly after?: readonly Resource[];
  /**
   * Counts that differ from a tenant's, where many come at once: then counts are a quota of their own. In one with pods the
   * API server refuses objects by chance ("the object has been modified"), as pods that end change it all the time.
   * Default: none.
   */
  readonly objects?: Readonly<Record<string, string>>;
  /** Hosts that prove themselves in it at once, each by a pod that states no limits; the program's all do. Default: 0. */
  readonly solvers?: number;
}

/**
 * ResourceQuota, and a LimitRange for pods that state no limits: without one the quota refuses them. The quota holds the
 * autoscaler's maximum, one surge pod and the Jobs, or a rollout would wait for ever. `pods` is counted plainly, because
 * `count/pods` counts finished ones too.
 */
export function createQuota(
  { name: prefix, labels, parent, namespace }: NamespacedScope,
  quota: Quota,
  { after = [], objects, solvers = 0 }: QuotaArgs = {},
): Resource[] {
  const { requests, limits, pods, storageBytes } = withSolvers(quota, solvers);
  const opts = { parent, dependsOn: [...after] };
  const metadata = (name: string) => ({ name, namespace, labels });
  const make = (suffix: string, name: string, hard: Readonly<Record<string, string>>) =>
    new ResourceQuota(`${prefix}-${suffix}`, { metadata: metadata(name), spec: { hard } }, opts);
  const compute = {
    "requests.cpu": formatCpu(requests.cpu),
    "requests.memory": formatBytes(requests.memory),
    "limits.cpu": formatCpu(limits.cpu),
    "limits.memory": formatBytes(limits.memory),
    "requests.storage": formatBytes(storageBytes),
    pods: String(pods),
  };
  const counts = { ...OBJECTS, ...servicesFor(solvers), ...objects };
  const quotas =
    objects === undefined
      ? [make("quota", "tenant-quota", { ...compute, ...counts })]
      : [make("quota", "tenant-quota", compute), make("object-quota", "object-quota", counts)];
  if (solvers === 0) return quotas;
  const limitRange = new LimitRange(
    `${prefix}-limits`,
    {
      metadata: metadata("tenant-limits"),
      spec: {
        limits: [
          {
            type: "Container",
            defaultRequest: {
              cpu: formatCpu(JOB_POD.requests.cpu),
              memory: formatBytes(JOB_POD.requests.memory),
            },
            default: { cpu: formatCpu(JOB_POD.limits.cpu), memory: formatBytes(JOB_POD.limits.memory) },
          },
        ],
      },
    },
    opts,
  );
  return [...quotas, limitRange];
}
