import { utcTime } from "../backup/manifest.ts";
import { withConnection } from "../connection.ts";
import { assertIsolation } from "../isolation.ts";
import type { DatabaseLogin } from "../postgres.ts";
import type { ObjectStore } from "../storage.ts";
import { drillName, dropBeside, restoreBeside } from "./beside.ts";
import { withLocks } from "./membership.ts";
import { keepReport, type DrillReport } from "./report.ts";
import { selectBackup, type Choice } from "./select.ts";

export interface DrillRequest {
  readonly tenantId: string;
  /** The tenant's prefix in the bucket, ends in `/`. */
  readonly prefix: string;
  /** May make databases, on any database; no member of anything. */
  readonly login: DatabaseLogin;
  readonly choice: Choice;
}

/**
 * Restores a backup into a database of its own, compares it with the manifest, makes sure that no tenant can reach it, and
 * drops it. What serves is not touched, and the login can enter nothing but what it makes. The report is kept in the bucket.
 * @throws OpsFailure
 */
export async function drill(
  { tenantId, prefix, login, choice }: DrillRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<DrillReport> {
  const begun = performance.now();
  const manifest = await selectBackup(store, tenantId, prefix, choice);
  const beside = { name: drillName(tenantId), login };
  // Of two drills the second would drop the first's database.
  const seconds = await withConnection(login, (client) =>
    withLocks(client, [beside.name], async () => {
      await restoreBeside(beside, manifest, store, log);
      const taken = Math.round((performance.now() - begun) / 100) / 10;
      try {
        await assertIsolation(login);
      } finally {
        await dropBeside(beside);
      }
      return taken;
    }),
  );
  const report: DrillReport = {
    tenantId,
    backupId: manifest.id,
    finishedAt: utcTime(new Date()),
    seconds,
    bytes: manifest.database.bytes,
    tables: manifest.database.tables,
  };
  await keepReport(store, prefix, report, manifest.retainDays);
  log(`${manifest.id} can be restored: it took ${seconds} s`);
  return report;
}
