import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { OpsFailure } from "../failure.ts";
import { startSource, type Source } from "../program.ts";
import { isOwn, OWN_PREFIX } from "./own.ts";

/**
 * How many files of the tenant a folder holds.
 * @throws OpsFailure "disk" where it cannot be read
 */
export async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: unknown): never => {
      throw new OpsFailure("disk", `the files cannot be read: ${(error as Error).message}`);
    },
  );
  return entries.filter(
    (entry) => entry.isFile() && !isOwn(relative(folder, join(entry.parentPath, entry.name))),
  ).length;
}

/** Writes an archive of the tenant's files to its standard output. */
export const startPacking = (folder: string): Source =>
  startSource("tar", [
    ...["--create", "--file=-", `--directory=${folder}`],
    ...["--anchored", `--exclude=./${OWN_PREFIX}*`, "."],
  ]);

/** Exit codes of a tar that packed all: 1 is that a file changed while it was read, as files that are in use do. */
export const PACKED: readonly number[] = [0, 1];
