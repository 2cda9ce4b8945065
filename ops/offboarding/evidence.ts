import { createHash } from "node:crypto";
import { z } from "zod";
import type { FinalBackup } from "../../registry/lifecycle.ts";
import { manifestKeyOf } from "../backup/manifest.ts";
import { OpsFailure } from "../failure.ts";
import { readObject } from "../readObject.ts";
import { newestBackup } from "../restore/select.ts";
import type { ObjectStore } from "../storage.ts";

const evidenceSchema = z.object({ id: z.string(), sha256: z.string(), verifiedAt: z.string() });

const keyOf = (prefix: string): string => `${prefix}final/evidence.json`;

/** The evidence that the last verification of a final backup left in the bucket; undefined before the first. */
export async function readEvidence(store: ObjectStore, prefix: string): Promise<FinalBackup | undefined> {
  const key = keyOf(prefix);
  if ((await store.size(key)) === undefined) return undefined;
  return readObject(store, key, evidenceSchema, "evidence of a final backup");
}

export const writeEvidence = (store: ObjectStore, prefix: string, evidence: FinalBackup): Promise<void> =>
  store.replace(keyOf(prefix), { ...evidence });

/** SHA-256 of the manifest of a backup as it lies in the bucket, hexadecimal. */
export const manifestSha256 = async (store: ObjectStore, prefix: string, id: string): Promise<string> =>
  createHash("sha256")
    .update(await store.read(manifestKeyOf(prefix, id)))
    .digest("hex");

/**
 * Makes sure that the final backup which the registry names is the one that was verified, that nothing was backed up
 * since, and that all of it is in the bucket.
 * @param claimed as the registry has it
 * @throws OpsFailure "verification" that says what to do
 */
export async function requireEvidence(
  store: ObjectStore,
  tenantId: string,
  prefix: string,
  claimed: FinalBackup,
): Promise<void> {
  const fail = (problem: string): never => {
    throw new OpsFailure("verification", `final backup of ${tenantId}: ${problem}`);
  };
  const verified = await readEvidence(store, prefix);
  if (verified === undefined) fail("none is verified yet; apply state offboarding, which does it");
  else if (
    verified.id !== claimed.id ||
    verified.sha256 !== claimed.sha256 ||
    Date.parse(verified.verifiedAt) !== Date.parse(claimed.verifiedAt)
  ) {
    fail(
      `${claimed.id} is not what was verified; write { id: ${verified.id}, sha256: "${verified.sha256}", verifiedAt: "${verified.verifiedAt}" }`,
    );
  }
  const manifest = await newestBackup(store, tenantId, prefix);
  if (manifest.id !== claimed.id) {
    fail(`${manifest.id} (${manifest.kind}) was taken after it; apply state offboarding again`);
  }
  if (manifest.kind !== "final") fail(`${manifest.id} is of kind ${manifest.kind}`);
  if ((await manifestSha256(store, prefix, claimed.id)) !== claimed.sha256) {
    fail("its manifest is not the one that was verified");
  }
  const objects = [manifest.database, ...(manifest.files === null ? [] : [manifest.files])];
  for (const { key, bytes } of objects) {
    const found = await store.size(key);
    if (found !== bytes) fail(`${key} has ${found ?? "no"} bytes in the bucket, ${bytes} were verified`);
  }
}
