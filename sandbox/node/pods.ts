import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isNotFound, KubeError } from "../kube/client.ts";
import { messageOf } from "../lib/errors.ts";
import { Addresses } from "./addresses.ts";
import { type ContainerState, NODE_NAME, type Pod, podKey } from "./types.ts";
import { type NodeContext, PodWorker } from "./worker.ts";

interface Held {
  /** `<namespace>/<name>` */
  readonly name: string;
  readonly worker: PodWorker;
  readonly done: Promise<void>;
  leaving: boolean;
}

/** The pods of the node: binds what waits, runs what is bound, and lets go of what is deleted. */
export class Pods {
  readonly #context: NodeContext;
  readonly #addresses = new Addresses();
  readonly #held = new Map<string, Held>();
  readonly #binding = new Set<string>();

  constructor(context: NodeContext) {
    this.#context = context;
  }

  /** Follows all pods for as long as the signal allows. */
  async follow(signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const { items } = await client.list({ apiVersion: "v1", kind: "Pod" });
    for (const pod of items as readonly Pod[])
      if (pod.status?.podIP !== undefined) this.#addresses.reserve(pod.status.podIP);
    this.#removeForeignFolders(new Set(items.map(({ metadata }) => metadata.uid ?? "")));
    for await (const { type, object } of client.follow({ apiVersion: "v1", kind: "Pod" }, { signal })) {
      const pod = object as Pod;
      if (type === "DELETED") this.#forget(pod);
      else this.#see(pod);
    }
  }

  /** What a container of a pod is doing; undefined where the node does not have the pod. */
  stateOf(namespace: string, pod: string, container: string): ContainerState | undefined {
    const held = [...this.#held.values()].find(({ name }) => name === `${namespace}/${pod}`);
    return held?.worker.stateOf(container);
  }

  /** Ends every process. */
  async stop(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ worker }) => worker.terminate()));
  }

  #see(pod: Pod): void {
    const { uid } = podKey(pod);
    const leaving = pod.metadata.deletionTimestamp !== undefined;
    if (pod.spec.nodeName === undefined) {
      if (!leaving && (pod.spec.schedulingGates ?? []).length === 0) void this.#bind(pod);
      return;
    }
    if (pod.spec.nodeName !== NODE_NAME) return;
    const held = this.#held.get(uid);
    held?.worker.update(pod);
    if (leaving) void this.#finish(pod, held);
    else if (held === undefined && pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed")
      this.#hold(pod);
  }

  #hold(pod: Pod): void {
    const worker = new PodWorker(this.#context, pod, pod.status?.podIP ?? this.#addresses.take());
    const { uid, namespace, name } = podKey(pod);
    this.#held.set(uid, { name: `${namespace}/${name}`, worker, done: worker.run(), leaving: false });
  }

  async #bind(pod: Pod): Promise<void> {
    const { name, namespace, uid } = podKey(pod);
    if (this.#binding.has(uid)) return;
    this.#binding.add(uid);
    try {
      await this.#context.client.createSubresource(
        { apiVersion: "v1", kind: "Pod", name, namespace },
        "binding",
        {
          apiVersion: "v1",
          kind: "Binding",
          metadata: { name, namespace, uid },
          target: { apiVersion: "v1", kind: "Node", name: NODE_NAME },
        },
      );
    } catch (error) {
      if (!isNotFound(error) && !(error instanceof KubeError && error.status === 409)) {
        this.#context.log(`${namespace}/${name}: not bound: ${messageOf(error)}`);
      }
    } finally {
      this.#binding.delete(uid);
    }
  }

  /** Ends a deleted pod's processes and confirms the deletion. */
  async #finish(pod: Pod, held: Held | undefined): Promise<void> {
    const { name, namespace, uid } = podKey(pod);
    if (held?.leaving === true) return;
    if (held !== undefined) held.leaving = true;
    await held?.worker.terminate();
    await held?.done;
    try {
      await this.#context.client.delete(
        { apiVersion: "v1", kind: "Pod", name, namespace },
        { gracePeriodSeconds: 0, preconditions: { uid } },
      );
    } catch (error) {
      this.#context.log(`${namespace}/${name}: deletion not confirmed: ${messageOf(error)}`);
      if (held !== undefined) held.leaving = false;
    }
  }

  #forget(pod: Pod): void {
    const { uid } = podKey(pod);
    const held = this.#held.get(uid);
    if (held === undefined) {
      if (pod.status?.podIP !== undefined) this.#addresses.release(pod.status.podIP);
      return;
    }
    this.#held.delete(uid);
    void held.worker.terminate().then(() => {
      this.#addresses.release(held.worker.ip);
      held.worker.clean();
    });
  }

  /** Folders of pods that were deleted while the node was down. */
  #removeForeignFolders(present: ReadonlySet<string>): void {
    let entries: string[];
    try {
      entries = readdirSync(this.#context.pods);
    } catch {
      return;
    }
    for (const uid of entries)
      if (!present.has(uid)) rmSync(join(this.#context.pods, uid), { recursive: true, force: true });
  }
}
