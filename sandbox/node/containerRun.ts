import type { KubeClient } from "../kube/client.ts";
import { containerEnvironment } from "./environment.ts";
import { type RunningContainer, type Runtime, startContainer, terminationMessage } from "./process.ts";
import { References } from "./references.ts";
import { type Container, type ContainerState, type Pod, podKey } from "./types.ts";
import { containerRoot } from "./volumes.ts";

export interface ContainerRunOptions {
  readonly client: KubeClient;
  readonly runtime: Runtime;
  readonly pod: Pod;
  readonly container: Container;
  readonly podIP: string;
  /** Folder of the pod's files. */
  readonly folder: string;
  readonly volumes: ReadonlyMap<string, string>;
  readonly log: string;
  /** Aborted when the pod must not start anything any more. */
  readonly signal: AbortSignal;
  readonly now: () => string;
}

/** One run of a container: how it began, and how it ended. */
export interface ContainerRun {
  readonly process?: RunningContainer;
  readonly state: ContainerState;
  readonly ended: Promise<ContainerState>;
}

/** Starts a container of the operations image as a process. */
export async function startRun(options: ContainerRunOptions): Promise<ContainerRun> {
  const { pod, container, log, now } = options;
  const references = new References(options.client, podKey(pod).namespace);
  const env = await containerEnvironment(pod, container, references, options.podIP);
  options.signal.throwIfAborted();
  const root = containerRoot(options.folder, container, options.volumes);
  const graceSeconds = pod.spec.terminationGracePeriodSeconds ?? 30;
  const startedAt = now();
  const process = startContainer(options.runtime, { container, env, root, log, graceSeconds });
  if (process === undefined) {
    const message = `the sandbox runs the image's own entry point only, not the command ${JSON.stringify(container.command)}`;
    const state = {
      terminated: { exitCode: 128, reason: "StartError", message, startedAt, finishedAt: now() },
    };
    return { state, ended: Promise.resolve(state) };
  }
  const ended = process.exited.then((exitCode): ContainerState => {
    const message = terminationMessage(root, container, log, exitCode);
    const terminated = {
      exitCode,
      reason: exitCode === 0 ? "Completed" : "Error",
      ...(message === "" ? {} : { message }),
      startedAt,
      finishedAt: now(),
    };
    return { terminated };
  });
  return { process, state: { running: { startedAt } }, ended };
}
