import type { Manifest } from "../backup/manifest.ts";
import { drillHistory, readReport, type DrillReport } from "../restore/report.ts";
import { backupTimes, readManifest } from "../restore/select.ts";
import type { ObjectStore } from "../storage.ts";
import { tenantsOf } from "../tenants.ts";
import { render, type Family } from "./render.ts";

/** What is known of a tenant. */
interface Known {
  readonly tenantId: string;
  /** Its newest backup; undefined without. */
  readonly backup: Manifest | undefined;
  /** Its last drill that succeeded; undefined without. */
  readonly drill: DrillReport | undefined;
}

type Read = Map<string, Manifest | DrillReport | undefined>;

const seconds = (time: string): number => Date.parse(time) / 1000;

/**
 * What the bucket says of backups and drills, for Prometheus. A manifest or report never changes, so each is read once. A
 * tenant of which nothing is known has no series: alerts on absence tell of it.
 */
export class BackupMetrics {
  readonly #store: ObjectStore;
  /** By key, of what the last refresh found; undefined: it is not what it must be. */
  #read: Read = new Map();
  #known: readonly Known[] = [];
  #refreshedAt = 0;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /**
   * Reads what is new in the bucket. What cannot be read of one tenant keeps nobody else from being told of.
   * @throws OpsFailure where the bucket does not answer; what was known stays
   */
  async refresh(now: Date, log: (line: string) => void): Promise<void> {
    const read: Read = new Map();
    const once = async <T extends Manifest | DrillReport>(
      key: string,
      get: () => Promise<T>,
    ): Promise<T | undefined> => {
      const found = this.#read.has(key)
        ? (this.#read.get(key) as T | undefined)
        : await get().catch((error: unknown) => {
            if ((error as { kind?: string }).kind !== "verification") throw error;
            log((error as Error).message);
            return undefined;
          });
      read.set(key, found);
      return found;
    };
    const known: Known[] = [];
    for (const { tenantId, prefix } of await tenantsOf(this.#store)) {
      const time = (await backupTimes(this.#store, prefix)).at(-1);
      const { success } = await drillHistory(this.#store, prefix);
      known.push({
        tenantId,
        backup:
          time === undefined
            ? undefined
            : await once(`${prefix}${time}`, () => readManifest(this.#store, tenantId, prefix, time)),
        drill:
          success === undefined ? undefined : await once(success, () => readReport(this.#store, success)),
      });
    }
    this.#read = read;
    this.#known = known;
    this.#refreshedAt = now.getTime() / 1000;
  }

  /** In the text format of Prometheus. */
  text(): string {
    const backups = this.#known.flatMap(({ tenantId: tenant, backup }) =>
      backup === undefined ? [] : [{ tenant, backup }],
    );
    const drills = this.#known.flatMap(({ tenantId: tenant, drill }) =>
      drill === undefined ? [] : [{ tenant, drill }],
    );
    const families: Family[] = [
      {
        name: "warehouse_backup_last_verified_timestamp_seconds",
        help: "The moment that the newest backup shows, which was read to its end before its manifest was written.",
        samples: backups.map(({ tenant, backup }) => [{ tenant }, seconds(backup.source.snapshotAt)]),
      },
      {
        name: "warehouse_backup_size_bytes",
        help: "Size of the newest backup in the bucket.",
        samples: backups.flatMap(({ tenant, backup: { database, files } }) => [
          [{ tenant, part: "database" }, database.bytes] as const,
          ...(files === null ? [] : [[{ tenant, part: "files" }, files.bytes] as const]),
        ]),
      },
      {
        name: "warehouse_backup_duration_seconds",
        help: "How long the newest backup took.",
        samples: backups.map(({ tenant, backup }) => [
          { tenant },
          seconds(backup.finishedAt) - seconds(backup.startedAt),
        ]),
      },
      {
        name: "warehouse_drill_last_success_timestamp_seconds",
        help: "When a backup was last restored for a try and found equal.",
        samples: drills.map(({ tenant, drill }) => [{ tenant }, seconds(drill.finishedAt)]),
      },
      {
        name: "warehouse_drill_duration_seconds",
        help: "How long that restore took: the measured recovery time.",
        samples: drills.map(({ tenant, drill }) => [{ tenant }, drill.seconds]),
      },
      {
        name: "warehouse_metrics_last_refresh_timestamp_seconds",
        help: "When the bucket was last read without a failure; 0 before the first time.",
        samples: [[{}, this.#refreshedAt]],
      },
    ];
    return render(families);
  }
}
