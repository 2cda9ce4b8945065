import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";
import { join, relative } from "node:path";
import { OpsFailure } from "../failure.ts";
import { startFilter, type Source } from "../program.ts";
import { isOwn, OWN_PREFIX } from "./own.ts";

/** So many of what is left out are named. */
const NAMED = 3;

/**
 * How many plain files of the tenant a folder holds.
 * @throws OpsFailure "disk" where it cannot be read
 */
export async function countFiles(folder: string): Promise<number> {
  let files = 0;
  for await (const { entry } of tenantsEntries(folder)) if (entry.isFile()) files += 1;
  return files;
}

/**
 * Writes an archive of the tenant's plain files and folders to its standard output. Links and special files are left
 * out and named: unpacked elsewhere they would lead out of the tenant's folder, so no restore would take them.
 * @throws OpsFailure "disk" where the folder cannot be read
 */
export async function startPacking(folder: string, log: (line: string) => void): Promise<Source> {
  const others: string[] = [];
  for await (const { entry, path } of tenantsEntries(folder)) {
    if (!entry.isFile() && !entry.isDirectory()) others.push(`./${path}`);
  }
  if (others.length > 0) {
    const more = others.length > NAMED ? ", …" : "";
    log(
      `${others.length} links or special files are left out (${others.slice(0, NAMED).join(", ")}${more}); plain files and folders are kept`,
    );
  }
  const tar = startFilter("tar", [
    ...["--create", "--file=-", `--directory=${folder}`, "--anchored", `--exclude=./${OWN_PREFIX}*`],
    ...["--no-wildcards", "--exclude-from=-", "."],
  ]);
  tar.stdin.end(others.map((path) => `${path}\n`).join(""));
  return tar;
}

/** Exit codes of a tar that packed all: 1 is that a file changed while it was read, as files that are in use do. */
export const PACKED: readonly number[] = [0, 1];

/** What is in a folder and not the operations program's; a path is relative to the folder. */
async function* tenantsEntries(folder: string): AsyncGenerator<{ entry: Dirent; path: string }> {
  try {
    for await (const entry of await opendir(folder, { recursive: true })) {
      const path = relative(folder, join(entry.parentPath, entry.name));
      if (!isOwn(path)) yield { entry, path };
    }
  } catch (error) {
    throw new OpsFailure("disk", `the files cannot be read: ${(error as Error).message}`);
  }
}
