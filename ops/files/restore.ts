import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { readBack } from "../backup/readBack.ts";
import { OpsFailure } from "../failure.ts";
import { choiceAfterArchive, noteRestored } from "../offboarding/emptied.ts";
import { startSink } from "../program.ts";
import { selectBackup, type Choice } from "../restore/select.ts";
import type { ObjectStore } from "../storage.ts";
import { checkArchive } from "./archive.ts";
import { OWN_PREFIX } from "./own.ts";
import { countFiles } from "./pack.ts";

export interface FilesRestoreRequest {
  readonly tenantId: string;
  /** The tenant's prefix in the bucket, ends in `/`. */
  readonly prefix: string;
  /** The folder of the tenant's files on the mounted volume. */
  readonly folder: string;
  readonly choice: Choice;
}

export interface FilesRestored {
  readonly backupId: string;
  readonly count: number;
  /** Folder of the volume with what was there before. */
  readonly kept: string;
}

/** How long a folder with what was there before is kept, days: then the next restore of files deletes it. */
const KEPT_DAYS = 7;
const KEPT = /^\.warehouse-kept-(\d\d)(\d\d)(\d\d)/;

/** Unpacked here first; renamed when complete, and again when what was there has made way. */
const ARRIVING = `${OWN_PREFIX}arriving`;
const READY = `${OWN_PREFIX}ready`;
const ENTERING = `${OWN_PREFIX}entering`;

/**
 * Brings a tenant's files back to a backup: beside, then swap. What was there is kept on the volume for 7 days. Killed at
 * any moment, the next run completes it: nothing is ever overwritten, and each step leaves a name that says how far it
 * came. For the moment of the swap files are missing, so the application is best suspended.
 * @throws OpsFailure; "verification" leaves what is there alone
 */
export async function restoreFiles(
  { tenantId, prefix, folder, choice }: FilesRestoreRequest,
  store: ObjectStore,
  now: Date,
  log: (line: string) => void,
): Promise<FilesRestored> {
  const meant = await choiceAfterArchive(store, prefix, choice);
  const manifest = await selectBackup(store, tenantId, prefix, meant);
  const { id, files } = manifest;
  if (files === null) throw new OpsFailure("verification", `${id} holds no files`);
  await checkArchive(store, files);
  log(`restoring ${files.count} files of ${id}`);
  const day = now.toISOString().slice(2, 10).replaceAll("-", "");
  const kept = `${OWN_PREFIX}kept-${day}`;
  await onDisk(async () => {
    await deleteOld(folder, now, log);
    // What a run left that was killed while it let files in.
    await letIn(folder, kept);
    for (const name of [READY, ARRIVING]) await rm(join(folder, name), { recursive: true, force: true });
    await mkdir(join(folder, ARRIVING), { recursive: true });
  });
  const tar = startSink("tar", [
    "--extract",
    "--file=-",
    "--no-same-owner",
    `--directory=${join(folder, ARRIVING)}`,
  ]);
  await readBack(
    store,
    files,
    tar,
    true,
    (stderr) => new OpsFailure("disk", `tar into ${folder} failed: ${stderr}`),
  );
  await onDisk(async () => {
    const unpacked = await countFiles(join(folder, ARRIVING));
    if (unpacked !== files.count)
      throw new OpsFailure("verification", `${unpacked} files were unpacked, not ${files.count}`);
    await rename(join(folder, ARRIVING), join(folder, READY));
    for (const name of await tenantsOwn(folder)) await keep(folder, name, kept);
    await rename(join(folder, READY), join(folder, ENTERING));
    await letIn(folder, kept);
  });
  await noteRestored(store, prefix, "files", id);
  log(`${files.count} files of ${id} are in place; what was there is in ${kept} for ${KEPT_DAYS} days`);
  return { backupId: id, count: files.count, kept };
}

/** Moves what was unpacked into its place; what came there meanwhile is kept. */
async function letIn(folder: string, kept: string): Promise<void> {
  const entering = join(folder, ENTERING);
  const present = new Set(await tenantsOwn(folder));
  for (const name of await tenantsOwn(entering)) {
    if (present.has(name)) await keep(folder, name, kept);
    await rename(join(entering, name), join(folder, name));
  }
  await rm(entering, { recursive: true, force: true });
}

/** Moves something out of the way, to a name that is not taken. */
async function keep(folder: string, name: string, kept: string): Promise<void> {
  await mkdir(join(folder, kept), { recursive: true });
  const taken = new Set(await readdir(join(folder, kept)));
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name}~${number}`;
  await rename(join(folder, name), join(folder, kept, free));
}

/** What is in a folder and not the operations program's; nothing where there is no folder. */
async function tenantsOwn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  return names.filter((name) => !name.startsWith(OWN_PREFIX));
}

async function deleteOld(folder: string, now: Date, log: (line: string) => void): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, year = "", month = "", day = ""] = KEPT.exec(name) ?? [];
    const made = Date.parse(`20${year}-${month}-${day}T00:00:00Z`);
    if (Number.isNaN(made) || now.getTime() < made + (KEPT_DAYS + 1) * 24 * 3600 * 1000) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    log(`${name} is deleted`);
  }
}

/** @throws OpsFailure "disk" in place of what the file system says */
async function onDisk<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof OpsFailure) throw error;
    throw new OpsFailure("disk", `the volume cannot be changed: ${(error as Error).message}`);
  }
}
