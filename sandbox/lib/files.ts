import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "./errors.ts";

/** The file's text, or undefined when there is no such file. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The file's JSON, or undefined when it is missing or cut off: such files can be made again. */
export function readJson(file: string): unknown {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Replaces the file in one step, so that a killed process leaves the old content or the new, never half. */
export function writeAtomic(file: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true });
  const staging = `${file}.${process.pid}`;
  writeFileSync(staging, content, { mode });
  renameSync(staging, file);
}

/** Writes only what differs, so that watchers and timestamps are left alone. True if it wrote. */
export function writeIfChanged(file: string, content: string, mode = 0o644): boolean {
  if (readText(file) === content) return false;
  writeAtomic(file, content, mode);
  return true;
}

/** A random secret kept in a file only its owner can read; made on first use. */
export function secretFile(file: string): string {
  if (!existsSync(file)) writeAtomic(file, `${randomBytes(24).toString("base64url")}\n`, 0o600);
  return readFileSync(file, "utf8").trim();
}

const LINE_LIMIT = 300;

/** The last lines of a log, for error messages; very long lines are cut. */
export function tail(file: string, lines = 12): string {
  const text = readText(file) ?? "";
  const last = text.trimEnd().split("\n").slice(-lines);
  return last.map((line) => (line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line)).join("\n");
}

/** What a file holds from an offset on. */
export function readFrom(file: string, offset: number): Buffer {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= offset) return Buffer.alloc(0);
  if (offset === 0) return readFileSync(file);
  const descriptor = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(size - offset);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, offset));
  } finally {
    closeSync(descriptor);
  }
}
