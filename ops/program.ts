import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { OpsFailure } from "./failure.ts";

/** How a program ended, and what it said to stderr. */
export interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** A program that runs beside this one. */
interface Program {
  readonly ended: Promise<Ended>;
  kill(): void;
}

/** A program that writes a stream. */
export interface Source extends Program {
  readonly stdout: Readable;
}

/** A program that reads a stream; one that ends early tells why by its exit. */
export interface Sink extends Program {
  readonly stdin: Writable;
}

type Environment = Readonly<Record<string, string>>;

const running = new Set<ChildProcess>();
let ending = false;

/** Ends the programs that run, and starts none any more: what needs them fails, and cleans up as after any failure. */
export function endPrograms(): void {
  ending = true;
  for (const child of running) end(child);
}

/** One that asks a silent server to cancel its query does not end by itself. */
const END_MS = 5_000;

function end(child: ChildProcess): void {
  child.kill();
  setTimeout(() => child.kill("SIGKILL"), END_MS).unref();
}

/** Whether the program is asked to end. */
export const isEnding = (): boolean => ending;

/** @throws OpsFailure "configuration", from `ended`, where the program is not there */
export function startSource(command: string, args: readonly string[], env: Environment = {}): Source {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return {
    stdout: child.stdout,
    ended: endOf(command, child),
    kill: () => {
      end(child);
    },
  };
}

/** @throws OpsFailure "configuration", from `ended`, where the program is not there */
export function startSink(command: string, args: readonly string[], env: Environment = {}): Sink {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["pipe", "ignore", "pipe"],
  });
  child.stdin.on("error", () => undefined);
  return {
    stdin: child.stdin,
    ended: endOf(command, child),
    kill: () => {
      end(child);
    },
  };
}

/** @throws OpsFailure "configuration", from `ended`, where the program is not there */
export function startFilter(command: string, args: readonly string[], env: Environment = {}): Sink & Source {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => undefined);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended: endOf(command, child),
    kill: () => {
      end(child);
    },
  };
}

/** Runs a program to its end. */
export async function runProgram(
  command: string,
  args: readonly string[],
  env: Environment = {},
): Promise<Ended & { readonly stdout: string }> {
  const program = startSource(command, args, env);
  const chunks: Buffer[] = [];
  for await (const chunk of program.stdout) chunks.push(chunk as Buffer);
  return { ...(await program.ended), stdout: Buffer.concat(chunks).toString() };
}

function endOf(command: string, child: ChildProcess): Promise<Ended> {
  running.add(child);
  if (ending) end(child);
  const chunks: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", (error) => {
      reject(new OpsFailure("configuration", `${command} cannot be started: ${error.message}`));
    });
    child.once("close", (code) => {
      running.delete(child);
      resolve({ code, stderr: Buffer.concat(chunks).toString().trim() });
    });
  });
  // Whoever waits for the end is told; nobody may wait yet.
  ended.catch(() => undefined);
  return ended;
}
