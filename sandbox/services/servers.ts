import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Layout } from "../layout.ts";
import { readText, writeAtomic } from "../lib/files.ts";
import { identify, type ProcessIdentity, signal, waitForExit } from "../lib/process.ts";
import { serverFile } from "./endpoint.ts";
import { type Guarded, startGuarded } from "./guard.ts";
import type { ServerSpec, ServerState } from "./spec.ts";

interface Entry {
  readonly spec: ServerSpec;
  readonly guarded: Guarded;
  readonly ended: Promise<void>;
  state: ServerState;
  /** The server's own process, below its guard. */
  identity?: ProcessIdentity;
}

/** The servers of one supervisor, in the order they were started. */
export class Servers {
  readonly #paths: Layout;
  readonly #entries = new Map<string, Entry>();

  constructor(paths: Layout) {
    this.#paths = paths;
  }

  list(): ServerState[] {
    return [...this.#entries.values()].map(({ state }) => state);
  }

  /** Starts a server unless it runs already; one that runs with other arguments (a new port) is replaced. */
  async start(spec: ServerSpec): Promise<void> {
    const present = this.#entries.get(spec.name);
    if (present?.state.running === true) {
      if (JSON.stringify(present.spec.argv) === JSON.stringify(spec.argv)) return;
      await this.stop(spec.name);
    }
    await gone(present);
    mkdirSync(dirname(spec.log), { recursive: true });
    const log = openSync(spec.log, "a", 0o600);
    // Written by the guard, which may run as another user: a folder of its own keeps `run` closed to that user.
    const pidFile =
      spec.user === undefined ? join(this.#paths.run, `${spec.name}.pid`) : `${spec.cwd}/${spec.name}.pid`;
    rmSync(pidFile, { force: true });
    const guarded = startGuarded({ ...spec, stdout: log, stderr: log, pidFile });
    closeSync(log);
    const ended = new Promise<void>((resolve) => {
      guarded.process.once("error", (error) => {
        this.#ended(spec.name, error.message);
        resolve();
      });
      guarded.process.once("exit", (code, signal) => {
        this.#ended(spec.name, describeEnding(code, signal));
        resolve();
      });
    });
    const entry: Entry = {
      spec,
      guarded,
      ended,
      state: { name: spec.name, running: true, startedAt: new Date().toISOString() },
    };
    this.#entries.delete(spec.name);
    this.#entries.set(spec.name, entry);
    for (let tries = 0; tries < 100 && entry.state.running; tries++) {
      const pid = Number(readText(pidFile) ?? "");
      if (pid > 0) {
        entry.state = { ...entry.state, pid };
        const identity = identify(pid);
        if (identity !== undefined) {
          entry.identity = identity;
          writeAtomic(serverFile(this.#paths, spec.name), JSON.stringify(identity));
        }
        return;
      }
      await sleep(20);
    }
  }

  #ended(name: string, ending: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.state = { ...entry.state, running: false, exitedAt: new Date().toISOString(), ending };
    rmSync(serverFile(this.#paths, name), { force: true });
  }

  /** Ends one server and waits for it. */
  async stop(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry?.state.running !== true) return;
    entry.guarded.release();
    await entry.ended;
  }

  /** Ends all, the last started first, so that no server loses one it needs. */
  async stopAll(): Promise<void> {
    for (const name of [...this.#entries.keys()].reverse()) await this.stop(name);
  }
}

/** A guard that was killed dies before its program: wait for that too, which still holds port and files. */
async function gone(entry: Entry | undefined): Promise<void> {
  if (entry?.identity === undefined) return;
  if (await waitForExit(entry.identity, entry.spec.stopSeconds * 1000 + 1_000)) return;
  signal(entry.identity.pid, "SIGKILL");
  await waitForExit(entry.identity, 5_000);
}

/** How a guarded program ended, in words. */
export function describeEnding(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return signal;
  const names: Readonly<Record<number, string>> = {
    130: "SIGINT",
    134: "SIGABRT",
    137: "SIGKILL",
    139: "SIGSEGV",
    143: "SIGTERM",
  };
  return names[code ?? 0] ?? `exit code ${code ?? 0}`;
}
