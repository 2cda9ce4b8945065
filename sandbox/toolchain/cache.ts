import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describeHolder, withLock } from "../lib/lock.ts";
import type { ToolchainContext } from "./context.ts";

const BUILD_WAIT_MS = 45 * 60_000;

/**
 * The files of a tool in the cache: `fill` writes them to a staging folder, which is renamed when it is done.
 * A killed build leaves only a staging folder behind, never half a tool. One build runs at a time on the
 * machine; another sandbox waits and then finds the result.
 */
export async function cached(
  context: ToolchainContext,
  name: string,
  complete: (folder: string) => boolean,
  fill: (staging: string) => Promise<void>,
): Promise<string> {
  const folder = join(context.cache, name);
  if (complete(folder)) return folder;
  mkdirSync(context.cache, { recursive: true });
  return withLock(
    {
      file: join(context.cache, "build.lock"),
      purpose: `obtaining ${name}`,
      waitMs: BUILD_WAIT_MS,
      onWait: (holder) => {
        context.report.info(`  waiting for ${describeHolder(holder)}`);
      },
    },
    async () => {
      if (complete(folder)) return folder;
      removeStale(context.cache);
      const staging = mkdtempSync(join(context.cache, `${name}.staging-`));
      try {
        await fill(staging);
        merge(staging, folder);
      } finally {
        rmSync(staging, { recursive: true, force: true });
      }
      return folder;
    },
  );
}

/** Moves what was made into the tool's folder, which may hold other parts already. */
function merge(staging: string, folder: string): void {
  if (!existsSync(folder)) {
    renameSync(staging, folder);
    return;
  }
  for (const entry of readdirSync(staging)) {
    rmSync(join(folder, entry), { recursive: true, force: true });
    renameSync(join(staging, entry), join(folder, entry));
  }
}

/** Staging folders of killed builds. Called under the lock, so that none of them is in use. */
function removeStale(cache: string): void {
  for (const entry of readdirSync(cache)) {
    if (entry.includes(".staging-")) rmSync(join(cache, entry), { recursive: true, force: true });
  }
}
