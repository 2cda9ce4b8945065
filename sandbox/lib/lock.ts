import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, SandboxError } from "./errors.ts";
import { readJson } from "./files.ts";
import { asIdentity, identify, isAlive, type ProcessIdentity } from "./process.ts";

/** Who holds a lock. */
export interface LockHolder extends ProcessIdentity {
  /** What the holder does, e.g. `sandbox up`. */
  readonly purpose: string;
  /** ISO time. */
  readonly since: string;
}

/** Reads the holder; undefined when the lock is free or its content unreadable. */
export function lockHolder(file: string): LockHolder | undefined {
  const value = readJson(file);
  const identity = asIdentity(value);
  if (identity === undefined) return undefined;
  const { purpose, since } = value as Readonly<Record<string, unknown>>;
  return { ...identity, purpose: String(purpose), since: String(since) };
}

/** Tries once. A holder that no longer runs loses the lock. */
export function tryLock(file: string, purpose: string): LockHolder | "acquired" {
  const self = identify(process.pid);
  if (self === undefined) throw new Error("this process cannot find its own start time");
  mkdirSync(dirname(file), { recursive: true });
  const staging = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  writeFileSync(staging, JSON.stringify({ ...self, purpose, since: new Date().toISOString() }), {
    mode: 0o600,
  });
  try {
    for (;;) {
      try {
        // A link appears with its content: nobody can see a lock that does not name its holder yet.
        linkSync(staging, file);
        return "acquired";
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
      }
      const holder = lockHolder(file);
      if (holder !== undefined && isAlive(holder)) return holder;
      breakStale(file, holder);
    }
  } finally {
    rmSync(staging, { force: true });
  }
}

/** Takes a stale lock away; puts it back if another process broke it first and holds it now. */
function breakStale(file: string, stale: LockHolder | undefined): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  const taken = lockHolder(aside);
  if (taken !== undefined && (taken.pid !== stale?.pid || taken.start !== stale.start)) {
    try {
      linkSync(aside, file);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  rmSync(aside, { force: true });
}

export interface LockOptions {
  readonly file: string;
  readonly purpose: string;
  /** How long to wait for another holder, in milliseconds. */
  readonly waitMs: number;
  /** Told once, when there is a wait. */
  readonly onWait: (holder: LockHolder) => void;
}

/** Holds the lock while the action runs. */
export async function withLock<T>(options: LockOptions, action: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + options.waitMs;
  let told = false;
  for (;;) {
    const holder = tryLock(options.file, options.purpose);
    if (holder === "acquired") break;
    if (Date.now() > deadline) {
      throw new SandboxError(
        `${describeHolder(holder)} still works here. Wait for it to end, or end it with: kill ${holder.pid}`,
      );
    }
    if (!told) options.onWait(holder);
    told = true;
    await sleep(200);
  }
  try {
    return await action();
  } finally {
    const holder = lockHolder(options.file);
    if (holder?.pid === process.pid) rmSync(options.file, { force: true });
  }
}

/** One phrase for messages. */
export const describeHolder = (holder: LockHolder): string =>
  `"${holder.purpose}" (process ${holder.pid}, since ${holder.since.slice(11, 19)} UTC)`;
