import { constants, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./run.ts";

const DRAIN_MS = 50;

/**
 * Passes what another program writes to a file on, line by line, without the file: a named pipe takes its
 * place, so that nothing of it stays on the disk.
 */
export async function withNamedPipe<T>(
  path: string,
  onLine: (line: string) => void,
  action: () => Promise<T>,
): Promise<T> {
  rmSync(path, { force: true });
  await run("mkfifo", ["-m", "600", path]);
  // Open for both: neither side has to wait for the other, and the end of one writer is not the end.
  const socket = new Socket({
    fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  createInterface(socket).on("line", onLine);
  try {
    return await action();
  } finally {
    await sleep(DRAIN_MS);
    socket.destroy();
    rmSync(path, { force: true });
  }
}
