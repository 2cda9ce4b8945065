import { z } from "zod";
import { basicTime } from "../backup/manifest.ts";
import { readObject } from "../readObject.ts";
import type { ObjectStore } from "../storage.ts";

/** What a drill found: the backup can be restored, and how long it takes. */
const reportSchema = z.object({
  tenantId: z.string(),
  backupId: z.string(),
  /** RFC 3339 UTC. */
  finishedAt: z.iso.datetime(),
  /** From the decision to the checked database: the recovery time that was measured. */
  seconds: z.number(),
  /** Of the dump. */
  bytes: z.int(),
  tables: z.array(z.object({ name: z.string(), rows: z.int() })),
});
export type DrillReport = z.output<typeof reportSchema>;

/** A drill that failed; kept so that the next night tries again. */
export interface FailedDrill {
  readonly tenantId: string;
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly message: string;
}

/** Days for which a failure is kept; reports are kept as long as the backup that was drilled. */
const FAILED_DAYS = 30;

/** `customers/acme/drills/20260102T030405Z.json`; a failure is `….failed.json`. */
const KEY = /\/drills\/(\d{8}T\d{6}Z)(\.failed)?\.json$/;

export const keepReport = (store: ObjectStore, prefix: string, report: DrillReport, retainDays: number) =>
  store.create(`${prefix}drills/${timeOf(report)}.json`, report, { retainDays });

export const keepFailure = (store: ObjectStore, prefix: string, failed: FailedDrill) =>
  store.create(`${prefix}drills/${timeOf(failed)}.failed.json`, failed, { retainDays: FAILED_DAYS });

const timeOf = ({ finishedAt }: { readonly finishedAt: string }): string => basicTime(new Date(finishedAt));

/** What is known of a tenant's drills. */
export interface DrillHistory {
  /** Key of the last report of a success; undefined without. */
  readonly success: string | undefined;
  /** When that was, RFC 3339 basic UTC; empty without, which comes first. */
  readonly successAt: string;
  /** Whether the last drill failed. */
  readonly failed: boolean;
}

/** @param prefix the tenant's prefix in the bucket, ends in `/` */
export async function drillHistory(store: ObjectStore, prefix: string): Promise<DrillHistory> {
  const drills = (await store.list(`${prefix}drills/`)).flatMap((key) => {
    const [, at, failed] = KEY.exec(key) ?? [];
    return at === undefined ? [] : [{ key, at, failed: failed !== undefined }];
  });
  const success = drills.findLast(({ failed }) => !failed);
  return { success: success?.key, successAt: success?.at ?? "", failed: drills.at(-1)?.failed ?? false };
}

/** @throws OpsFailure "verification" where the object is no report */
export const readReport = (store: ObjectStore, key: string): Promise<DrillReport> =>
  readObject(store, key, reportSchema, "report of a drill");
