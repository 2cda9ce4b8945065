import type { types } from "@pulumi/aws";
import { RETENTION_DAYS, RETENTION_TAG } from "../../registry/retention.ts";

type Rule = types.input.s3.BucketLifecycleConfigurationRule;

/** Deleted and overwritten objects can be brought back for so long. */
const NONCURRENT_DAYS = 30;
/** A backup runs for hours at most. */
const INCOMPLETE_UPLOAD_DAYS = 3;

/**
 * What the bucket deletes by itself. One rule a retention, by the objects' tag, and none a tenant: a bucket holds 1,000
 * rules. Objects without the tag stay.
 */
export const lifecycleRules = (): Rule[] => [
  ...RETENTION_DAYS.map((days) => ({
    id: `${RETENTION_TAG}-${days}`,
    status: "Enabled",
    filter: { tag: { key: RETENTION_TAG, value: String(days) } },
    expiration: { days },
  })),
  {
    // Delete markers and unfinished uploads have no tags: S3 refuses both beside a filter by tag.
    id: "clean-up",
    status: "Enabled",
    filter: { prefix: "" },
    expiration: { expiredObjectDeleteMarker: true },
    noncurrentVersionExpiration: { noncurrentDays: NONCURRENT_DAYS },
    abortIncompleteMultipartUpload: { daysAfterInitiation: INCOMPLETE_UPLOAD_DAYS },
  },
];
