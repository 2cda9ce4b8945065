import { basicTime, manifestKey, manifestSchema, type Manifest } from "../backup/manifest.ts";
import { OpsFailure } from "../failure.ts";
import { readObject } from "../readObject.ts";
import type { ObjectStore } from "../storage.ts";

/** Which backup is meant; neither: the newest. What was kept before a restore is meant only by its id. */
export interface Choice {
  /** acme-20260101T020304Z */
  readonly id?: string;
  /** RFC 3339 UTC: the newest that was begun not after it. */
  readonly at?: string;
}

const KEY = /\/db\/(\d{8}T\d{6}Z)\.manifest\.json$/;

/**
 * The manifest of a tenant's backup. Names are compared as a whole: by its beginning alone, a backup of acme-2 could be
 * taken for one of acme.
 * @param prefix the tenant's prefix in the bucket, ends in `/`
 * @throws OpsFailure "verification" where there is none, or it is not what it says
 */
export async function selectBackup(
  store: ObjectStore,
  tenantId: string,
  prefix: string,
  { id, at }: Choice,
): Promise<Manifest> {
  const limit = at === undefined ? undefined : basicTime(new Date(at));
  const times = await backupTimes(store, prefix);
  const meant = times.filter((each) =>
    id === undefined ? limit === undefined || each <= limit : `${tenantId}-${each}` === id,
  );
  for (const time of meant.reverse()) {
    const manifest = await readManifest(store, tenantId, prefix, time);
    if (id !== undefined || manifest.kind !== "pre-restore") return manifest;
  }
  const newest = times.at(-1);
  throw new OpsFailure(
    "verification",
    `${tenantId} has no such backup (${id ?? (at === undefined ? "any" : `one not after ${at}`)}); ${newest === undefined ? "it has none" : `its newest is ${tenantId}-${newest}`}`,
  );
}

/**
 * The manifest of a tenant's newest backup, whatever it was taken for.
 * @throws OpsFailure "verification" where there is none
 */
export async function newestBackup(store: ObjectStore, tenantId: string, prefix: string): Promise<Manifest> {
  const time = (await backupTimes(store, prefix)).at(-1);
  if (time === undefined) throw new OpsFailure("verification", `${tenantId} has no backup`);
  return readManifest(store, tenantId, prefix, time);
}

/**
 * The manifest of the backup that was begun at a time.
 * @throws OpsFailure "verification" where it is not what it says
 */
export async function readManifest(
  store: ObjectStore,
  tenantId: string,
  prefix: string,
  time: string,
): Promise<Manifest> {
  const key = manifestKey(prefix, time);
  const manifest = await readObject(store, key, manifestSchema, "manifest of a backup");
  if (manifest.tenantId !== tenantId || manifest.id !== `${tenantId}-${time}`) {
    throw new OpsFailure(
      "verification",
      `${key} is the manifest of ${manifest.id}, not of ${tenantId}-${time}`,
    );
  }
  return manifest;
}

/**
 * When a tenant's backups were begun, RFC 3339 basic UTC, the oldest first.
 * @param prefix the tenant's prefix in the bucket, ends in `/`
 */
export async function backupTimes(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await store.list(`${prefix}db/`)).flatMap((key) => {
    const time = KEY.exec(key)?.[1];
    return time !== undefined && key === manifestKey(prefix, time) ? [time] : [];
  });
}
