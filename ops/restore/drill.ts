import { basicTime, utcTime, type Manifest } from "../backup/manifest.ts";
import { withConnection } from "../connection.ts";
import { assertIsolation } from "../isolation.ts";
import type { ObjectStore } from "../storage.ts";
import { asMember, dropDatabase, restoreBeside, rolesFor, scratchName } from "./beside.ts";
import type { RestoreRequest } from "./restore.ts";
import { selectBackup } from "./select.ts";

/** What a drill found: the backup can be restored, and how long it takes. */
export interface DrillReport {
  readonly tenantId: string;
  readonly backupId: string;
  /** RFC 3339 UTC. */
  readonly finishedAt: string;
  /** From the decision to the checked database: the recovery time that was measured. */
  readonly seconds: number;
  readonly bytes: number;
  readonly tables: Manifest["database"]["tables"];
}

/**
 * Restores a backup into a database of its own, compares it with the manifest, makes sure that no tenant can reach it, and
 * drops it. What serves is not touched. The report is kept in the bucket.
 * @throws OpsFailure
 */
export async function drill(
  { tenantId, prefix, platform, choice, retainDays }: RestoreRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<DrillReport> {
  const begun = performance.now();
  const manifest = await selectBackup(store, tenantId, prefix, choice);
  await withConnection(platform, async (client) => {
    await asMember(client, rolesFor(manifest), () => restoreBeside(platform, manifest, store, log));
  });
  const seconds = Math.round((performance.now() - begun) / 100) / 10;
  try {
    await assertIsolation(platform);
  } finally {
    await withConnection(platform, (client) => dropDatabase(client, scratchName(tenantId)));
  }
  const finished = new Date();
  const report: DrillReport = {
    tenantId,
    backupId: manifest.id,
    finishedAt: utcTime(finished),
    seconds,
    bytes: manifest.database.bytes,
    tables: manifest.database.tables,
  };
  await store.create(`${prefix}drills/${basicTime(finished)}.json`, report, retainDays);
  log(`${manifest.id} can be restored: it took ${seconds} s`);
  return report;
}
