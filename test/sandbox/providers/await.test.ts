import type { Surroundings } from "../../../sandbox/providers/kubernetes/await/poll.ts";
import { podProblems, selectorOf } from "../../../sandbox/providers/kubernetes/await/pods.ts";
import { ruleOf, waitForRule } from "../../../sandbox/providers/kubernetes/await/rules.ts";
import type { Props } from "../../../sandbox/providers/base/wire.ts";
import type { KubeClient } from "../../../sandbox/kube/client.ts";

/** A cluster that lists the given objects whatever is asked for. */
const around = (...items: Props[]): Surroundings => ({
  kube: { list: () => Promise.resolve({ resourceVersion: "1", items }) } as unknown as KubeClient,
  signal: new AbortController().signal,
  since: Date.parse("2026-01-01T00:00:00.500Z"),
});
const check = (object: Props, ...others: Props[]) =>
  Promise.resolve(ruleOf(object)?.check(object, around(...others)));
const deployment = (spec: Props, status: Props): Props => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "app", namespace: "n", generation: 2 },
  spec,
  status,
});

describe("a Deployment", () => {
  const done = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

  it("is ready when the newest spec is rolled out and available", async () => {
    expect(await check(deployment({ replicas: 2 }, done))).toMatchObject({ state: "ready" });
    expect(await check(deployment({ replicas: 0 }, { observedGeneration: 2 }))).toMatchObject({
      state: "ready",
    });
  });

  it.each([
    ["the controller has not seen it", { ...done, observedGeneration: 1 }],
    ["Pods are missing", { ...done, availableReplicas: 1 }],
    ["old Pods are still there", { ...done, replicas: 3 }],
  ])("waits while %s", async (_reason, status) => {
    expect(await check(deployment({ replicas: 2 }, status))).toMatchObject({ state: "waiting" });
  });

  const late = (lastUpdateTime: string) => {
    const verdict = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" };
    const conditions = [{ ...verdict, message: "late", lastUpdateTime }];
    return check(deployment({ replicas: 2 }, { ...done, availableReplicas: 0, conditions }));
  };

  it("fails when its progress deadline has passed", async () => {
    expect(await late("2026-01-01T00:00:00Z")).toEqual({
      state: "failed",
      message: "Deployment is not progressing: ProgressDeadlineExceeded: late",
    });
  });

  it("waits where the deadline passed before this update: its cause may be gone", async () => {
    expect(await late("2025-12-31T23:59:59Z")).toMatchObject({ state: "waiting" });
  });

  it("says why no Pod can be made", async () => {
    const conditions = [
      { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota" },
    ];
    expect(await check(deployment({ replicas: 1 }, { observedGeneration: 2, conditions }))).toEqual({
      state: "waiting",
      message:
        "[1/2] Waiting for app ReplicaSet to be available (0/1 Pods available): FailedCreate: exceeded quota",
    });
  });
});

describe("a Job", () => {
  const job = (status: Props, spec: Props = {}): Props => ({
    apiVersion: "batch/v1",
    kind: "Job",
    spec,
    status,
  });

  it("is ready when complete or suspended, and fails when failed", async () => {
    expect(await check(job({ conditions: [{ type: "Complete", status: "True" }] }))).toMatchObject({
      state: "ready",
    });
    expect(await check(job({}, { suspend: true }))).toMatchObject({ state: "ready" });
    const conditions = [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded", message: "limit" }];
    expect(await check(job({ conditions }))).toEqual({
      state: "failed",
      message: "Job failed: BackoffLimitExceeded: limit",
    });
  });

  it("waits while it runs", async () => {
    expect(await check(job({ startTime: "now", active: 1 }))).toEqual({
      state: "waiting",
      message: "[2/2] Waiting for Job to succeed (Active: 1 | Succeeded: 0 | Failed: 0)",
    });
  });
});

describe("other kinds", () => {
  const claim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    spec: { storageClassName: "late" },
    status: {},
  };
  const service = { apiVersion: "v1", kind: "Service", metadata: { name: "s" }, spec: { type: "ClusterIP" } };

  it("does not wait for a claim that binds with its first Pod", async () => {
    const storageClass = { metadata: { name: "late" }, volumeBindingMode: "WaitForFirstConsumer" };
    expect(await check(claim, storageClass)).toMatchObject({ state: "ready" });
    expect(await check(claim)).toMatchObject({ state: "waiting" });
  });

  it("waits for Pods behind a Service, as the vendor does, unless it is headless", async () => {
    expect(await check(service)).toMatchObject({ state: "waiting" });
    expect(await check(service, { endpoints: [{}] })).toMatchObject({ state: "ready" });
    expect(await check({ ...service, spec: { clusterIP: "None" } })).toMatchObject({ state: "ready" });
  });

  it("awaits nothing of kinds without a rule", () => {
    expect(ruleOf({ apiVersion: "v1", kind: "ConfigMap" })).toBeUndefined();
  });

  it("waits for what pulumi.com/waitFor asks", async () => {
    const ready: Props = { status: { phase: "Bound", conditions: [{ type: "Ready", status: "True" }] } };
    const satisfied = async (expression: string, object: Props): Promise<boolean> =>
      (await waitForRule(expression).check(object, around())).state === "ready";
    expect(await satisfied("condition=Ready", ready)).toBe(true);
    expect(await satisfied("condition=Ready", {})).toBe(false);
    expect(await satisfied('["condition=Ready","jsonpath={.status.phase}=Bound"]', ready)).toBe(true);
    expect(await satisfied("jsonpath={.status.phase}=Lost", ready)).toBe(false);
  });
});

describe("pod problems", () => {
  it("names container, exit code and reason", () => {
    const pod: Props = {
      metadata: { name: "p", namespace: "n" },
      status: {
        containerStatuses: [
          {
            name: "app",
            ready: false,
            state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } },
          },
          { name: "job", ready: false, state: { terminated: { exitCode: 3, reason: "Error" } } },
          { name: "done", ready: false, state: { terminated: { exitCode: 0, reason: "Completed" } } },
        ],
      },
    };
    expect(podProblems(pod)).toEqual([
      "Pod n/p: container app: ImagePullBackOff: no such image",
      "Pod n/p: container job (exit code 3): Error",
    ]);
  });

  it("turns selectors into the API's form", () => {
    const matchExpressions: Props[] = [
      { key: "tier", operator: "In", values: ["a", "b"] },
      { key: "old", operator: "DoesNotExist" },
    ];
    expect(selectorOf({ matchLabels: { app: "x" }, matchExpressions })).toBe("app=x,tier in (a,b),!old");
  });
});
