import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "./errors.ts";

/** A process and when it started: a pid alone may have been given to another program since. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

/** Opaque start time of a running process; undefined when there is none, or only its zombie. */
export function startTime(pid: number): string | undefined {
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      // The command's name is in parentheses and may hold spaces: count the fields after it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    const line = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return line === "" ? undefined : line;
  } catch {
    return undefined;
  }
}

/** Name of the program a process runs; undefined when there is no such process. */
export function programOf(pid: number): string | undefined {
  try {
    // Slim containers have /proc, but no `ps`, and often nobody who clears away a process that has ended.
    if (process.platform === "linux") {
      const [, name, state] = /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
      return state === "Z" ? undefined : name;
    }
    return execFileSync("ps", ["-o", "comm=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

/** The identity of a running process. */
export function identify(pid: number): ProcessIdentity | undefined {
  const start = startTime(pid);
  return start === undefined ? undefined : { pid, start };
}

/** True while that very process runs. */
export const isAlive = (identity: ProcessIdentity): boolean => startTime(identity.pid) === identity.start;

/** Narrows what was read from a file. */
export function asIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { pid, start } = value as Readonly<Record<string, unknown>>;
  return typeof pid === "number" && typeof start === "string" ? { pid, start } : undefined;
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
    throw error;
  }
}

/** Waits until the process is gone; false when it still runs after the timeout. */
export async function waitForExit(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}
