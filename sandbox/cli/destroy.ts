import { createInterface } from "node:readline/promises";
import type { Layout } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { readText } from "../lib/files.ts";
import type { Report } from "../lib/report.ts";
import { removePlatform, withSandboxLock } from "../platform.ts";

/**
 * `destroy`: ends everything and deletes the folder, with databases, backups and state. Not `pulumi destroy`,
 * which rightly refuses: tenants are protected.
 */
export async function destroy(paths: Layout, report: Report, yes: boolean): Promise<number> {
  // A folder given by mistake must not be deleted.
  if (readText(paths.marker) === undefined) {
    throw new SandboxError(`${paths.root} is no sandbox: nothing is deleted.`);
  }
  if (!yes) await confirm(paths);
  await withSandboxLock(paths, "sandbox destroy", report, () => removePlatform(paths));
  report.info(`${paths.root} is deleted. Tools stay in the cache.`);
  return 0;
}

async function confirm(paths: Layout): Promise<void> {
  if (!process.stdin.isTTY) throw new SandboxError("Without a terminal, destroy needs --yes.", 2);
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await prompt.question(
      `Delete ${paths.root} with its databases, backups and state? Type yes: `,
    );
    if (answer.trim() !== "yes") throw new SandboxError("Nothing was deleted.");
  } finally {
    prompt.close();
  }
}
