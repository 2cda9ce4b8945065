import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { zstdDecompressSync } from "node:zlib";
import { projectName } from "../cli/pulumi.ts";
import { removeHalfWritten } from "../cli/recovery/fileBackend.ts";
import { SANDBOX_STACK } from "../registry/naming.ts";
import { cellToPlay } from "./cell.ts";
import type { Layout } from "./layout.ts";
import { SandboxError } from "./lib/errors.ts";
import { readJson } from "./lib/files.ts";
import { programOf } from "./lib/process.ts";
import type { Ports } from "./lib/ports.ts";
import { run } from "./lib/run.ts";
import { keepSalt, writeStackConfig, writtenSalt } from "./stackConfig.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The file with the stack's state, compressed or not, as the environment of whoever wrote it last had it. */
function stateFile(paths: Layout): string | undefined {
  const plain = join(paths.state, ".pulumi", "stacks", projectName(paths.project), `${SANDBOX_STACK}.json`);
  const written = (file: string): number => statSync(file).mtimeMs;
  const [last] = [`${plain}.zst`, plain].filter(existsSync).sort((a, b) => written(b) - written(a));
  return last;
}

/** Makes the stack and its file, once. */
export async function ensureStack(paths: Layout, ports: Ports, env: Environment): Promise<void> {
  const salt = readState(paths)?.checkpoint?.latest?.secrets_providers?.state?.salt;
  if (salt !== undefined) keepSalt(paths, salt);
  const cell = cellToPlay(paths, env, stateFile(paths) !== undefined);
  writeStackConfig(paths, ports, cell);
  if (stateFile(paths) !== undefined) return;
  const { code, stderr } = await run("pulumi", ["stack", "init", SANDBOX_STACK, "--non-interactive"], {
    cwd: paths.project,
    env: { ...env },
  });
  if (code !== 0) throw new SandboxError(`The stack "${SANDBOX_STACK}" could not be made:\n${stderr.trim()}`);
  keepSalt(paths, writtenSalt(paths));
  writeStackConfig(paths, ports, cell);
}

/** The parts of the file backend's state that matter here. */
interface State {
  readonly checkpoint?: {
    readonly latest?: {
      readonly pending_operations?: readonly unknown[];
      readonly secrets_providers?: { readonly state?: { readonly salt?: string } };
    };
  };
}

/** The text of a file of the backend, which may be compressed. */
export function stateText(file: string): string {
  const bytes = readFileSync(file);
  return (file.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes).toString();
}

/** undefined where there is none yet, or where it cannot be read. */
function readState(paths: Layout): State | undefined {
  const file = stateFile(paths);
  if (file === undefined) return undefined;
  try {
    return JSON.parse(stateText(file)) as State;
  } catch {
    return undefined;
  }
}

interface StateLock {
  readonly pid?: number;
  readonly hostname?: string;
  readonly timestamp?: string;
}

/** Locks of the file backend whose process is gone, and those whose process runs. */
export function stateLocks(paths: Layout): { readonly stale: number; readonly live: readonly StateLock[] } {
  const folder = join(
    paths.state,
    ".pulumi",
    "locks",
    "organization",
    projectName(paths.project),
    SANDBOX_STACK,
  );
  if (!existsSync(folder)) return { stale: 0, live: [] };
  const locks = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => (readJson(join(folder, file)) ?? {}) as StateLock);
  const live: StateLock[] = [];
  for (const lock of locks) {
    if (lock.hostname !== hostname() || lock.pid === undefined) continue;
    // The pid alone may belong to another program by now.
    if (programOf(lock.pid)?.includes("pulumi") === true) live.push(lock);
  }
  return { stale: locks.length - live.length, live };
}

/** Clears what a killed update has left: its lock, and operations of which nobody knows the outcome. */
export async function heal(paths: Layout, env: Environment, log: (line: string) => void): Promise<void> {
  const { stale, live } = stateLocks(paths);
  const [other] = live;
  if (other !== undefined) {
    throw new SandboxError(
      `Another pulumi (process ${other.pid ?? 0}) works on this stack. Wait for it to end, then run this again.`,
    );
  }
  if (stale > 0) {
    log("removing the lock of an update that was killed");
    // Sandboxes of before have such files.
    removeHalfWritten(paths.state);
    await run("pulumi", ["cancel", "--yes", "--stack", SANDBOX_STACK, "--non-interactive"], {
      cwd: paths.project,
      env: { ...env },
    });
  }
  const state = readState(paths);
  const pending = state?.checkpoint?.latest?.pending_operations ?? [];
  // Reading the file saves a start of the engine where there is nothing to do, which is nearly always.
  if (stale === 0 && state !== undefined && pending.length === 0) return;
  const { code, stdout, stderr } = await run(
    process.execPath,
    [join(paths.project, "cli", "main.ts"), "recover", SANDBOX_STACK],
    { cwd: paths.project, env: { ...env } },
  );
  if (code !== 0)
    throw new SandboxError(`The state of the last, killed update could not be settled: ${stderr.trim()}`);
  for (const line of stdout.split("\n").filter(Boolean)) log(line);
}

/** Runs pulumi with the terminal; resolves with its exit code. With `onLine`, each line it prints goes there. */
export function runPulumi(
  paths: Layout,
  env: Environment,
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn("pulumi", [...args], {
      cwd: paths.project,
      env: { ...env },
      stdio: ["inherit", onLine === undefined ? "inherit" : "pipe", "inherit"],
    });
    if (onLine !== undefined && child.stdout !== null) createInterface(child.stdout).on("line", onLine);
    // Ctrl-C reaches pulumi as well, which ends the update in order: wait for it.
    const ignore = (): void => undefined;
    process.on("SIGINT", ignore);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(signal === null ? (code ?? 1) : 130);
    });
  });
}

/** True for a line that only says that a step has begun: its end gets a line too. */
export const announcesStep = (line: string): boolean =>
  /\s(creating|updating|deleting|replacing|reading|refreshing|running)\s*(\(\d+s\))?\s*$/.test(
    stripColour(line),
  );

const stripColour = (text: string): string => text.replaceAll(/\u001b\[[0-9;]*m/g, "");

/** Options of every pulumi command the sandbox runs itself. */
export const quiet = ["--stack", SANDBOX_STACK, "--non-interactive"] as const;

/** The stack's output `tenants`; empty before the first update. */
export async function tenantOutputs(paths: Layout, env: Environment): Promise<readonly TenantOutput[]> {
  const { code, stdout } = await run("pulumi", ["stack", "output", "tenants", "--json", ...quiet], {
    cwd: paths.project,
    env: { ...env },
  });
  if (code !== 0) return [];
  const value = JSON.parse(stdout) as
    Readonly<Record<string, Omit<TenantOutput, "id">>> | readonly TenantOutput[];
  if (Array.isArray(value)) return value as readonly TenantOutput[];
  return Object.entries(value as Readonly<Record<string, Omit<TenantOutput, "id">>>).map(([id, tenant]) => ({
    ...tenant,
    id,
  }));
}

/** What the table needs of the output; the program's contract has more. */
export interface TenantOutput {
  readonly id: string;
  readonly plan?: string;
  readonly placement?: string;
  readonly state?: string;
  readonly host?: string;
  readonly namespace?: string;
}
