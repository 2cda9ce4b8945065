import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { SandboxError } from "../lib/errors.ts";

const CONNECT_MS = 5_000;
const DOWNLOAD_MS = 10 * 60_000;

/** Node's names as Go's: the vendors use the latter. */
export const platform = {
  os: process.platform === "win32" ? "windows" : process.platform,
  arch: process.arch === "x64" ? "amd64" : process.arch,
};

async function fetchBytes(url: string, timeoutMs: number): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** The SHA-256 that a vendor's checksum file gives for a file name; a file with one bare hash serves all. */
export function checksumFor(checksums: string, name: string): string | undefined {
  for (const line of checksums.split("\n")) {
    const [hash, file] = line.trim().split(/\s+/);
    if (hash === undefined || !/^[0-9a-f]{64}$/i.test(hash)) continue;
    if (file === undefined || file.replace(/^\*|^\.\//, "") === name) return hash.toLowerCase();
  }
  return undefined;
}

/**
 * Downloads a file whose SHA-256 is in the vendor's checksum file. The vendors' hosts were out of reach where
 * these pins were made, so their checksums are not in this repository: they come over TLS from the vendor,
 * which guards against a broken transfer and not against a vendor that was taken over.
 */
export async function download(url: string, checksumUrl: string, file: string): Promise<void> {
  const name = url.slice(url.lastIndexOf("/") + 1);
  const checksums = (await fetchBytes(checksumUrl, CONNECT_MS)).toString("utf8");
  const wanted = checksumFor(checksums, name);
  if (wanted === undefined) throw new Error(`${checksumUrl} does not list ${name}`);
  await downloadPinned(url, wanted, file);
}

/** Downloads a file of known SHA-256. */
export async function downloadPinned(url: string, sha256: string, file: string): Promise<void> {
  const bytes = await fetchBytes(url, DOWNLOAD_MS);
  const actual = createHash("sha256").update(bytes).digest("hex");
  if (actual !== sha256) {
    throw new SandboxError(
      `${url} has SHA-256 ${actual}, expected ${sha256}: it is not used. A proxy may have altered it.`,
    );
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes, { mode: 0o755 });
}
