import { BucketObjectv2 } from "@pulumi/aws/s3/bucketObjectv2.js";
import type { Resource, ResourceHook } from "@pulumi/pulumi";
import { backupPrefix, namespaceName } from "../registry/naming.ts";
import { keepsData, type TenantSpec } from "../registry/spec.ts";
import { LAST_TO_GO } from "./cell/leaving.ts";
import type { Scope } from "./scope.ts";

/**
 * The tenant's prefix in the bucket, described by an object of its own. It is the first of the tenant's resources and
 * the last to go: its hook erases what is below it.
 */
export function createPrefix(
  { name, cell, parent }: Scope,
  spec: TenantSpec,
  beforeDelete: readonly ResourceHook[],
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
      serverSideEncryption: "AES256",
    },
    { parent, protect: keepsData(spec), hooks: { beforeDelete: [...beforeDelete] } },
  );
}
