import { Bucket } from "@pulumi/aws/s3/bucket.js";
import { BucketLifecycleConfiguration } from "@pulumi/aws/s3/bucketLifecycleConfiguration.js";
import { BucketObjectLockConfiguration } from "@pulumi/aws/s3/bucketObjectLockConfiguration.js";
import { BucketOwnershipControls } from "@pulumi/aws/s3/bucketOwnershipControls.js";
import { BucketPolicy } from "@pulumi/aws/s3/bucketPolicy.js";
import { BucketPublicAccessBlock } from "@pulumi/aws/s3/bucketPublicAccessBlock.js";
import { BucketServerSideEncryptionConfiguration } from "@pulumi/aws/s3/bucketServerSideEncryptionConfiguration.js";
import { BucketVersioning } from "@pulumi/aws/s3/bucketVersioning.js";
import type { CustomResourceOptions, Output, Resource } from "@pulumi/pulumi";
import { type BucketFacts, transportPolicy } from "./bucketPolicy.ts";
import { lifecycleRules } from "./lifecycle.ts";

/** A bucket that is there, versioned and closed. */
export interface HardenedBucket {
  readonly name: Output<string>;
  /** Versioning, which copies to another bucket and Object Lock need. */
  readonly versioning: Resource;
  /** What must hold before anything is written to it. */
  readonly ready: readonly Resource[];
}

/**
 * A private, versioned bucket that encrypts what it gets and deletes it by tag. Its name belongs to the whole of AWS, so
 * it is never replaced, and never emptied by the program.
 * @param name prefix of the logical names, e.g. backup
 * @param objectLockDays see `warehouse:backup`
 */
export function createHardenedBucket(
  name: string,
  facts: BucketFacts,
  objectLockDays: number | undefined,
  opts: CustomResourceOptions,
): HardenedBucket {
  const { keyArn } = facts;
  const { bucket } = new Bucket(
    `${name}-bucket`,
    { bucket: facts.bucket, forceDestroy: false },
    { ...opts, protect: true },
  );
  const versioning = new BucketVersioning(
    `${name}-versioning`,
    { bucket, versioningConfiguration: { status: "Enabled" } },
    opts,
  );
  const access = new BucketPublicAccessBlock(
    `${name}-public-access`,
    {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    opts,
  );
  const ownership = new BucketOwnershipControls(
    `${name}-ownership`,
    { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    opts,
  );
  const encryption = new BucketServerSideEncryptionConfiguration(
    `${name}-encryption`,
    {
      bucket,
      rules: [
        keyArn === undefined
          ? { applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }
          : {
              applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
              bucketKeyEnabled: true,
            },
      ],
    },
    opts,
  );
  // S3 takes one change of a bucket's access at a time.
  const policy = new BucketPolicy(
    `${name}-policy`,
    { bucket, policy: JSON.stringify(transportPolicy(facts)) },
    { ...opts, dependsOn: [access, ownership] },
  );
  new BucketLifecycleConfiguration(
    `${name}-lifecycle`,
    { bucket, rules: lifecycleRules() },
    { ...opts, dependsOn: [versioning] },
  );
  const lock =
    objectLockDays === undefined
      ? []
      : [
          new BucketObjectLockConfiguration(
            `${name}-lock`,
            // Governance: an erasure that the law asks for stays possible for whoever may bypass it.
            { bucket, rule: { defaultRetention: { mode: "GOVERNANCE", days: objectLockDays } } },
            { ...opts, dependsOn: [versioning] },
          ),
        ];
  return { name: bucket, versioning, ready: [versioning, encryption, policy, ...lock] };
}
