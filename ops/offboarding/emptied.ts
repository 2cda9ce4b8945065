import { z } from "zod";
import { readObject } from "../readObject.ts";
import type { Choice } from "../restore/select.ts";
import type { ObjectStore } from "../storage.ts";

/** What is emptied when a tenant is archived: what could not be emptied any more when its entry is a tombstone. */
export const EMPTIED = ["rows", "files"] as const;
export type EmptiedPart = (typeof EMPTIED)[number];

const schema = z.object({
  /** Id of the backup that holds what was deleted. */
  finalBackup: z.string(),
  /** Id of the backup that it was restored from since. */
  restoredFrom: z.string().optional(),
});
type Emptied = z.output<typeof schema>;

/** One object a part: the Jobs of both run at once. */
const keyOf = (prefix: string, part: EmptiedPart): string => `${prefix}final/emptied-${part}.json`;

async function read(store: ObjectStore, prefix: string, part: EmptiedPart): Promise<Emptied | undefined> {
  const key = keyOf(prefix, part);
  if ((await store.size(key)) === undefined) return undefined;
  return readObject(store, key, schema, "note of what was emptied");
}

/** Notes that a part of a tenant's data is about to be deleted, and which backup holds it. */
export const noteEmptied = (
  store: ObjectStore,
  prefix: string,
  part: EmptiedPart,
  finalBackup: string,
): Promise<void> => store.replace(keyOf(prefix, part), { finalBackup });

/** Notes that a part of a tenant's data was restored, if it had been deleted. */
export async function noteRestored(
  store: ObjectStore,
  prefix: string,
  part: EmptiedPart,
  restoredFrom: string,
): Promise<void> {
  const emptied = await read(store, prefix, part);
  if (emptied !== undefined) await store.replace(keyOf(prefix, part), { ...emptied, restoredFrom });
}

/** A part of a tenant's data that was deleted and is not restored. */
export interface Missing {
  readonly part: EmptiedPart;
  /** Id of the backup that holds it. */
  readonly finalBackup: string;
}

/** What of a tenant's data was deleted when it was archived and is not restored yet. */
export async function missingParts(store: ObjectStore, prefix: string): Promise<Missing[]> {
  const found = await Promise.all(
    EMPTIED.map(async (part) => ({ part, emptied: await read(store, prefix, part) })),
  );
  return found.flatMap(({ part, emptied }) =>
    emptied === undefined || emptied.restoredFrom !== undefined
      ? []
      : [{ part, finalBackup: emptied.finalBackup }],
  );
}

/**
 * Which backup to restore: of a tenant that comes back from state archived the final one, unless another is asked for.
 * A newer one would hold what is left of it.
 */
export async function choiceAfterArchive(
  store: ObjectStore,
  prefix: string,
  choice: Choice,
): Promise<Choice> {
  if (choice.id !== undefined || choice.at !== undefined) return choice;
  const [missing] = await missingParts(store, prefix);
  return missing === undefined ? choice : { id: missing.finalBackup };
}
