import { parseBytes, parseCpu } from "../../registry/quantities.ts";
import { JOB_POD } from "../../registry/resolve.ts";
import { isForPods, type CellView, type Check, type Workload } from "../cell.ts";
import { at, fieldsOf, numberOf, textOf } from "../fields.ts";
import { selects } from "../network.ts";

const amount = (parse: (text: string) => number | undefined, value: unknown): number =>
  value === "0" ? 0 : (parse(textOf(value)) ?? Number.NaN);

/** The most pods that a Deployment can have: its autoscaler's maximum, or its replicas, and one during a rollout. */
function mostPods(cell: CellView, { manifest, namespace }: Workload): number {
  const scaler = cell
    .ofKind("HorizontalPodAutoscaler", namespace)
    .find(({ spec }) => at(spec, "scaleTargetRef", "name") === manifest.metadata.name);
  const replicas =
    scaler === undefined ? at(manifest["spec"], "replicas") : at(scaler["spec"], "maxReplicas");
  return replicas === 0 ? 0 : numberOf(replicas) + 1;
}

/** What the Deployments of a namespace can request at most, and one Job beside them. */
function need(cell: CellView, name: string): { pods: number; cpu: number; memory: number } {
  const total = { pods: 1, cpu: JOB_POD.requests.cpu, memory: JOB_POD.requests.memory };
  for (const workload of cell.workloads) {
    if (workload.namespace !== name || workload.manifest.kind !== "Deployment") continue;
    const pods = mostPods(cell, workload);
    total.pods += pods;
    for (const { resources } of workload.containers) {
      total.cpu += pods * amount(parseCpu, at(resources, "requests", "cpu"));
      total.memory += pods * amount(parseBytes, at(resources, "requests", "memory"));
    }
  }
  return total;
}

const COUNTED = [
  ["count/configmaps", "ConfigMap"],
  ["count/secrets", "Secret"],
  ["count/services", "Service"],
  ["count/jobs.batch", "Job"],
  ["count/cronjobs.batch", "CronJob"],
  ["persistentvolumeclaims", "PersistentVolumeClaim"],
] as const;

/** Everything fits in the quota of its namespace, with room for a rollout and a Job; or it would wait without a word. */
export const quotasFit: Check = function* (cell) {
  for (const namespace of cell.ofKind("Namespace")) {
    const { name } = namespace.metadata;
    if (!isForPods(namespace)) {
      if (cell.workloads.some((each) => each.namespace === name))
        yield [namespace, "is not for pods, but has some"];
      continue;
    }
    // Cert-manager's pods state no limits.
    if (cell.has("NetworkPolicy", name, "warehouse-solver") && cell.ofKind("LimitRange", name).length === 0)
      yield [namespace, "has no default limits"];
    const quotas = cell.ofKind("ResourceQuota", name);
    const [quota] = quotas;
    if (quota === undefined) {
      yield [namespace, "has no quota"];
      continue;
    }
    const hard = Object.assign({}, ...quotas.map(({ spec }) => fieldsOf(at(spec, "hard")))) as Readonly<
      Record<string, unknown>
    >;
    const { pods, cpu, memory } = need(cell, name);
    const storage = cell
      .ofKind("PersistentVolumeClaim", name)
      .reduce((sum, { spec }) => sum + amount(parseBytes, at(spec, "resources", "requests", "storage")), 0);
    const needs = [
      ["pods", pods, amount(Number, hard["pods"])],
      ["requests.cpu", cpu, amount(parseCpu, hard["requests.cpu"])],
      ["requests.memory", memory, amount(parseBytes, hard["requests.memory"])],
      ["requests.storage", storage, amount(parseBytes, hard["requests.storage"])],
      ...COUNTED.map(([key, kind]) => {
        const made = kind === "ConfigMap" ? 1 : 0; // kube-root-ca.crt
        return [key, cell.ofKind(kind, name).length + made, amount(Number, hard[key])] as const;
      }),
    ] as const;
    for (const [key, needed, given] of needs)
      if (!(needed <= given)) yield [quota, `${key} is ${given}, but ${needed} may be needed`];
    for (const key of ["services.nodeports", "services.loadbalancers"])
      if (hard[key] !== "0") yield [quota, `${key} must be 0`];
  }
};

/** Autoscalers own the replicas of a Deployment that exists; a disruption budget leaves pods to move, one at a time. */
export const scalingIsSound: Check = function* (cell) {
  for (const scaler of cell.ofKind("HorizontalPodAutoscaler")) {
    const { scaleTargetRef, minReplicas, maxReplicas } = fieldsOf(scaler["spec"]);
    const target = at(scaleTargetRef, "name");
    const deployment = cell
      .ofKind("Deployment", scaler.metadata.namespace)
      .find(({ metadata }) => metadata.name === target);
    if (deployment === undefined) yield [scaler, `scales ${textOf(target)}, which does not exist`];
    if (at(deployment?.["spec"], "replicas") !== undefined)
      yield [scaler, "does not own the replicas of its Deployment"];
    if (!(numberOf(minReplicas) >= 2 && numberOf(minReplicas) <= numberOf(maxReplicas)))
      yield [scaler, "must keep two pods at least, and no more than its maximum"];
  }
  for (const budget of cell.ofKind("PodDisruptionBudget")) {
    const { maxUnavailable, minAvailable } = fieldsOf(budget["spec"]);
    if (minAvailable !== undefined || maxUnavailable !== 1)
      yield [budget, "must let one pod go at a time, always"];
  }
  for (const { manifest, namespace, labels } of cell.workloads) {
    if (manifest.kind !== "Deployment" || manifest.metadata.name !== "warehouse-app") continue;
    const budgets = cell.ofKind("PodDisruptionBudget", namespace);
    if (!budgets.some(({ spec }) => selects(fieldsOf(at(spec, "selector")), labels)))
      yield [manifest, "has no disruption budget"];
    const scalers = cell.ofKind("HorizontalPodAutoscaler", namespace);
    if (
      !scalers.some(({ spec }) => at(spec, "scaleTargetRef", "name") === manifest.metadata.name) &&
      at(manifest["spec"], "replicas") !== 0
    )
      yield [manifest, "has no autoscaler"];
  }
};
