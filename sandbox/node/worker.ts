import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isNotFound, type KubeClient } from "../kube/client.ts";
import { messageOf } from "../lib/errors.ts";
import { restartDelay } from "./backoff.ts";
import { containerEnvironment } from "./environment.ts";
import { type ContainerRecord, phase, type PodRecord, podStatus } from "./podStatus.ts";
import type { RunningContainer, Runtime } from "./process.ts";
import { adoptedContainers } from "./adopt.ts";
import { startRun } from "./containerRun.ts";
import { MissingReference, References } from "./references.ts";
import {
  type Container,
  type ContainerState,
  isOpsImage,
  type Pod,
  podKey,
  type PodStatus,
} from "./types.ts";
import { prepareVolumes } from "./volumes.ts";

/** What every pod's worker shares. */
export interface NodeContext {
  readonly client: KubeClient;
  readonly runtime: Runtime;
  readonly pods: string;
  readonly claims: string;
  readonly logs: string;
  readonly log: (line: string) => void;
}

const RETRY_MS = 2_000;
const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, "Z");

/** Where a container's output is kept; it outlives the pod. */
export const logFile = (logs: string, namespace: string, pod: string, container: string): string =>
  join(logs, namespace, `${pod}_${container}.log`);

/** Runs one pod to its end. */
export class PodWorker {
  readonly #context: NodeContext;
  readonly #folder: string;
  readonly #ip: string;
  readonly #abort = new AbortController();
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #running = new Map<string, RunningContainer>();
  readonly #startTime: string;
  #pod: Pod;
  #failure: PodRecord["failure"];
  #published = "";
  #publishing: Promise<void> = Promise.resolve();

  constructor(context: NodeContext, pod: Pod, ip: string) {
    this.#context = context;
    this.#pod = pod;
    this.#ip = ip;
    this.#folder = join(context.pods, podKey(pod).uid);
    this.#startTime = pod.status?.startTime ?? now();
  }

  get ip(): string {
    return this.#ip;
  }

  /** What a container is doing. */
  stateOf(container: string): ContainerState {
    return this.#containers.get(container)?.state ?? { waiting: { reason: "ContainerCreating" } };
  }

  /** Takes the newest version of the object, whose conditions others may have changed. */
  update(pod: Pod): void {
    this.#pod = pod;
  }

  /** Runs the pod; returns when it has ended or was told to. */
  async run(): Promise<void> {
    const deadline = this.#pod.spec.activeDeadlineSeconds;
    const timer =
      deadline === undefined
        ? undefined
        : setTimeout(
            () => {
              this.#failure = {
                reason: "DeadlineExceeded",
                message: "Pod was active on the node longer than the specified deadline",
              };
              this.#abort.abort();
              this.#stopAll();
            },
            Date.parse(this.#startTime) + deadline * 1000 - Date.now(),
          );
    try {
      for (const [name, known] of adoptedContainers(this.#pod, now())) this.#containers.set(name, known);
      if (this.#ended()) await this.#publish();
      else await this.#runContainers();
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#context.log(`${this.#name()}: ${messageOf(error)}`);
    } finally {
      clearTimeout(timer);
      await Promise.all([...this.#running.values()].map(({ exited }) => exited));
      if (this.#failure !== undefined) await this.#publish();
      this.clean();
    }
  }

  /** Ends the pod's processes; resolves when they are gone. */
  async terminate(): Promise<void> {
    this.#abort.abort();
    this.#stopAll();
    await Promise.all([...this.#running.values()].map(({ exited }) => exited));
    await this.#publishing;
  }

  /** Removes the pod's files. Logs stay. */
  clean(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #stopAll(): void {
    for (const running of this.#running.values()) running.stop();
  }

  #name(): string {
    const { namespace, name } = podKey(this.#pod);
    return `${namespace}/${name}`;
  }

  #ended(): boolean {
    const value = phase(this.#pod, this.#record());
    return value === "Succeeded" || value === "Failed";
  }

  async #runContainers(): Promise<void> {
    const volumes = await this.#prepare();
    for (const container of this.#pod.spec.initContainers ?? []) {
      const done = this.#runContainer(
        container,
        volumes,
        container.restartPolicy === "Always" ? "Always" : undefined,
      );
      if (container.restartPolicy === "Always") {
        void done.catch((error: unknown) => {
          this.#context.log(`${this.#name()}: ${messageOf(error)}`);
        });
        continue;
      }
      await done;
      if (this.#containers.get(container.name)?.state.terminated?.exitCode !== 0) return;
    }
    await Promise.all(this.#pod.spec.containers.map((container) => this.#runContainer(container, volumes)));
  }

  /** Lays out volumes and checks every reference, as long as it takes: what is missing may still come. */
  async #prepare(): Promise<ReadonlyMap<string, string>> {
    const containers = [...(this.#pod.spec.initContainers ?? []), ...this.#pod.spec.containers];
    for (let attempt = 0; ; attempt++) {
      this.#abort.signal.throwIfAborted();
      const references = new References(this.#context.client, podKey(this.#pod).namespace);
      let reason = "ContainerCreating";
      try {
        const volumes = await prepareVolumes({
          client: this.#context.client,
          references,
          pod: this.#pod,
          podIP: this.#ip,
          folder: this.#folder,
          claims: this.#context.claims,
          write: containers.some(({ image }) => isOpsImage(image)),
        });
        reason = "CreateContainerConfigError";
        for (const container of containers) {
          await containerEnvironment(this.#pod, container, references, this.#ip);
        }
        return volumes;
      } catch (error) {
        const state: ContainerState = { waiting: { reason, message: messageOf(error) } };
        if (!(error instanceof MissingReference)) this.#context.log(`${this.#name()}: ${messageOf(error)}`);
        for (const { name } of containers) {
          if (!this.#containers.has(name) || this.#containers.get(name)?.state.waiting !== undefined) {
            this.#containers.set(name, { state, restarts: 0 });
          }
        }
        await this.#publish();
        // A claim or Secret made together with the pod is there in a moment.
        await sleep(attempt < 5 ? RETRY_MS / 10 : RETRY_MS, undefined, { signal: this.#abort.signal });
      }
    }
  }

  async #runContainer(
    container: Container,
    volumes: ReadonlyMap<string, string>,
    always?: "Always",
  ): Promise<void> {
    const policy = always ?? this.#pod.spec.restartPolicy ?? "Always";
    for (;;) {
      const before = this.#containers.get(container.name);
      const code = before?.state.terminated?.exitCode;
      if (before?.state.terminated !== undefined) {
        if (policy === "Never" || (policy === "OnFailure" && code === 0)) return;
        if (this.#isInit(container) && code === 0) return;
        await this.#backOff(container, before);
      }
      const restarts = (before?.restarts ?? 0) + (before?.state.terminated === undefined ? 0 : 1);
      if (!isOpsImage(container.image)) {
        await this.#notional(container, restarts, policy);
        return;
      }
      await this.#once(container, volumes, restarts, before?.state);
      this.#abort.signal.throwIfAborted();
    }
  }

  #isInit(container: Container): boolean {
    return (
      this.#pod.spec.initContainers?.includes(container) === true && container.restartPolicy !== "Always"
    );
  }

  async #backOff(container: Container, before: ContainerRecord): Promise<void> {
    const message = `back-off restarting failed container=${container.name} pod=${this.#name()}`;
    this.#containers.set(container.name, {
      state: { waiting: { reason: "CrashLoopBackOff", message } },
      lastState: before.state,
      restarts: before.restarts,
    });
    await this.#publish();
    await sleep(restartDelay(before.restarts), undefined, { signal: this.#abort.signal });
  }

  /** A container of an image the sandbox does not run: a service is ready, a task has succeeded. */
  async #notional(container: Container, restarts: number, policy: string): Promise<void> {
    const at = now();
    const task = this.#isInit(container) || policy !== "Always";
    const state: ContainerState = task
      ? { terminated: { exitCode: 0, reason: "Completed", startedAt: at, finishedAt: at } }
      : { running: { startedAt: this.#containers.get(container.name)?.state.running?.startedAt ?? at } };
    this.#containers.set(container.name, { state, restarts });
    await this.#publish();
  }

  /** One run of a container as a process. */
  async #once(
    container: Container,
    volumes: ReadonlyMap<string, string>,
    restarts: number,
    lastState: ContainerState | undefined,
  ): Promise<void> {
    const { namespace, name } = podKey(this.#pod);
    const { client, runtime, logs } = this.#context;
    const run = await startRun({
      client,
      runtime,
      pod: this.#pod,
      container,
      podIP: this.#ip,
      folder: this.#folder,
      volumes,
      log: logFile(logs, namespace, name, container.name),
      signal: this.#abort.signal,
      now,
    });
    const previous = lastState?.terminated === undefined ? {} : { lastState };
    if (run.process !== undefined) this.#running.set(container.name, run.process);
    this.#containers.set(container.name, { state: run.state, restarts, ...previous });
    await this.#publish();
    const state = await run.ended;
    this.#running.delete(container.name);
    this.#containers.set(container.name, { state, restarts, ...previous });
    await this.#publish();
  }

  #record(): PodRecord {
    return {
      ip: this.#ip,
      startTime: this.#startTime,
      containers: this.#containers,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
  }

  /** Writes the status if it changed, one write after the other, until the API server has it. */
  #publish(): Promise<void> {
    this.#publishing = this.#publishing.then(async () => {
      const { name, namespace } = podKey(this.#pod);
      for (;;) {
        const status: PodStatus = podStatus(this.#pod, this.#record(), now());
        const text = JSON.stringify({
          ...status,
          conditions: status.conditions?.map(({ type, status: value, reason }) => [type, value, reason]),
        });
        if (text === this.#published) return;
        try {
          await this.#context.client.patchStatus({ apiVersion: "v1", kind: "Pod", name, namespace }, status);
          this.#published = text;
          return;
        } catch (error) {
          if (isNotFound(error)) return;
          this.#context.log(`${namespace}/${name}: status not written: ${messageOf(error)}`);
          await sleep(1_000);
        }
      }
    });
    return this.#publishing;
  }
}
