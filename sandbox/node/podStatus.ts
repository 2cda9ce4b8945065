import {
  type Container,
  type ContainerState,
  type ContainerStatus,
  HOST_IP,
  type Pod,
  type PodCondition,
  type PodStatus,
} from "./types.ts";

/** What the node knows of one container of a pod. */
export interface ContainerRecord {
  readonly state: ContainerState;
  readonly lastState?: ContainerState;
  readonly restarts: number;
}

/** What the node knows of one pod. */
export interface PodRecord {
  readonly ip: string;
  /** ISO time at which the node took the pod. */
  readonly startTime: string;
  readonly containers: ReadonlyMap<string, ContainerRecord>;
  /** Set when the node ended the pod as a whole, e.g. `DeadlineExceeded`. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

const waiting: ContainerRecord = { state: { waiting: { reason: "ContainerCreating" } }, restarts: 0 };

const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";

function containerStatus(
  pod: Pod,
  container: Container,
  record: ContainerRecord,
  init: boolean,
): ContainerStatus {
  const running = record.state.running !== undefined;
  const done = record.state.terminated?.exitCode === 0;
  const image = container.image ?? "";
  return {
    name: container.name,
    image,
    imageID: record.state.waiting === undefined ? `sandbox://${image}` : "",
    ...(record.state.waiting === undefined
      ? { containerID: `sandbox://${pod.metadata.uid ?? ""}/${container.name}/${record.restarts}` }
      : {}),
    ready: init && !isSidecar(container) ? done : running,
    started: running,
    restartCount: record.restarts,
    state: record.state,
    lastState: record.lastState ?? {},
  };
}

/** The phase as the kubelet computes it. */
export function phase(pod: Pod, record: PodRecord): NonNullable<PodStatus["phase"]> {
  if (record.failure !== undefined) return "Failed";
  const policy = pod.spec.restartPolicy ?? "Always";
  const of = (container: Container): ContainerState =>
    (record.containers.get(container.name) ?? waiting).state;
  for (const container of pod.spec.initContainers ?? []) {
    const state = of(container);
    if (isSidecar(container)) {
      if (state.running === undefined && state.terminated === undefined) return "Pending";
    } else if (state.terminated?.exitCode !== 0) {
      return state.terminated !== undefined && policy === "Never" ? "Failed" : "Pending";
    }
  }
  const states = pod.spec.containers.map(of);
  const ended = states.filter((state) => state.terminated !== undefined);
  if (ended.length === states.length && policy !== "Always") {
    if (ended.every((state) => state.terminated?.exitCode === 0)) return "Succeeded";
    if (policy === "Never") return "Failed";
  }
  // A container that waits for its restart has run before.
  const never = pod.spec.containers.every((container) => {
    const known = record.containers.get(container.name) ?? waiting;
    return known.state.waiting !== undefined && known.restarts === 0;
  });
  return never ? "Pending" : "Running";
}

/** The status to publish; conditions that others own, and transition times, are kept. */
export function podStatus(pod: Pod, record: PodRecord, now: string): PodStatus {
  const value = phase(pod, record);
  const statuses = (containers: readonly Container[], init: boolean): ContainerStatus[] =>
    containers.map((container) =>
      containerStatus(pod, container, record.containers.get(container.name) ?? waiting, init),
    );
  const initContainerStatuses = statuses(pod.spec.initContainers ?? [], true);
  const containerStatuses = statuses(pod.spec.containers, false);
  const initialized = initContainerStatuses.every(({ ready }) => ready);
  const unready = containerStatuses.filter(({ ready }) => !ready).map(({ name }) => name);
  const containersReady = initialized && unready.length === 0;
  const why =
    value === "Succeeded"
      ? { reason: "PodCompleted", message: null }
      : { reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
  const whyReady = containersReady ? { reason: null, message: null } : why;
  const own: PodCondition[] = [
    {
      type: "PodReadyToStartContainers",
      status: value === "Pending" || value === "Running" ? "True" : "False",
    },
    {
      type: "Initialized",
      status: initialized ? "True" : "False",
      reason: initialized ? null : "ContainersNotInitialized",
    },
    { type: "Ready", status: containersReady ? "True" : "False", ...whyReady },
    { type: "ContainersReady", status: containersReady ? "True" : "False", ...whyReady },
  ];
  return {
    phase: value,
    ...(record.failure ?? {}),
    hostIP: HOST_IP,
    hostIPs: [{ ip: HOST_IP }],
    podIP: record.ip,
    podIPs: [{ ip: record.ip }],
    startTime: record.startTime,
    conditions: mergeConditions(pod.status?.conditions ?? [], own, now),
    ...(initContainerStatuses.length > 0 ? { initContainerStatuses } : {}),
    containerStatuses,
  };
}

function mergeConditions(
  present: readonly PodCondition[],
  own: readonly PodCondition[],
  now: string,
): PodCondition[] {
  const others = present.filter(({ type }) => !own.some((condition) => condition.type === type));
  const merged = own.map((condition) => {
    const before = present.find(({ type }) => type === condition.type);
    const unchanged = before?.status === condition.status && before.lastTransitionTime !== undefined;
    return { ...condition, lastTransitionTime: unchanged ? (before.lastTransitionTime ?? now) : now };
  });
  return [...others, ...merged];
}
