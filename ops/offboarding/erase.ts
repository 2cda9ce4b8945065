import { databaseName, certificateKey } from "../../registry/naming.ts";
import type { FinalBackup } from "../../registry/lifecycle.ts";
import { utcTime } from "../backup/manifest.ts";
import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import type { DatabaseLogin } from "../postgres.ts";
import { dropDatabase } from "../restore/beside.ts";
import { asJanitor } from "../restore/membership.ts";
import type { ObjectStore } from "../storage.ts";

export interface ErasureRequest {
  readonly tenantId: string;
  /** The tenant's prefix in the bucket, ends in `/`. */
  readonly prefix: string;
  /** The platform's role, on any database. */
  readonly platform: DatabaseLogin;
  readonly finalBackup: FinalBackup;
}

/** That a tenant's data is gone: `certificates/<id>.json`, which outlives it. Names no customer. */
export interface DeletionCertificate {
  readonly schemaVersion: 1;
  readonly tenantId: string;
  /** RFC 3339 UTC. */
  readonly deletedAt: string;
  /** What was verified before anything was deleted. */
  readonly finalBackup: FinalBackup;
  /** Databases that earlier restores had left, dropped now; the tenant's own had gone before. */
  readonly databases: readonly string[];
  /** What was below the prefix, all versions. */
  readonly objects: { readonly prefix: string; readonly erased: number; readonly bytes: number };
  /** What the bucket does not let go yet, with the time from which on lifecycle rules delete it. */
  readonly locked: readonly { readonly key: string; readonly until: string }[];
}

/**
 * Erases what is left of a tenant when its database and its namespace are gone: databases that restores have kept, and
 * every version of every object below its prefix. Writes the certificate last; again finds nothing and keeps it.
 * @throws OpsFailure "verification" where the tenant's database is still there
 */
export async function erase(
  { tenantId, prefix, platform, finalBackup }: ErasureRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<void> {
  const databases = await dropKept(tenantId, platform);
  const { erased, bytes, locked } = await store.eraseAll(prefix);
  log(`${erased} objects below ${prefix} are erased, ${locked.length} stay locked`);
  const key = certificateKey(tenantId);
  if ((await store.size(key)) !== undefined) return;
  const certificate: DeletionCertificate = {
    schemaVersion: 1,
    tenantId,
    deletedAt: utcTime(new Date()),
    finalBackup,
    databases,
    objects: { prefix, erased, bytes },
    locked,
  };
  await store.replace(key, certificate);
  log(`the deletion certificate is ${key}`);
}

/** Drops what earlier restores have left beside the tenant's database. */
async function dropKept(tenantId: string, platform: DatabaseLogin): Promise<string[]> {
  const own = databaseName(tenantId);
  return withConnection(platform, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      "SELECT datname FROM pg_database WHERE datname = $1 OR starts_with(datname, $1 || '__') ORDER BY 1",
      [own],
    );
    const names = rows.map(({ datname }) => datname);
    if (names.includes(own)) {
      throw new OpsFailure("verification", `${own} is still there; its backups are not erased before it`);
    }
    // What a restore has kept is the janitor's.
    await asJanitor(client, async () => {
      for (const name of names) await dropDatabase(client, name);
    });
    return names;
  });
}
