import { z } from "zod";
import { OpsFailure } from "../failure.ts";
import { readObject } from "../readObject.ts";
import type { ObjectStore } from "../storage.ts";

/** A side of a move: what a tenant's data lies in, by placement. */
export const SIDES = ["pool", "bridge", "silo"] as const;
export type Side = (typeof SIDES)[number];

/**
 * What was done in a tenant's moves, kept in the bucket beside its backups: the Jobs write it, and believe it rather
 * than the registry, whose phases say what was asked for.
 */
const recordSchema = z.object({
  /** The last copy that was complete. */
  copied: z
    .object({
      from: z.enum(SIDES),
      to: z.enum(SIDES),
      /** Whether nobody could write to the source meanwhile. */
      final: z.boolean(),
      /** SHA-256 of the rows. */
      checksum: z.string(),
    })
    .optional(),
  /** The side that was opened to the application after the last copy: it may hold newer data than any other. */
  opened: z.enum(SIDES).optional(),
});
export type MoveRecord = z.output<typeof recordSchema>;

const keyOf = (prefix: string): string => `${prefix}move/record.json`;

/** The record of a tenant's moves; empty before the first. */
export async function readRecord(store: ObjectStore, prefix: string): Promise<MoveRecord> {
  const key = keyOf(prefix);
  if ((await store.size(key)) === undefined) return {};
  return readObject(store, key, recordSchema, "record of moves");
}

export const writeRecord = (store: ObjectStore, prefix: string, record: MoveRecord): Promise<void> =>
  store.replace(keyOf(prefix), record);

/**
 * Whether a side may be emptied and filled anew from another.
 * @throws OpsFailure "verification" where that would overwrite newer data
 */
export function requireOlder({ copied, opened }: MoveRecord, from: Side, to: Side): void {
  if (opened === to) {
    throw new OpsFailure(
      "verification",
      `the application has written to the ${to} side since it was opened, and nothing of that is on the ${from} side: go on to soak, and from there back`,
    );
  }
  if (copied?.to === from && opened !== from) {
    throw new OpsFailure(
      "verification",
      `the ${from} side is a copy that was never opened, and may be older than the ${to} side: turn the move round again`,
    );
  }
}
