import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { projectRoot } from "../layout.ts";
import { messageOf } from "./errors.ts";

export interface RunResult {
  /** Exit code; 127 when the program could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly input?: string;
  /** Ends the program when this process ends, however that happens: for those that run for minutes. */
  readonly guarded?: boolean;
  /** Told each whole line of either stream as it comes. */
  readonly onLine?: (line: string) => void;
}

const guardCommand = [join(projectRoot, "sandbox", "services", "guard.sh"), "TERM", "5", ""];

/** Runs a program to its end and keeps what it printed; never throws for a failed one. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve) => {
    const guarded = options.guarded === true;
    const child = spawn(guarded ? "/bin/sh" : file, guarded ? [...guardCommand, file, ...args] : args, {
      cwd: options.cwd,
      env: options.env,
      uid: options.uid,
      gid: options.gid,
      timeout: options.timeoutMs,
      detached: guarded,
      stdio: [
        options.input === undefined ? "ignore" : "pipe",
        "pipe",
        "pipe",
        ...(guarded ? ["pipe" as const] : []),
      ],
    });
    let stdout = "";
    let stderr = "";
    let pending = "";
    const lines = (chunk: string): void => {
      if (options.onLine === undefined) return;
      const parts = (pending + chunk).split("\n");
      pending = parts.pop() ?? "";
      for (const part of parts) options.onLine(part);
    };
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
      lines(chunk);
    });
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
      lines(chunk);
    });
    child.on("error", (error) => {
      resolve({ code: 127, stdout, stderr: messageOf(error) });
    });
    child.on("close", (code, signal) => {
      if (pending !== "") options.onLine?.(pending);
      resolve({
        code: code ?? 1,
        stdout,
        stderr: signal === null ? stderr : `${stderr}\nended by ${signal}`,
      });
    });
    // A program that ends without reading its input is its own affair.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input);
  });
}

/** True for a file this user may execute. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The first executable of that name in the search path. */
export function which(name: string, path: string = process.env.PATH ?? ""): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}
