import { execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Refusal } from "./failures.ts";

/** An object as the API server has it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What kubectl or the API server refused. */
export class ClusterError extends Refusal {
  /** As the API server names it: AlreadyExists, NotFound, Forbidden; empty where it was not asked. */
  readonly reason: string;

  constructor(message: string, reason: string) {
    super(message);
    this.reason = reason;
  }
}

/** An API server that does not answer is no reason to wait for ever. */
const REQUEST_TIMEOUT = "--request-timeout=30s";
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;

/**
 * A cluster, reached by kubectl with one context. Objects go in on its standard input: argv holds names alone. Each call
 * is a process group of its own, or Ctrl-C would end it before the command has put things in order.
 */
export class Cluster {
  readonly context: string;
  readonly #env: NodeJS.ProcessEnv;

  /** @param env with PATH and, if it is not the default, KUBECONFIG */
  constructor(context: string, env: NodeJS.ProcessEnv) {
    this.context = context;
    this.#env = env;
  }

  /** The object of a name; undefined where there is none. */
  async get<T extends KubeObject>(kind: string, namespace: string, name: string): Promise<T | undefined> {
    const text = await this.#run(["get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "json"]);
    return text.trim() === "" ? undefined : (JSON.parse(text) as T);
  }

  /** @param selection options that select: `-l …`, `--field-selector …` */
  async list<T extends KubeObject>(
    kind: string,
    namespace: string,
    selection: readonly string[],
  ): Promise<readonly T[]> {
    const text = await this.#run(["get", kind, "-n", namespace, ...selection, "-o", "json"]);
    return (JSON.parse(text) as { readonly items: readonly T[] }).items;
  }

  /** The objects of a kind in all namespaces that have a label. */
  async listEverywhere<T extends KubeObject>(kind: string, label: string): Promise<readonly T[]> {
    const text = await this.#run(["get", kind, "--all-namespaces", "-l", label, "-o", "json"]);
    return (JSON.parse(text) as { readonly items: readonly T[] }).items;
  }

  /** @throws ClusterError "AlreadyExists" where an object has the name */
  async create<T extends KubeObject>(object: T): Promise<T> {
    return JSON.parse(await this.#run(["create", "-f", "-", "-o", "json"], JSON.stringify(object))) as T;
  }

  /** Changes some fields of an object. */
  async patch(kind: string, namespace: string, name: string, fields: object): Promise<void> {
    await this.#run(["patch", kind, name, "-n", namespace, "--type=merge", "-p", JSON.stringify(fields)]);
  }

  /** Deletes an object if it is there. */
  async remove(kind: string, namespace: string, name: string): Promise<void> {
    await this.#run(["delete", kind, name, "-n", namespace, "--ignore-not-found", "--wait=false"]);
  }

  /** Deletes the Job that was seen with its pods, and no other that has taken its name since. */
  async removeJob(namespace: string, name: string, uid: string): Promise<void> {
    const options = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      propagationPolicy: "Foreground",
      preconditions: { uid },
    };
    try {
      await this.#run(
        ["delete", "--raw", `/apis/batch/v1/namespaces/${namespace}/jobs/${name}`, "-f", "-"],
        JSON.stringify(options),
      );
    } catch (error) {
      // Gone, or another's by now.
      if (!(error instanceof ClusterError && /^(?:NotFound|Conflict)$/.test(error.reason))) throw error;
    }
  }

  /**
   * Follows a container's log from its beginning, line by line.
   * @returns when it has ended or the signal came, or the connection was lost: the caller looks whether the container has ended
   */
  async followLog(
    namespace: string,
    pod: string,
    container: string,
    line: (text: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return;
    const args = [...this.#context(), "logs", "--follow", pod, "-n", namespace, "-c", container];
    const child = spawn("kubectl", args, {
      env: this.#env,
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const stop = (): void => void child.kill();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const ended = new Promise<void>((resolve, reject) => {
        child.once("error", (error) => {
          reject(this.#failure(error, ""));
        });
        child.once("close", () => {
          resolve();
        });
      });
      const lines = createInterface({ input: child.stdout });
      lines.on("line", line);
      await ended;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #context = (): string[] => ["--context", this.context];

  #run(args: readonly string[], input = ""): Promise<string> {
    return new Promise((resolve, reject) => {
      const all = [...this.#context(), REQUEST_TIMEOUT, ...args];
      const options = { env: this.#env, maxBuffer: MAX_OUTPUT_BYTES, detached: true };
      const child = execFile("kubectl", all, options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(this.#failure(error, stderr));
      });
      child.stdin?.on("error", () => undefined); // It has ended early; its exit says why.
      child.stdin?.end(input);
    });
  }

  #failure(error: { readonly code?: unknown; readonly message: string }, stderr: string): ClusterError {
    if (error.code === "ENOENT")
      return new ClusterError(
        'kubectl is not on PATH; install it (https://kubernetes.io/docs/tasks/tools/), or take the sandbox\'s: eval "$(npm run --silent sandbox env)"',
        "",
      );
    const said = stderr.trim() === "" ? error.message : stderr.trim();
    const reason = /^Error from server \((\w+)\)/m.exec(said)?.[1] ?? "";
    return new ClusterError(`kubectl, context "${this.context}": ${said}`, reason);
  }
}
