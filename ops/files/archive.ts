import { createInterface } from "node:readline";
import { readBack, type Recorded } from "../backup/readBack.ts";
import { OpsFailure } from "../failure.ts";
import { startFilter, type Sink } from "../program.ts";
import type { ObjectStore } from "../storage.ts";

/** Names as they are in the archive, one a line: `-rw-r--r-- 0/0 5 2026-01-02 03:04:05 ./a`. */
const LIST = ["--list", "--verbose", "--numeric-owner", "--full-time", "--absolute-names"];
const LINE = /^(.)\S+ +\S+ +\S+ \S+ \S+ (.*)$/;

/** Reads an archive of files to its end. */
export interface ArchiveReader extends Sink {
  /**
   * How many plain files it holds, when it has been read.
   * @throws OpsFailure "verification" where an entry is something else, or would leave the folder it is unpacked into
   */
  readonly files: Promise<number>;
}

/** @param key of the archive, for messages */
export function startReading(key: string): ArchiveReader {
  const tar = startFilter("tar", [...LIST, "--quoting-style=escape", "--file=-"]);
  const files = countPlain(key, createInterface({ input: tar.stdout }));
  // Whoever waits for it is told; nobody may wait yet.
  files.catch(() => undefined);
  return { ...tar, files };
}

async function countPlain(key: string, lines: AsyncIterable<string>): Promise<number> {
  let files = 0;
  let fault: string | undefined;
  for await (const line of lines) {
    const [, type = "", text = ""] = LINE.exec(line) ?? [];
    if (type === "-" || type === "h") files += 1;
    // The first is enough.
    fault ??= faultOf(type, text);
  }
  if (fault !== undefined) throw new OpsFailure("verification", `${key}: ${fault}`);
  return files;
}

/**
 * Makes sure that an archive of files is what was backed up, and holds as many plain files, none of which would leave the
 * folder that it is unpacked into.
 * @throws OpsFailure "verification"
 */
export async function checkArchive(
  store: ObjectStore,
  archive: Recorded & { readonly count: number },
): Promise<void> {
  const { key, count } = archive;
  const reader = startReading(key);
  const unreadable = (stderr: string): OpsFailure =>
    new OpsFailure("verification", `${key} cannot be read: ${stderr}`);
  await readBack(store, archive, reader, true, unreadable);
  const files = await reader.files;
  if (files !== count) throw new OpsFailure("verification", `${key} holds ${files} files, not ${count}`);
}

/** Why an entry is refused; undefined for plain files and folders that stay where they belong. */
function faultOf(type: string, text: string): string | undefined {
  const names = type === "h" ? text.split(" link to ") : [text];
  if (!["-", "d", "h"].includes(type)) return `"${text}" is no plain file or folder`;
  return names.some((name) => name.startsWith("/") || name.split("/").includes(".."))
    ? `"${text}" leads out of the tenant's folder`
    : undefined;
}
