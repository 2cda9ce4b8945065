import { refOf } from "../../../kube/client.ts";
import { IncompleteError, type Operation } from "../../base/spec.ts";
import type { Props, Value } from "../../base/wire.ts";
import { asObject, asProps, type Cluster } from "../cluster.ts";
import { annotation, at, idOf, isAnnotated, text, timeoutOf } from "../metadata.ts";
import { describe, list, pause, type Readiness } from "./poll.ts";
import { ruleOf, waitForRule } from "./rules.ts";

/**
 * Waits until an object is ready as the vendor means it, showing progress on the resource's line, and returns
 * the live object. An object that does not become ready is recorded all the same (`IncompleteError`).
 */
export async function untilReady(
  op: Operation<Cluster>,
  inputs: Props,
  applied: Props,
  state: (live: Props) => Props,
): Promise<Props> {
  const custom = annotation(inputs, "waitFor");
  const rule = custom === undefined ? ruleOf(applied) : waitForRule(custom);
  if (rule === undefined || isAnnotated(inputs, "skipAwait")) return applied;
  const kube = op.client.kube();
  const since = Date.now();
  const around = { kube, signal: op.signal, since };
  const seconds = timeoutOf(op.timeout, inputs, rule.timeout);
  const deadline = since + seconds * 1000;
  let live = applied;
  let shown = "";
  for (let attempt = 0; ; attempt++) {
    let progress = await rule.check(live, around);
    if (progress.state === "ready") {
      if (shown !== "") op.log.status("");
      return live;
    }
    if (progress.state === "waiting" && Date.now() >= deadline) {
      progress = { state: "failed", message: `timed out after ${seconds} s: ${progress.message}` };
    }
    if (progress.state === "failed") throw await incomplete(progress.message, rule, live, around, state);
    if (progress.message !== shown) {
      shown = progress.message;
      op.log.status(shown);
    }
    try {
      await pause(attempt, op);
      const found = await kube.get(refOf(asObject(applied)), op.signal);
      if (found === undefined) throw new Error(`${idOf(applied)} was deleted while it was awaited`);
      live = asProps(found);
    } catch (error) {
      if (!op.signal.aborted) throw error;
      throw await incomplete("the update was cancelled before it was ready", rule, live, around, state);
    }
  }
}

async function incomplete(
  message: string,
  rule: Readiness,
  live: Props,
  around: Parameters<Readiness["check"]>[1],
  state: (live: Props) => Props,
): Promise<IncompleteError> {
  let reasons: readonly string[] = [];
  try {
    reasons = (await rule.reasons?.(live, around)) ?? [];
  } catch {
    // The reasons are a help; the failure they explain is what matters.
  }
  const sentence =
    `the Kubernetes API server reported that "${idOf(live)}" failed to fully initialize or become live: ` +
    [message, ...reasons].join("; ");
  return new IncompleteError(idOf(live), state(live), sentence);
}

/** Kinds whose deletion the vendor does not await under `pulumi.com/skipAwait`. */
const MAY_SKIP = [
  "Namespace",
  "Pod",
  "ReplicationController",
  "DaemonSet",
  "Deployment",
  "StatefulSet",
  "Job",
];

/** Deletes an object and waits until it is gone. One that is gone already, kind and all, is no error. */
export async function untilGone(op: Operation<Cluster>, object: Props): Promise<void> {
  const kube = op.client.kube();
  const ref = refOf(asObject(object));
  const uid = at(object, "metadata", "uid");
  const policy = annotation(object, "deletionPropagationPolicy")?.toLowerCase();
  const propagationPolicy =
    policy === "orphan" ? "Orphan" : policy === "background" ? "Background" : "Foreground";
  if (!(await kube.delete(ref, { propagationPolicy, signal: op.signal }))) return;
  if (isAnnotated(object, "skipAwait") && MAY_SKIP.includes(ref.kind)) return;
  const seconds = timeoutOf(op.timeout, object, ref.kind === "Namespace" ? 600 : 300);
  const deadline = Date.now() + seconds * 1000;
  let shown = false;
  for (let attempt = 0; ; attempt++) {
    const found = await kube.get(ref, op.signal);
    // Another object may have taken the name meanwhile.
    if (found === undefined || (uid !== undefined && found.metadata.uid !== uid)) {
      if (shown) op.log.status("");
      return;
    }
    const live = asProps(found);
    if (Date.now() >= deadline)
      throw new Error(`"${idOf(live)}" is still there after ${seconds} s: ${remains(live)}`);
    if (attempt === 4) {
      shown = true;
      op.log.status(`Waiting for ${ref.kind} to be deleted: ${remains(live)}`);
    }
    await pause(attempt, op);
  }
}

/** What keeps an object that is being deleted. */
function remains(live: Props): string {
  const finalizers = at(live, "metadata", "finalizers");
  const inSpec = at(live, "spec", "finalizers");
  const names = [finalizers, inSpec].flatMap((each) =>
    Array.isArray(each) ? each.map((item) => text(item as Value) ?? "") : [],
  );
  const content = list(at(live, "status", "conditions"))
    .filter(({ type, status }) => (text(type) ?? "").startsWith("Namespace") && status === "True")
    .map(describe);
  const waitsFor = names.length === 0 ? [] : [`it waits for the finalizers ${names.join(", ")}`];
  const parts = [...waitsFor, ...content];
  return parts.length === 0 ? "its deletion is pending" : parts.join("; ");
}
