import { createInterface } from "node:readline";
import { readBack, type Recorded } from "../backup/readBack.ts";
import { OpsFailure } from "../failure.ts";
import { startFilter } from "../program.ts";
import type { ObjectStore } from "../storage.ts";

/** Names as they are in the archive, one a line: `-rw-r--r-- 0/0 5 2026-01-02 03:04:05 ./a`. */
const LIST = ["--list", "--verbose", "--numeric-owner", "--full-time", "--absolute-names"];
const LINE = /^(.)\S+ +\S+ +\S+ \S+ \S+ (.*)$/;

/**
 * Reads an archive of files to its end, and makes sure that it is what was backed up and holds as many plain files, none
 * of which would leave the folder that it is unpacked into.
 * @throws OpsFailure "verification"
 */
export async function checkArchive(
  store: ObjectStore,
  archive: Recorded & { readonly count: number },
): Promise<void> {
  const { key, count } = archive;
  const tar = startFilter("tar", [...LIST, "--quoting-style=escape", "--file=-"]);
  const faults: string[] = [];
  let files = 0;
  const lines = createInterface({ input: tar.stdout });
  lines.on("line", (line) => {
    const [, type = "", text = ""] = LINE.exec(line) ?? [];
    if (type === "-" || type === "h") files += 1;
    const fault = faultOf(type, text);
    // The first is enough.
    if (fault !== undefined && faults.length === 0) faults.push(fault);
  });
  const listed = new Promise((resolve) => lines.once("close", resolve));
  const unreadable = (stderr: string): OpsFailure =>
    new OpsFailure("verification", `${key} cannot be read: ${stderr}`);
  await readBack(store, archive, tar, true, unreadable);
  await listed;
  const [fault] = faults;
  if (fault !== undefined) throw new OpsFailure("verification", `${key}: ${fault}`);
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
