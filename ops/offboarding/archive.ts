import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Deletes all that is in the folder of a tenant's files; the folder stays, as a volume is mounted there. */
export async function emptyFolder(folder: string, log: (line: string) => void): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
  log(`${entries.filter((entry) => !entry.isDirectory()).length} files; all deleted`);
}
