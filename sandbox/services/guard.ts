import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "../layout.ts";

/** The shell that is the program's parent; see there. */
const script = join(projectRoot, "sandbox", "services", "guard.sh");

export interface GuardOptions {
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdout: number;
  readonly stderr: number;
  readonly stopSignal: "TERM" | "INT";
  readonly stopSeconds: number;
  readonly pidFile?: string;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A guarded program; `release` asks for its end as the death of this process would. */
export interface Guarded {
  readonly process: ChildProcess;
  release(): void;
}

/** Starts a program under its guard. The exit code is the program's (128 + signal when it was killed). */
export function startGuarded(options: GuardOptions): Guarded {
  const stdio: StdioOptions = ["ignore", options.stdout, options.stderr, "pipe"];
  const child = spawn(
    "/bin/sh",
    [script, options.stopSignal, String(options.stopSeconds), options.pidFile ?? "", ...options.argv],
    { cwd: options.cwd, env: options.env, stdio, detached: true, ...options.user },
  );
  const pipe = child.stdio[3];
  pipe?.on("error", () => undefined);
  // If the guard itself was killed, its watcher still ends the program once the pipe closes.
  child.on("exit", () => pipe?.destroy());
  return { process: child, release: () => pipe?.destroy() };
}
