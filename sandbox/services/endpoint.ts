import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Layout } from "../layout.ts";
import { readJson } from "../lib/files.ts";
import { asIdentity, isAlive, type ProcessIdentity } from "../lib/process.ts";

/** Longest path a Unix socket may have on every supported system. */
const SOCKET_PATH_LIMIT = 100;

/**
 * Where a sandbox's supervisor listens: in its folder, or in the temporary folder when that path would be too
 * long for a socket. Only the user who runs the sandbox may connect.
 */
export function controlSocket(paths: Layout): string {
  const inFolder = join(paths.run, "control.sock");
  if (Buffer.byteLength(inFolder) <= SOCKET_PATH_LIMIT) return inFolder;
  const name = createHash("sha256").update(paths.root).digest("hex").slice(0, 16);
  return join(tmpdir(), `warehouse-sandbox-${name}.sock`);
}

export const supervisorFile = (paths: Layout): string => join(paths.run, "supervisor.json");

/** The record of a running server, kept for a supervisor that comes after a killed one. */
export const serverFile = (paths: Layout, name: string): string => join(paths.run, `${name}.json`);

/** The supervisor that runs now, if any. */
export function runningSupervisor(paths: Layout): ProcessIdentity | undefined {
  const identity = asIdentity(readJson(supervisorFile(paths)));
  return identity !== undefined && isAlive(identity) ? identity : undefined;
}
