import { Provider as AwsProvider } from "@pulumi/aws/provider.js";
import { BucketReplicationConfig } from "@pulumi/aws/s3/bucketReplicationConfig.js";
import { ComponentResource, type ComponentResourceOptions, type Resource } from "@pulumi/pulumi";
import type { AccessKeys } from "../accessKeys.ts";
import type { TenantBucket } from "../backupAccount.ts";
import type { BackupConfig } from "./backupConfig.ts";
import {
  bucketArn,
  type BucketFacts,
  bucketFacts,
  replicationPolicy,
  replicationTrust,
} from "./bucketPolicy.ts";
import type { CellConfig } from "./config.ts";
import { createHardenedBucket, type HardenedBucket } from "./hardenedBucket.ts";
import { awsArguments } from "./providers.ts";
import { BackupRole, createRole } from "./roles.ts";

/** The bucket that a cell's tenants write to, made here or there already, and the role that they share. */
export function createTenantBucket(
  cell: CellConfig,
  keys: AccessKeys | undefined,
  opts: ComponentResourceOptions,
): TenantBucket {
  const ready = cell.backup.manage ? new BackupBucket(cell, opts).ready : [];
  return cell.backup.identity.kind === "podIdentity"
    ? { ready, keys, roleArn: new BackupRole(cell, opts).arn }
    : { ready, keys };
}

/** The bucket of the backups and, where there is one, its copy in another region. Neither knows any tenant. */
export class BackupBucket extends ComponentResource {
  /** What must hold before anything is written to the bucket. */
  readonly ready: readonly Resource[];

  constructor(cell: CellConfig, opts: ComponentResourceOptions) {
    super("warehouse:tenancy:BackupBucket", "backup-bucket", {}, opts);
    const { objectLockDays, replica } = cell.backup;
    const own = createHardenedBucket("backup", bucketFacts(cell), objectLockDays, { parent: this });
    this.ready = own.ready;
    if (replica !== undefined) this.#replicate(cell, own, replica);
    this.registerOutputs({});
  }

  #replicate(
    cell: CellConfig,
    own: HardenedBucket,
    { region, bucket, keyArn }: NonNullable<BackupConfig["replica"]>,
  ): void {
    const target: BucketFacts = { region, bucket, keyArn };
    const provider = new AwsProvider("aws-replica", awsArguments({ ...cell, region }), { parent: this });
    const copy = createHardenedBucket("replica", target, cell.backup.objectLockDays, {
      parent: this,
      provider,
    });
    const roleArn = createRole(
      "replication",
      cell,
      { trust: replicationTrust(), policy: replicationPolicy(bucketFacts(cell), target) },
      { parent: this },
    );
    new BucketReplicationConfig(
      "backup-replication",
      {
        bucket: own.name,
        role: roleArn,
        rules: [
          {
            id: "all",
            priority: 1,
            status: "Enabled",
            filter: { prefix: "" },
            // What is deleted here stays there, until its own tag says otherwise.
            deleteMarkerReplication: { status: "Disabled" },
            ...(keyArn === undefined
              ? {}
              : { sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } } }),
            destination: {
              bucket: bucketArn(target),
              ...(keyArn === undefined ? {} : { encryptionConfiguration: { replicaKmsKeyId: keyArn } }),
            },
          },
        ],
      },
      { parent: this, dependsOn: [own.versioning, ...copy.ready] },
    );
  }
}
