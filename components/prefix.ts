import { BucketObjectv2 } from "@pulumi/aws/s3/bucketObjectv2.js";
import type { Resource, ResourceHook } from "@pulumi/pulumi";
import { backupPrefix, namespaceName } from "../registry/naming.ts";
import { keepsData, type TenantSpec } from "../registry/spec.ts";
import type { BackupConfig } from "./cell/backupConfig.ts";
import { LAST_TO_GO } from "./cell/leaving.ts";
import type { Scope } from "./scope.ts";

/** What comes before the prefix is made, and before it goes. */
export interface PrefixArgs {
  readonly after: readonly Resource[];
  readonly beforeDelete: readonly ResourceHook[];
}

/**
 * The tenant's prefix in the bucket, described by an object of its own. It is the first of the tenant's resources and
 * the last to go: its hook erases what is below it.
 */
export function createPrefix(
  { name, cell, parent }: Scope,
  spec: TenantSpec,
  { after, beforeDelete }: PrefixArgs,
): Resource {
  const { id } = spec;
  return new BucketObjectv2(
    `${name}-${LAST_TO_GO}`,
    {
      bucket: cell.backup.bucket,
      key: `${backupPrefix(id)}tenant.json`,
      contentType: "application/json",
      content: JSON.stringify({
        tenantId: id,
        cell: cell.cell,
        namespace: namespaceName(id),
      }),
      ...encrypted(cell.backup),
    },
    { parent, protect: keepsData(spec), dependsOn: [...after], hooks: { beforeDelete: [...beforeDelete] } },
  );
}

const encrypted = ({ encryption }: BackupConfig) =>
  encryption.algorithm === "aws:kms"
    ? { serverSideEncryption: "aws:kms", kmsKeyId: encryption.keyArn, bucketKeyEnabled: true }
    : { serverSideEncryption: "AES256" };
