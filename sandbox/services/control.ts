import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Layout } from "../layout.ts";
import { projectRoot } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { readJson, tail } from "../lib/files.ts";
import { asIdentity, isAlive, signal, waitForExit } from "../lib/process.ts";
import { controlSocket, runningSupervisor } from "./endpoint.ts";
import type { Reply, Request, ServerSpec, ServerState } from "./spec.ts";

/** Sends one request on its own connection; the connection is kept for `hold`. */
function exchange(path: string, request: Request): Promise<{ reply: Reply; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = "";
    socket.setEncoding("utf8");
    socket.once("error", reject);
    socket.once("close", () => {
      reject(new Error("the supervisor closed the connection"));
    });
    socket.on("data", (chunk: Buffer | string) => {
      text += String(chunk);
      if (!text.includes("\n")) return;
      socket.removeAllListeners("data");
      resolve({ reply: JSON.parse(text) as Reply, socket });
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
}

/** A running supervisor, seen from another process. */
export class Supervisor {
  readonly #path: string;
  #owner: Socket | undefined;

  constructor(paths: Layout) {
    this.#path = controlSocket(paths);
  }

  async #ask(request: Request): Promise<readonly ServerState[]> {
    const { reply, socket } = await exchange(this.#path, request);
    socket.destroy();
    if (!reply.ok) throw new Error(`supervisor: ${reply.error}`);
    return reply.servers;
  }

  status(): Promise<readonly ServerState[]> {
    return this.#ask({ op: "status" });
  }

  async start(spec: ServerSpec): Promise<ServerState | undefined> {
    return (await this.#ask({ op: "start", spec })).find(({ name }) => name === spec.name);
  }

  async stop(name: string): Promise<void> {
    await this.#ask({ op: "stop", name });
  }

  async shutdown(): Promise<void> {
    await this.#ask({ op: "shutdown" });
    this.#owner?.destroy();
  }

  /** Binds the sandbox's life to this process. */
  async hold(): Promise<void> {
    const { socket } = await exchange(this.#path, { op: "hold" });
    socket.unref();
    this.#owner = socket;
  }
}

/** The supervisor of a sandbox that runs; undefined when it is stopped. */
export function findSupervisor(paths: Layout): Supervisor | undefined {
  return runningSupervisor(paths) === undefined ? undefined : new Supervisor(paths);
}

/** Finds the supervisor or starts it. */
export async function ensureSupervisor(paths: Layout, owned: boolean): Promise<Supervisor> {
  const found = findSupervisor(paths);
  if (found !== undefined) return found;
  await endLeftovers(paths);
  mkdirSync(paths.logs, { recursive: true });
  const logFile = join(paths.logs, "supervisor.log");
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(
    process.execPath,
    [join(projectRoot, "sandbox", "supervisor.ts"), paths.root, ...(owned ? ["--owned"] : [])],
    { cwd: paths.root, detached: true, stdio: ["ignore", log, log] },
  );
  closeSync(log);
  const ended = new AbortController();
  child.once("exit", () => {
    ended.abort();
  });
  child.once("error", () => {
    ended.abort();
  });
  child.unref();
  for (let tries = 0; tries < 400; tries++) {
    const supervisor = findSupervisor(paths);
    if (supervisor !== undefined) {
      if (owned) await supervisor.hold();
      return supervisor;
    }
    if (ended.signal.aborted) break;
    await sleep(25);
  }
  throw new SandboxError(`The sandbox's supervisor did not start:\n${tail(logFile)}`);
}

/** Servers of a killed supervisor are on their way out: wait for them, so that their ports and files are free. */
async function endLeftovers(paths: Layout): Promise<void> {
  mkdirSync(paths.run, { recursive: true, mode: 0o700 });
  const records = readdirSync(paths.run).filter(
    (file) => file.endsWith(".json") && file !== "supervisor.json",
  );
  await Promise.all(
    records.map(async (file) => {
      const identity = asIdentity(readJson(join(paths.run, file)));
      if (identity === undefined || !isAlive(identity)) return;
      if (await waitForExit(identity, 15_000)) return;
      signal(identity.pid, "SIGKILL");
      await waitForExit(identity, 5_000);
    }),
  );
}
