import { createHash } from "node:crypto";
import type { Catalogue } from "./catalogue.ts";
import { platformHost } from "./naming.ts";
import type { Registry, TenantEntry } from "./schema.ts";
import type { Compute, TenantSpec } from "./spec.ts";

/** How far a pod may burst over its CPU request. Memory does not burst: its limit is its request. */
const CPU_BURST = 2;

/** Each Job pod (init, backup, restore). Three may run at once beside the application. */
export const JOB_POD = {
  requests: { cpu: 100, memory: 256 * 2 ** 20 },
  limits: { cpu: 1000, memory: 512 * 2 ** 20 },
} as const satisfies Record<string, Compute>;
const JOB_PODS = 3;

/** Context that a registry resolves in. */
export interface ResolveContext {
  /** The platform's domain, e.g. yourwarehousesaas.com. */
  readonly baseDomain: string;
}

/** Applies every default: the only place that knows them. The result is deeply frozen. */
export function resolveTenant(
  entry: TenantEntry,
  registry: Registry,
  catalogue: Catalogue,
  context: ResolveContext,
): TenantSpec {
  const plan = catalogue.plans[entry.plan];
  const digest = registry.releases.versions[entry.release]?.digest;
  if (digest === undefined) throw new Error(`release ${entry.release} passed validation but has no digest`);
  const pod = podCompute(plan.resources, plan.replicas.min);
  const pods = plan.replicas.max + 1;
  return deepFreeze({
    id: entry.id,
    displayName: entry.displayName ?? entry.id,
    plan: entry.plan,
    placement: plan.placement,
    state: entry.state,
    since: entry.since,
    host: platformHost(entry.id, context.baseDomain),
    customHosts: entry.domains
      .filter((domain) => domain.verification === "verified")
      .map((domain) => domain.host)
      .sort(),
    release: { version: entry.release, image: `${registry.releases.image}@${digest}` },
    features: {
      aiWorkflows: entry.features.ai_workflows ?? plan.entitlements.aiWorkflows,
      chatbot: entry.features.chatbot ?? plan.entitlements.chatbot,
      theme: entry.features.custom_theme ?? "",
      integrations: [...entry.features.integrations].sort(),
    },
    pod,
    replicas: plan.replicas,
    uploadsBytes: plan.resources.storage,
    quota: {
      requests: scaledSum(pod.requests, pods, JOB_POD.requests, JOB_PODS),
      limits: scaledSum(pod.limits, pods, JOB_POD.limits, JOB_PODS),
      pods: pods + JOB_PODS,
      storageBytes: plan.resources.storage,
    },
    connections: {
      app: plan.database.appConnections,
      migrate: plan.database.migrateConnections,
      backup: plan.database.backupConnections,
      database: plan.database.connections,
    },
    backup: {
      schedule: spreadMinute(plan.backup.schedule, entry.id),
      retainDays: plan.backup.retainDays,
      maxAgeMinutes: plan.slo.backupMaxAgeMinutes,
    },
    slo: { availability: plan.slo.availability, p95Ms: plan.slo.p95Ms },
  });
}

function podCompute(resources: Compute, minReplicas: number): TenantSpec["pod"] {
  const requests = {
    cpu: Math.ceil(resources.cpu / minReplicas),
    memory: Math.ceil(resources.memory / minReplicas),
  };
  return { requests, limits: { cpu: requests.cpu * CPU_BURST, memory: requests.memory } };
}

function scaledSum(pod: Compute, pods: number, job: Compute, jobs: number): Compute {
  return { cpu: pod.cpu * pods + job.cpu * jobs, memory: pod.memory * pods + job.memory * jobs };
}

/** Replaces the minute of a cron schedule by one drawn from the id, so that a cell's backups do not start together. */
function spreadMinute(schedule: string, id: string): string {
  const minute = createHash("sha256").update(id).digest().readUInt32BE(0) % 60;
  return schedule.replace(/^\S+/, String(minute));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
