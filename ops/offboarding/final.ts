import type { FinalBackup } from "../../registry/lifecycle.ts";
import { utcTime } from "../backup/manifest.ts";
import { OpsFailure } from "../failure.ts";
import { drill, type DrillRequest } from "../restore/drill.ts";
import { newestBackup } from "../restore/select.ts";
import type { ObjectStore } from "../storage.ts";
import { manifestSha256, readEvidence, writeEvidence } from "./evidence.ts";

/**
 * Proves that a tenant can be restored from its final backup, and keeps the evidence in the bucket for the registry.
 * Again it proves it again, and keeps the time of the first proof.
 * @throws OpsFailure "verification" where the newest backup is no final one, or it cannot be restored
 */
export async function verifyFinal(
  request: Omit<DrillRequest, "choice">,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<FinalBackup> {
  const { tenantId, prefix } = request;
  const { id, kind } = await newestBackup(store, tenantId, prefix);
  if (kind !== "final") {
    throw new OpsFailure("verification", `the newest backup of ${tenantId} is ${id}, of kind ${kind}`);
  }
  const sha256 = await manifestSha256(store, prefix, id);
  await drill({ ...request, choice: { id } }, store, log);
  const known = await readEvidence(store, prefix);
  const verifiedAt = known?.id === id && known.sha256 === sha256 ? known.verifiedAt : utcTime(new Date());
  const evidence = { id, sha256, verifiedAt };
  await writeEvidence(store, prefix, evidence);
  log(`finalBackup: { id: ${id}, sha256: "${sha256}", verifiedAt: "${verifiedAt}" }`);
  return evidence;
}
