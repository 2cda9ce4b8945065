import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Guarded, startGuarded } from "../services/guard.ts";
import { expand } from "./environment.ts";
import type { Container } from "./types.ts";

/** How the containers of the operations image are run on this machine. */
export interface Runtime {
  /** The operations program, `<project>/ops/main.ts`. */
  readonly program: string;
  /** What every container gets besides its own environment: PATH. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ProcessOptions {
  readonly container: Container;
  readonly env: ReadonlyMap<string, string>;
  readonly root: string;
  readonly log: string;
  readonly graceSeconds: number;
}

/** A container that runs as a process. */
export interface RunningContainer {
  /** Exit code, 128 + signal when it was killed. */
  readonly exited: Promise<number>;
  /** Asks for the end: TERM, and KILL after the grace period. */
  stop(): void;
}

/**
 * The arguments for the operations program. The image's entry point is that program; a `command` replaces the
 * entry point, so it must name it, as `["warehouse-ops", …]` or `["node", "…/ops/main.ts", …]`.
 */
export function programArguments(
  container: Container,
  env: ReadonlyMap<string, string>,
): string[] | undefined {
  const args = container.args ?? [];
  const command = container.command ?? [];
  const entry = command.findIndex((word) => word === "warehouse-ops" || word.endsWith("ops/main.ts"));
  if (command.length > 0 && entry === -1) return undefined;
  return [...command.slice(entry + 1), ...args].map((word) => expand(word, env));
}

/** Starts the container's process with nothing of this process's environment. */
export function startContainer(runtime: Runtime, options: ProcessOptions): RunningContainer | undefined {
  const args = programArguments(options.container, options.env);
  if (args === undefined) return undefined;
  mkdirSync(dirname(options.log), { recursive: true, mode: 0o700 });
  const log = openSync(options.log, "a", 0o600);
  const message = terminationFile(options.root, options.container);
  mkdirSync(dirname(message), { recursive: true });
  writeFileSync(message, "");
  const temporary = options.container.volumeMounts?.some(({ mountPath }) => mountPath === "/tmp") === true;
  const guarded: Guarded = startGuarded({
    argv: [process.execPath, runtime.program, ...args],
    env: {
      ...Object.fromEntries(options.env),
      ...runtime.env,
      OPS_ROOT: options.root,
      // A process shares this machine's ports with others: it listens on a free one, on loopback only.
      OPS_LISTEN: "127.0.0.1:0",
      ...(temporary ? { TMPDIR: join(options.root, "tmp") } : {}),
    },
    cwd: options.root,
    stdout: log,
    stderr: log,
    stopSignal: "TERM",
    stopSeconds: Math.max(1, options.graceSeconds),
  });
  closeSync(log);
  const exited = new Promise<number>((resolve) => {
    guarded.process.once("error", () => {
      resolve(128);
    });
    // Killed by a signal itself, the guard took its program with it.
    guarded.process.once("exit", (code) => {
      resolve(code ?? 137);
    });
  });
  return {
    exited,
    stop: () => {
      guarded.release();
    },
  };
}

const terminationFile = (root: string, container: Container): string =>
  join(root, container.terminationMessagePath ?? "/dev/termination-log");

/** What the container leaves as its last words: its termination file, else the end of its log if it failed. */
export function terminationMessage(
  root: string,
  container: Container,
  log: string,
  exitCode: number,
): string {
  const read = (file: string): string => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  const message = read(terminationFile(root, container)).slice(0, 4096);
  if (message !== "" || exitCode === 0 || container.terminationMessagePolicy !== "FallbackToLogsOnError")
    return message;
  return read(log).split("\n").slice(-80).join("\n").slice(-2048);
}
