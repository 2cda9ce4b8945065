import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readFrom } from "../lib/files.ts";

/** What is asked of a container's log, as the API server passes it on. */
export interface LogRequest {
  readonly follow: boolean;
  /** The last so many lines. Default: all. */
  readonly tailLines?: number;
  /** Lines not older than this, milliseconds since the epoch. Default: all. */
  readonly since?: number;
  /** Ends after so many bytes. Default: never. */
  readonly limitBytes?: number;
  /** Begin each line with its time. */
  readonly timestamps: boolean;
}

const POLL_MS = 100;

/** Reads the query of `/containerLogs/…`; the API server has validated it. */
export function logRequest(query: URLSearchParams, now: number): LogRequest {
  const number = (name: string): number | undefined => {
    const value = query.get(name);
    return value === null ? undefined : Number(value);
  };
  const [tailLines, limitBytes, seconds] = ["tailLines", "limitBytes", "sinceSeconds"].map(number);
  const time = query.get("sinceTime");
  const since = seconds === undefined ? (time === null ? undefined : Date.parse(time)) : now - seconds * 1000;
  return {
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since === undefined ? {} : { since }),
  };
}

/**
 * A container's output as the kubelet sends it: what there is, and with `follow` what comes, until the container has
 * ended and all was sent.
 * @param isRunning asked before each read, so that what a container writes last is not missed
 */
export async function* containerLog(
  file: string,
  request: LogRequest,
  isRunning: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const stamps = new Stamps(file);
  let left = request.limitBytes ?? Infinity;
  let offset = 0;
  for (let first = true; ; first = false) {
    const more = request.follow && isRunning() && !signal.aborted;
    const bytes = readFrom(file, offset);
    // A line that is still being written waits for its end, or the container's.
    const end = more ? bytes.lastIndexOf("\n") + 1 : bytes.length;
    offset += end;
    const lines = stamps.read(bytes.subarray(0, end));
    const wanted = first && request.tailLines !== undefined ? lastOf(lines, request.tailLines) : lines;
    const text = wanted
      .filter(({ time }) => request.since === undefined || time >= request.since)
      .map(({ time, text }) => (request.timestamps ? `${new Date(time).toISOString()} ${text}` : text))
      .join("");
    const sent = Buffer.from(text).subarray(0, left);
    left -= sent.length;
    if (sent.length > 0) yield sent;
    if (!more || left <= 0) return;
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

const lastOf = <T>(list: readonly T[], count: number): readonly T[] =>
  list.slice(Math.max(0, list.length - count));

interface Line {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** With its line break, if it has one. */
  readonly text: string;
}

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;

/**
 * The times of lines. A container runtime notes when it read each; here they are the program's own stamps, and a line
 * without one is as old as the line before it.
 */
class Stamps {
  #time: number;

  constructor(file: string) {
    this.#time = statSync(file).birthtimeMs;
  }

  read(bytes: Buffer): Line[] {
    const texts = bytes.toString("utf8").split(/(?<=\n)/);
    return texts
      .filter((text) => text !== "")
      .map((text) => {
        const stamp = STAMP.exec(text)?.[0];
        if (stamp !== undefined) this.#time = Date.parse(stamp);
        return { time: this.#time, text };
      });
  }
}
