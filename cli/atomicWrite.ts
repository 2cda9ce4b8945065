import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Refusal } from "./failures.ts";

/**
 * Replaces a file as a whole, or not at all.
 * @param expected what it held when it was read; undefined where it did not exist. A file that somebody changed since is left alone.
 */
export function replaceFile(path: string, expected: string | undefined, text: string): void {
  const present = contentOf(path);
  if (present !== expected)
    throw new Refusal(
      `${basename(path)} was changed by somebody else meanwhile; nothing was written, run the command again`,
    );
  // A link stays a link.
  const target = present === undefined ? path : realpathSync(path);
  // The leading dot keeps the registry from reading it.
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    const file = openSync(temporary, "wx", present === undefined ? 0o666 : statSync(target).mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
