import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { escapeIdentifier, type Client } from "pg";
import { to as copyTo } from "pg-copy-streams";
import { basicTime, utcTime } from "../backup/manifest.ts";
import { nowhere } from "../backup/readBack.ts";
import { takeSnapshot } from "../backup/snapshot.ts";
import { tee } from "../backup/stream.ts";
import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import { keepingOf } from "../legalHold.ts";
import { startReading } from "../files/archive.ts";
import { PACKED, startPacking } from "../files/pack.ts";
import { requireVisibleRows } from "../pool/rows.ts";
import { clientEnvironment, programFailure, type DatabaseLogin } from "../postgres.ts";
import { startSource } from "../program.ts";
import { actFor } from "../sessions.ts";
import type { Keeping, ObjectStore } from "../storage.ts";
import { README } from "./readme.ts";

export interface ExportRequest {
  readonly tenantId: string;
  /** The tenant's prefix in the bucket, ends in `/`. */
  readonly prefix: string;
  readonly retainDays: number;
  /** The tenant's backup login. */
  readonly database: DatabaseLogin;
  /** database: all of it; rows: the tenant's rows of a database that tenants share. */
  readonly scope: "database" | "rows";
  /** Folder of the uploaded files. Default: none are exported. */
  readonly files?: string;
}

/** The manifest of an export: `customers/<id>/export/<time>/manifest.json`. There is an export only if there is one. */
export interface ExportManifest {
  readonly schemaVersion: 1;
  readonly tenantId: string;
  /** When everything was read, RFC 3339 UTC. */
  readonly exportedAt: string;
  readonly objects: readonly ExportedObject[];
  readonly readme: string;
}

interface ExportedObject {
  /** Relative to the manifest: data/orders.csv.gz */
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Of a table. */
  readonly rows?: number;
  /** Of files.tar.gz: how many files it holds. */
  readonly files?: number;
}

/**
 * Exports a tenant's data in a form that others can read (GDPR Art. 20): each table as CSV, the definitions, the files. All
 * tables are read in one snapshot; everything streams.
 * @throws OpsFailure; without a manifest there is no export
 */
export async function exportData(
  request: ExportRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<ExportManifest> {
  const { tenantId, prefix, retainDays, database, scope, files } = request;
  const started = new Date();
  const below = `${prefix}export/${basicTime(started)}/`;
  if (scope === "rows") await requireVisibleRows(database, tenantId);
  const keeping = await keepingOf(store, prefix, retainDays);
  const sent: ExportedObject[] = [];
  const send: Send = async (name, from, facts) => {
    const passed = await upload(store, `${below}${name}`, from, keeping);
    sent.push({ name, ...passed, ...(await facts) });
    log(`${name}: ${passed.bytes} bytes`);
  };
  const exportedAt = await withConnection(database, async (client) => {
    if (scope === "rows") await actFor(client, tenantId);
    const snapshot = await takeSnapshot(client);
    for (const { name, rows } of snapshot.tables) {
      await send(`data/${name}.csv.gz`, tableOf(client, name), { rows });
    }
    await sendSchema(database, snapshot.name, (from) => send("schema.sql", from));
    return snapshot.at;
  });
  if (files !== undefined) await sendFiles(files, send, log);
  const manifest: ExportManifest = {
    schemaVersion: 1,
    tenantId,
    exportedAt: utcTime(new Date(exportedAt)),
    objects: sent,
    readme: README,
  };
  await store.create(`${below}manifest.json`, manifest, keeping);
  log(`${below}manifest.json: the export is complete`);
  return manifest;
}

/** Sends an object of the export; what is told of it is known when it is sent. */
type Send = (
  name: string,
  from: Readable,
  facts?: Pick<ExportedObject, "rows" | "files"> | Promise<Pick<ExportedObject, "files">>,
) => Promise<void>;

/** Sends a stream, and measures what went through. */
async function upload(store: ObjectStore, key: string, from: Readable, keeping: Keeping) {
  const body = new PassThrough();
  const [passed] = await Promise.all([
    tee(from, body, nowhere()).catch((error: unknown): never => {
      body.destroy(error as Error);
      throw error;
    }),
    store.upload(key, body, keeping).catch((error: unknown): never => {
      from.destroy(error as Error);
      throw error;
    }),
  ]);
  await store.requireSize(key, passed.bytes);
  return passed;
}

/** The rows of a table that the session sees, as compressed CSV. */
function tableOf(client: Client, name: string): Readable {
  const rows = client.query(
    copyTo(`COPY (SELECT * FROM app.${escapeIdentifier(name)}) TO STDOUT WITH (FORMAT csv, HEADER)`),
  );
  return compressed(rows);
}

/** A failure of the source is the stream's. */
function compressed(from: Readable): Readable {
  const pack = createGzip();
  pipeline(from, pack).catch((error: unknown) => pack.destroy(error as Error));
  return pack;
}

async function sendSchema(
  database: DatabaseLogin,
  snapshot: string,
  send: (from: Readable) => Promise<void>,
): Promise<void> {
  const args = ["--schema-only", "--schema=app", "--no-owner", "--no-privileges", "--no-password"];
  const dump = startSource("pg_dump", [...args, `--snapshot=${snapshot}`], clientEnvironment(database));
  await send(dump.stdout);
  const { code, stderr } = await dump.ended;
  if (code !== 0) throw programFailure("pg_dump", database, stderr);
}

async function sendFiles(folder: string, send: Send, log: (line: string) => void): Promise<void> {
  const name = "files.tar.gz";
  const tar = await startPacking(folder, log);
  const reader = startReading(name);
  const pack = createGzip();
  tee(tar.stdout, pack, reader.stdin).catch((error: unknown) => pack.destroy(error as Error));
  await send(
    name,
    pack,
    reader.files.then((files) => ({ files })),
  );
  const { code, stderr } = await tar.ended;
  if (code === null || !PACKED.includes(code))
    throw new OpsFailure("disk", `tar of ${folder} failed: ${stderr}`);
}
