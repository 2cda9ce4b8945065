import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, readdir, rename, rm, rmdir, utimes } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { OpsFailure } from "../failure.ts";
import { isOwn, OWN_PREFIX } from "../files/own.ts";
import { readObject } from "../readObject.ts";
import type { ObjectStore } from "../storage.ts";

/** What a folder of uploaded files holds. Paths are relative, with `/`. */
const manifestSchema = z.object({
  tenantId: z.string(),
  files: z.array(
    z.object({
      path: z.string(),
      bytes: z.int().min(0),
      /** Hexadecimal. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      /** Milliseconds since 1970. */
      modified: z.number(),
    }),
  ),
});
type Manifest = z.output<typeof manifestSchema>;

/** Where files wait between two volumes: by content, so that what is there already is not sent again. */
export interface FilesRequest {
  readonly tenantId: string;
  /** The folder of the tenant's files on the mounted volume. */
  readonly folder: string;
  /** Ends in `/`: customers/<id>/ */
  readonly prefix: string;
  /** Lifecycle rules delete what was sent after so many days. */
  readonly retainDays: number;
}

const keyOf = (prefix: string, sha256: string): string => `${prefix}move/${sha256}`;
const manifestKey = (prefix: string): string => `${prefix}move/manifest.json`;

/**
 * Sends a tenant's files to the bucket, the list of them last.
 * @throws OpsFailure
 */
export async function pushFiles(
  { tenantId, folder, prefix, retainDays }: FilesRequest,
  storage: ObjectStore,
  log: (line: string) => void,
): Promise<void> {
  const files = await listFiles(folder);
  let sent = 0;
  for (const { path, bytes, sha256 } of files) {
    const key = keyOf(prefix, sha256);
    if ((await storage.size(key)) === bytes) continue;
    await storage.put(key, Buffer.from(sha256, "hex").toString("base64"), {
      Body: createReadStream(join(folder, path)),
      ContentLength: bytes,
      Tagging: `retain-days=${retainDays}`,
    });
    sent += 1;
    if (sent % 1000 === 0) log(`${sent} files sent`);
  }
  const text = Buffer.from(JSON.stringify({ tenantId, files } satisfies Manifest));
  await storage.put(manifestKey(prefix), createHash("sha256").update(text).digest("base64"), {
    Body: text,
    ContentLength: text.length,
    ContentType: "application/json",
    Tagging: `retain-days=${retainDays}`,
  });
  log(`${summary(files)}; ${sent} sent, the others were there`);
}

/**
 * Makes a folder hold exactly the files that were sent last. Each is compared with its checksum before it takes its
 * place, and what else is in the folder is deleted.
 * @throws OpsFailure "verification" where the bucket has something else than was sent
 */
export async function pullFiles(
  { tenantId, folder, prefix }: FilesRequest,
  storage: ObjectStore,
  log: (line: string) => void,
): Promise<void> {
  const { files } = await readManifest(storage, prefix, tenantId);
  const wanted = new Map(files.map((file) => [file.path, file]));
  const present = new Map<string, string>();
  let deleted = 0;
  // First what goes, so that a file can take the place of a folder, and a folder that of a file.
  for (const { path, sha256 } of await listFiles(folder)) {
    if (wanted.has(path)) present.set(path, sha256);
    else {
      await rm(below(folder, path));
      deleted += 1;
    }
  }
  await removeEmptyFolders(folder);
  const arriving = join(folder, ARRIVING);
  await rm(arriving, { recursive: true, force: true });
  await mkdir(arriving, { recursive: true });
  let received = 0;
  for (const { path, sha256, modified } of files) {
    if (present.get(path) === sha256) continue;
    const target = below(folder, path);
    const partial = join(arriving, sha256);
    await mkdir(dirname(target), { recursive: true });
    await pipeline(await storage.stream(keyOf(prefix, sha256)), createWriteStream(partial));
    const arrived = await sha256Of(partial);
    if (arrived !== sha256) {
      await rm(partial);
      throw new OpsFailure("verification", `${path} arrives with ${arrived}, it was sent with ${sha256}`);
    }
    const time = new Date(modified);
    await utimes(partial, time, time);
    await rename(partial, target);
    received += 1;
    if (received % 1000 === 0) log(`${received} files received`);
  }
  await rm(arriving, { recursive: true, force: true });
  log(`${summary(files)}; ${received} received, ${deleted} deleted, the others were there`);
}

/**
 * Makes sure that a folder holds exactly the files that were sent last.
 * @throws OpsFailure "verification" that names the first difference
 */
export async function verifyFiles(
  { tenantId, folder, prefix }: Pick<FilesRequest, "tenantId" | "folder" | "prefix">,
  storage: ObjectStore,
  log: (line: string) => void,
): Promise<void> {
  const { files } = await readManifest(storage, prefix, tenantId);
  const present = new Map((await listFiles(folder)).map(({ path, sha256 }) => [path, sha256]));
  const different = files.find(({ path, sha256 }) => present.get(path) !== sha256)?.path;
  const sent = new Set(files.map(({ path }) => path));
  const more = [...present.keys()].find((path) => !sent.has(path));
  const fault = different ?? more;
  if (fault !== undefined) {
    throw new OpsFailure(
      "verification",
      `${fault} is not as it was sent: go back to cutover, which sends again`,
    );
  }
  log(`${summary(files)}; all as they were sent`);
}

/** Holds files while they arrive, on the volume that they arrive on. */
const ARRIVING = `${OWN_PREFIX}arriving`;

async function removeEmptyFolders(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !isOwn(relative(folder, path)));
  // The deepest first; one that holds something stays.
  for (const path of folders.sort((a, b) => b.length - a.length)) await rmdir(path).catch(() => undefined);
}

async function readManifest(storage: ObjectStore, prefix: string, tenantId: string): Promise<Manifest> {
  const manifest = await readObject(storage, manifestKey(prefix), manifestSchema, "list of files");
  if (manifest.tenantId !== tenantId)
    throw new OpsFailure("verification", `the files are those of ${manifest.tenantId}`);
  return manifest;
}

/** Deletes a tenant's files from a volume that other tenants share. */
export async function purgeFiles(
  { folder }: Pick<FilesRequest, "folder">,
  log: (line: string) => void,
): Promise<void> {
  const files = await listFiles(folder);
  await rm(folder, { recursive: true, force: true });
  log(`${summary(files)}; all deleted`);
}

/** Every file below a folder in the order of its path; none where there is no folder. */
async function listFiles(folder: string): Promise<Manifest["files"]> {
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  const files: Manifest["files"] = [];
  for (const name of names.sort()) {
    const facts = await lstat(join(folder, name));
    if (facts.isDirectory() || isOwn(name)) continue;
    if (!facts.isFile()) {
      throw new OpsFailure("configuration", `${name} is no plain file; only plain files can be moved`);
    }
    files.push({
      path: name.split(sep).join("/"),
      bytes: facts.size,
      sha256: await sha256Of(join(folder, name)),
      modified: Math.floor(facts.mtimeMs),
    });
  }
  return files;
}

/** A path of the list within the folder: what comes from the bucket leads nowhere else. */
function below(folder: string, path: string): string {
  const target = join(folder, path);
  if (!target.startsWith(folder + sep)) {
    throw new OpsFailure("verification", `"${path}" leads out of the tenant's folder`);
  }
  return target;
}

const summary = (files: Manifest["files"]): string =>
  `${files.length} files, ${files.reduce((sum, { bytes }) => sum + bytes, 0)} bytes`;

async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
