import type { Keeping, ObjectStore } from "./storage.ts";

/**
 * The note in the bucket that a tenant is under legal hold: what is written while it is there is held from the start.
 * It stands beside the backups, so that whoever backs up finds it without being told.
 */
const keyOf = (prefix: string): string => `${prefix}legal-hold.json`;

/** How what is written below a tenant's prefix is kept. */
export async function keepingOf(store: ObjectStore, prefix: string, retainDays: number): Promise<Keeping> {
  return { retainDays, held: (await store.size(keyOf(prefix))) !== undefined };
}

/**
 * Puts every version of every object below a tenant's prefix under an Object Lock legal hold: neither a person nor a
 * lifecycle rule can delete it until the hold is lifted. Again it holds what came meanwhile.
 * @returns how many versions are held
 */
export async function placeHold(store: ObjectStore, prefix: string, caseRef: string): Promise<number> {
  // First the note: what is written while the versions are listed is held by whoever writes it.
  await store.replace(keyOf(prefix), { caseRef });
  return store.hold(prefix, true);
}

/** Lifts the hold from every version; the note goes last, so that a run that was killed lifts the rest. */
export async function liftHold(store: ObjectStore, prefix: string): Promise<number> {
  const lifted = await store.hold(prefix, false);
  await store.forget(keyOf(prefix));
  return lifted;
}
