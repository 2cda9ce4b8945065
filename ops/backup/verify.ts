import { OpsFailure } from "../failure.ts";
import { checkArchive } from "../files/archive.ts";
import { startSink } from "../program.ts";
import { selectBackup, type Choice } from "../restore/select.ts";
import type { ObjectStore } from "../storage.ts";
import type { Manifest } from "./manifest.ts";
import { readBack } from "./readBack.ts";

export interface VerifyRequest {
  readonly tenantId: string;
  /** The tenant's prefix in the bucket, ends in `/`. */
  readonly prefix: string;
  readonly choice: Choice;
}

/**
 * Reads a backup from the bucket to its end and compares it with its manifest: checksums, that pg_restore and tar can read
 * it, how many files there are. Nothing is restored: see the drill.
 * @throws OpsFailure "verification" that says what differs
 */
export async function verify(
  { tenantId, prefix, choice }: VerifyRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<Manifest> {
  const manifest = await selectBackup(store, tenantId, prefix, choice);
  const { id, database, files } = manifest;
  log(`reading ${id}, taken ${manifest.startedAt}`);
  const reader = startSink("pg_restore", ["--file=/dev/null"]);
  const unreadable = (stderr: string): OpsFailure =>
    new OpsFailure("verification", `${database.key} cannot be read: ${stderr}`);
  await readBack(store, database, reader, false, unreadable);
  log(`${database.key}: ${database.bytes} bytes, as they were backed up`);
  if (files !== null) {
    await checkArchive(store, files);
    log(`${files.key}: ${files.bytes} bytes, ${files.count} files, as they were backed up`);
  }
  log(`${id} is whole`);
  return manifest;
}
