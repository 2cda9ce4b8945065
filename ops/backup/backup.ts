import { PassThrough, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdCompress, createZstdDecompress } from "node:zlib";
import { withConnection } from "../connection.ts";
import { waitSeconds } from "../environment.ts";
import { OpsFailure } from "../failure.ts";
import { keepingOf } from "../legalHold.ts";
import { startReading } from "../files/archive.ts";
import { PACKED, startPacking } from "../files/pack.ts";
import { requireVisibleRows } from "../pool/rows.ts";
import { dumpCommand, programFailure, type DatabaseLogin } from "../postgres.ts";
import { runProgram, startSink, startSource, type Ended } from "../program.ts";
import { actFor } from "../sessions.ts";
import type { Keeping, ObjectStore } from "../storage.ts";
import { basicTime, manifestKey, utcTime, type BACKUP_KINDS, type Manifest } from "./manifest.ts";
import { takeSnapshot } from "./snapshot.ts";
import { arriving, tee, type Passed } from "./stream.ts";

/** pg_dump may be silent for so many waits: it looks for the rows of one tenant among those of all. */
const DUMP_WAITS = 10;

export interface BackupRequest {
  readonly tenantId: string;
  readonly kind: (typeof BACKUP_KINDS)[number];
  /** Ends in `/`: customers/<id>/ */
  readonly prefix: string;
  readonly retainDays: number;
  readonly database: DatabaseLogin;
  /** database: all of it; rows: the tenant's rows of a database that tenants share. */
  readonly scope: "database" | "rows";
  /** Folder of the uploaded files. Default: they are not the tenant's alone, and left out. */
  readonly files?: string;
}

/**
 * Backs up a tenant: the database in one snapshot, in which the rows are counted, then the files, then the manifest.
 * Everything streams: what is sent to the bucket is read to its end by pg_restore or tar on the way. Interrupted anywhere,
 * it leaves no manifest and so no backup that looks complete.
 * @throws OpsFailure with the exit code of what failed
 */
export async function backup(
  request: BackupRequest,
  storage: ObjectStore,
  log: (line: string) => void,
): Promise<Manifest> {
  const { tenantId, kind, prefix, retainDays, scope, database, files } = request;
  const started = new Date();
  const time = basicTime(started);
  if (scope === "rows") await requireVisibleRows(database, tenantId);
  const keeping = await keepingOf(storage, prefix, retainDays);
  const dumped = await backUpDatabase(request, `${prefix}db/${time}.dump`, keeping, storage, log);
  const archived =
    files === undefined
      ? null
      : await backUpFiles(files, `${prefix}files/${time}.tar.zst`, keeping, storage, log);
  const manifest: Manifest = {
    schemaVersion: 1,
    id: `${tenantId}-${time}`,
    kind,
    tenantId,
    startedAt: utcTime(started),
    finishedAt: utcTime(new Date()),
    retainDays,
    ...dumped,
    files: archived,
  };
  await storage.create(manifestKey(prefix, time), manifest, keeping);
  return manifest;
}

async function backUpDatabase(
  { tenantId, database, scope }: BackupRequest,
  key: string,
  keeping: Keeping,
  storage: ObjectStore,
  log: (line: string) => void,
): Promise<Pick<Manifest, "source" | "database" | "tool">> {
  return withConnection(database, async (client) => {
    const rowsOf = scope === "rows" ? tenantId : undefined;
    if (rowsOf !== undefined) await actFor(client, rowsOf);
    const snapshot = await takeSnapshot(client);
    const rows = snapshot.tables.reduce((sum, table) => sum + table.rows, 0);
    log(
      `dumping ${rowsOf === undefined ? "" : `the rows of ${rowsOf} in `}${database.name}: ${snapshot.tables.length} tables, ${rows} rows`,
    );
    const { args, env } = dumpCommand(database, snapshot.name, rowsOf);
    const dump = startSource("pg_dump", args, env);
    const reader = startSink("pg_restore", ["--file=/dev/null"]);
    const dumped = arriving(dump.stdout, DUMP_WAITS * waitSeconds() * 1000, (error) =>
      programFailure("pg_dump", database, (error as Error).message),
    );
    const passed = await send(dumped, reader.stdin, storage, {
      key,
      keeping,
      proven: async () => {
        requireEnd(await dump.ended, (stderr) => programFailure("pg_dump", database, stderr));
        requireEnd(await reader.ended, (stderr) => unreadable("the dump", stderr));
      },
      stop: () => {
        dump.kill();
        reader.kill();
      },
    });
    log(`${key}: ${passed.bytes} bytes`);
    return {
      source: {
        database: database.name,
        scope,
        serverVersion: snapshot.serverVersion,
        snapshotAt: snapshot.at,
      },
      database: {
        key,
        ...passed,
        format: "pg_dump-custom",
        tables: [...snapshot.tables],
        schemaDigest: snapshot.schemaDigest,
      },
      tool: { name: "warehouse-ops", pgDump: await version() },
    };
  });
}

async function backUpFiles(
  folder: string,
  key: string,
  keeping: Keeping,
  storage: ObjectStore,
  log: (line: string) => void,
): Promise<NonNullable<Manifest["files"]>> {
  log("archiving the files");
  const tar = await startPacking(folder, log);
  const reader = startReading(key);
  const [pack, unpack] = [createZstdCompress(), createZstdDecompress()];
  const stop = (): void => {
    tar.kill();
    reader.kill();
  };
  pipeline(tar.stdout, pack).catch(stop);
  pipeline(unpack, reader.stdin).catch(() => undefined);
  const passed = await send(pack, unpack, storage, {
    key,
    keeping,
    proven: async () => {
      requireEnd(
        await tar.ended,
        (stderr) => new OpsFailure("disk", `tar of ${folder} failed: ${stderr}`),
        PACKED,
      );
      requireEnd(await reader.ended, (stderr) => unreadable("the archive", stderr));
      // What it holds, not what there was: files come and go while it is made.
      await reader.files;
    },
    stop,
  });
  const count = await reader.files;
  log(`${key}: ${count} files, ${passed.bytes} bytes`);
  return { key, ...passed, format: "tar+zstd", count };
}

interface Sending {
  readonly key: string;
  readonly keeping: Keeping;
  /** Fails unless the programs at both ends have ended well: the object is completed only then. */
  readonly proven: () => Promise<void>;
  /** Ends the programs at both ends, so that none is left behind when it fails. */
  readonly stop: () => void;
}

/** Sends a stream to the bucket and to a reader at once. What fails first is thrown, when all has come to its end. */
async function send(
  from: AsyncIterable<Buffer>,
  reader: Writable,
  storage: ObjectStore,
  { key, keeping, proven, stop }: Sending,
): Promise<Passed> {
  const body = new PassThrough();
  const faults: unknown[] = [];
  // The other side would wait for ever.
  const fail = (error: unknown): void => {
    faults.push(error);
    body.destroy();
    stop();
  };
  const [passed] = await Promise.all([
    tee(from, body, reader, proven).catch(fail),
    storage.upload(key, body, keeping).catch(fail),
  ]);
  if (passed === undefined || faults.length > 0) throw faults[0];
  await storage.requireSize(key, passed.bytes);
  return passed;
}

function requireEnd(
  { code, stderr }: Ended,
  failure: (stderr: string) => OpsFailure,
  good: readonly number[] = [0],
): void {
  if (code === null || !good.includes(code)) throw failure(stderr);
}

const unreadable = (what: string, stderr: string): OpsFailure =>
  new OpsFailure("verification", `${what} cannot be read back: ${stderr}`);

/** Version of pg_dump, e.g. 15.18. */
async function version(): Promise<string> {
  const { stdout } = await runProgram("pg_dump", ["--version"]);
  return /\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? "";
}
