import type { ObjectStore } from "../../ops/storage.ts";
import type { CellConfig } from "./config.ts";

/** The bucket as the operator's own credentials reach it. Loaded only where it is needed: the SDK is slow to load. */
export async function openBucket({ backup, aws, region }: CellConfig): Promise<ObjectStore> {
  const { Storage } = await import("../../ops/storage.ts");
  return new Storage(backup.bucket, {
    region,
    ...(aws.endpoint === undefined ? {} : { endpoint: aws.endpoint }),
    ...(backup.encryption.algorithm === "aws:kms" ? { keyArn: backup.encryption.keyArn } : {}),
  });
}
