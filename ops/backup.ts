import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { requireVisibleRows } from "./pool/rows.ts";
import { dump, verifyDump, type DatabaseLogin } from "./postgres.ts";
import type { Storage } from "./storage.ts";

export interface BackupRequest {
  readonly tenantId: string;
  /** Ends in `/`: customers/<id>/ */
  readonly prefix: string;
  readonly retainDays: number;
  readonly database: DatabaseLogin;
  /** database: all of it; rows: the tenant's rows of a database that tenants share. */
  readonly scope: "database" | "rows";
  /** Folder for the dump while it is verified. */
  readonly scratch: string;
}

/** What the manifest of a backup says; a backup exists only if its manifest does. */
export interface BackupManifest {
  /** `<tenant>-<time>`, the time as RFC 3339 basic UTC: acme-20260101T020304Z. */
  readonly id: string;
  readonly tenantId: string;
  readonly createdAt: string;
  readonly retainDays: number;
  readonly database: {
    readonly key: string;
    readonly name: string;
    /** What of it: everything, or the tenant's rows. */
    readonly scope: "database" | "rows";
    readonly bytes: number;
    readonly sha256: string;
  };
}

/**
 * Backs up a tenant's database: dump, verify by reading all of it, upload with checksum, manifest last.
 * Interrupted anywhere, it leaves no manifest and so no backup that looks complete.
 * @throws OpsFailure with the exit code of what failed
 */
export async function backup(
  request: BackupRequest,
  storage: Storage,
  log: (line: string) => void,
): Promise<BackupManifest> {
  const { tenantId, prefix, retainDays, database, scope } = request;
  const createdAt = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const time = createdAt.replaceAll(/[-:]/g, "");
  const folder = await mkdtemp(join(request.scratch, "backup-"));
  try {
    const file = join(folder, "database.dump");
    if (scope === "database") {
      log(`dumping ${database.name}`);
      await dump(database, file);
    } else {
      log(`dumping the rows of ${tenantId} in ${database.name}`);
      await requireVisibleRows(database, tenantId);
      await dump(database, file, tenantId);
    }
    await verifyDump(file);
    const digest = await sha256(file);
    const { size } = await stat(file);
    const key = `${prefix}db/${time}.dump`;
    log(`uploading ${size} bytes to ${key}`);
    await storage.put(key, digest.toString("base64"), {
      Body: createReadStream(file),
      ContentLength: size,
      Tagging: `retain-days=${retainDays}`,
    });
    const manifest: BackupManifest = {
      id: `${tenantId}-${time}`,
      tenantId,
      createdAt,
      retainDays,
      database: { key, name: database.name, scope, bytes: size, sha256: digest.toString("hex") },
    };
    await storage.create(`${prefix}db/${time}.manifest.json`, manifest);
    return manifest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sha256(file: string): Promise<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest();
}
