import type { KubeObject } from "../../../kube/client.ts";
import { isProps, type Props, type Value } from "../../base/wire.ts";
import { asProps } from "../cluster.ts";
import { at, nameOf, namespaceOf, text } from "../metadata.ts";
import { condition, count, describe, list, type Surroundings } from "./poll.ts";

/** A label selector as the API takes it. */
export function selectorOf(selector: Value | undefined): string | undefined {
  const labels = at(selector, "matchLabels");
  const terms = isProps(labels)
    ? Object.entries(labels).map(([key, value]) => `${key}=${text(value) ?? ""}`)
    : [];
  for (const expression of list(at(selector, "matchExpressions"))) {
    const key = text(expression.key) ?? "";
    const values = Array.isArray(expression.values) ? expression.values.join(",") : "";
    if (expression.operator === "In") terms.push(`${key} in (${values})`);
    if (expression.operator === "NotIn") terms.push(`${key} notin (${values})`);
    if (expression.operator === "Exists") terms.push(key);
    if (expression.operator === "DoesNotExist") terms.push(`!${key}`);
  }
  return terms.length === 0 ? undefined : terms.join(",");
}

/** Pods of a workload, newest first. */
export async function podsOf(workload: Props, around: Surroundings): Promise<readonly Props[]> {
  const labelSelector = selectorOf(at(workload, "spec", "selector"));
  const namespace = namespaceOf(workload);
  if (labelSelector === undefined || namespace === undefined) return [];
  const { items } = await around.kube.list({ apiVersion: "v1", kind: "Pod" }, { namespace, labelSelector });
  const born = (pod: KubeObject): string => pod.metadata.creationTimestamp ?? "";
  return [...items].sort((a, b) => born(b).localeCompare(born(a))).map(asProps);
}

function containerProblem(container: Props): string | undefined {
  if (container.ready === true) return undefined;
  const state = at(container, "state");
  const stopped = at(state, "waiting") ?? at(state, "terminated") ?? at(container, "lastState", "terminated");
  if (!isProps(stopped) || stopped.reason === "Completed") return undefined;
  const code = stopped.exitCode === undefined ? "" : ` (exit code ${String(count(stopped.exitCode))})`;
  return `container ${text(container.name) ?? "?"}${code}: ${describe(stopped)}`;
}

/** What is wrong with a Pod, one line a problem. */
export function podProblems(pod: Props): readonly string[] {
  const containers = [
    ...list(at(pod, "status", "initContainerStatuses")),
    ...list(at(pod, "status", "containerStatuses")),
  ].flatMap((container) => containerProblem(container) ?? []);
  const scheduled = condition(pod, "PodScheduled");
  const problems = [
    ...(scheduled?.status === "False" ? [describe(scheduled)] : []),
    ...containers,
    ...(at(pod, "status", "phase") === "Failed" ? [describe({ reason: "Failed", ...statusTexts(pod) })] : []),
  ];
  return problems.map((problem) => `Pod ${namespaceOf(pod) ?? ""}/${nameOf(pod) ?? "?"}: ${problem}`);
}

function statusTexts(pod: Props): Props {
  const [reason, message] = [text(at(pod, "status", "reason")), text(at(pod, "status", "message"))];
  return { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
}

/** Warnings the cluster has recorded about an object, the latest three. */
export async function warnings(object: Props, around: Surroundings): Promise<readonly string[]> {
  const namespace = namespaceOf(object);
  const uid = text(at(object, "metadata", "uid"));
  if (namespace === undefined || uid === undefined) return [];
  const { items } = await around.kube.list(
    { apiVersion: "v1", kind: "Event" },
    { namespace, fieldSelector: `involvedObject.uid=${uid},type=Warning` },
  );
  const lines = items.map((event) => describe(asProps(event))).filter((line) => line !== "");
  return [...new Set(lines)].slice(-3);
}

/** Problems of a workload's Pods, or where there are none yet the warnings about the workload itself. */
export async function workloadReasons(workload: Props, around: Surroundings): Promise<readonly string[]> {
  const pods = await podsOf(workload, around);
  const problems = pods.flatMap(podProblems);
  const events = await Promise.all(pods.slice(0, 2).map((pod) => warnings(pod, around)));
  return [...new Set([...problems.slice(0, 5), ...events.flat(), ...(await warnings(workload, around))])];
}
