import type { types } from "@pulumi/kubernetes";
import { backupKeysSecretName } from "../registry/naming.ts";
import type { CellConfig } from "./cell/config.ts";
import { secretEnv } from "./pod.ts";

export type EnvVar = types.input.core.v1.EnvVar;

/** Keys of a Secret with access keys, which are also the variables that the AWS SDK reads. */
export const ACCESS_KEYS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const;

/**
 * What the operations program needs to use the bucket.
 * @param account the ServiceAccount that it runs with, whose keys it gets where the bucket wants keys
 */
export function bucketEnv({ region, aws, backup }: CellConfig, account: string): EnvVar[] {
  const { bucket, encryption, identity } = backup;
  return [
    { name: "BACKUP_BUCKET", value: bucket },
    { name: "AWS_REGION", value: region },
    ...(aws.endpoint === undefined ? [] : [{ name: "AWS_ENDPOINT_URL", value: aws.endpoint }]),
    ...(encryption.algorithm === "aws:kms" ? [{ name: "BACKUP_KMS_KEY", value: encryption.keyArn }] : []),
    ...(identity.kind === "staticKeys"
      ? ACCESS_KEYS.map((key) => secretEnv(key, backupKeysSecretName(account), key))
      : []),
  ];
}
