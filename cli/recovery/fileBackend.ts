import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { parseJson } from "../../review/preview.ts";
import type { StackPlace } from "../pulumi.ts";

/**
 * Removes what a killed engine left half-written in a backend of files. It replaces each file at once, but writes its
 * attributes into another beside it, in place: while that is empty, nothing can be read (_failed to load checkpoint: EOF_);
 * without it, everything can. With `?metadata=skip` in the backend's URL there are none.
 * @param folder of the backend, which holds `.pulumi`
 * @returns the files that were removed
 */
export function removeHalfWritten(folder: string): readonly string[] {
  const root = join(folder, ".pulumi");
  if (!existsSync(root)) return [];
  const removed = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".attrs"))
    .map((name) => join(root, name))
    .filter((file) => parseJson(readFileSync(file, "utf8")) === undefined);
  for (const file of removed) rmSync(file);
  return removed;
}

/** The folder of the backend that pulumi is logged in to; undefined where it is no folder. */
export async function backendFolder({ cwd, env }: Omit<StackPlace, "stack">): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)("pulumi", ["whoami", "--json", "--verbose"], { cwd, env });
  const { url = "" } = JSON.parse(stdout) as { readonly url?: string };
  const path = /^file:\/\/([^?]*)/.exec(url)?.[1];
  return path === undefined ? undefined : resolve(cwd, path.replace(/^~(?=\/|$)/, homedir()));
}
