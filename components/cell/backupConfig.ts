import { z } from "zod";
import { arn, name, regionName } from "./configFields.ts";

const bucket = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is no bucket name");
const kmsKey = arn("kms", "key");

/** How objects are encrypted at rest. */
const encryption = z.discriminatedUnion(
  "algorithm",
  [
    z.strictObject({ algorithm: z.literal("AES256") }),
    /** With a bucket key, which asks KMS once for many objects. */
    z.strictObject({ algorithm: z.literal("aws:kms"), keyArn: kmsKey }),
  ],
  { error: 'needs algorithm "AES256" or "aws:kms"' },
);

/** How Jobs prove to the bucket whose they are. */
const identity = z.discriminatedUnion(
  "kind",
  [
    /** EKS Pod Identity: one role for all tenants, confined by the name of their ServiceAccounts. */
    z.strictObject({ kind: z.literal("podIdentity"), /** Name of the EKS cluster. */ cluster: name }),
    /** IAM roles for service accounts: one role for each tenant. */
    z.strictObject({ kind: z.literal("irsa"), oidcProviderArn: arn("iam", "oidc-provider") }),
    /** Access keys, for S3-compatible endpoints, from a Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. */
    z.strictObject({
      kind: z.literal("staticKeys"),
      secret: z.strictObject({
        namespace: name,
        /** `{id}` stands for the tenant's id: each tenant has keys of its own. Without it, all have the same. */
        name: z
          .string()
          .regex(
            /^[a-z0-9](?:[a-z0-9-]|\{id\})*$/,
            'is no name of a Secret; write e.g. "backup-keys" or "backup-keys-{id}"',
          ),
      }),
    }),
  ],
  { error: 'needs kind "podIdentity", "irsa" or "staticKeys"' },
);

/** A second bucket in another region, to which every object is copied. */
const replica = z.strictObject({
  region: regionName,
  bucket,
  /** KMS key of that region. */
  keyArn: kmsKey.optional(),
});

const fields = z.strictObject({
  /** Each tenant has the prefix `customers/<id>/` in it. */
  bucket,
  /** Image of the operations program (ops/), by digest. */
  image: z
    .string()
    .regex(/^[^@\s]+@sha256:[0-9a-f]{64}$/, 'is no image by digest; write "repository@sha256:…"'),
  /** Whether this cell makes the bucket. Of the cells that share one, one does. */
  manage: z.boolean().default(true),
  encryption: encryption.prefault({ algorithm: "AES256" }),
  /**
   * Days in which nobody may delete a version without s3:BypassGovernanceRetention, as the cell has it that makes the
   * bucket. Default: no Object Lock, and so no legal holds in the bucket.
   */
  objectLockDays: z.int().min(1, "must be 1–365").max(365, "must be 1–365").optional(),
  replica: replica.optional(),
  identity,
});

type Fields = z.output<typeof fields>;

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** What a cell that only uses the bucket leaves to the one that makes it. */
const onlyTheManagerSets = ({ manage, replica: copy }: Fields): Problem[] =>
  manage || copy === undefined
    ? []
    : [
        {
          path: ["replica"],
          message: "is for the cell that makes the bucket; remove it, or set manage: true",
        },
      ];

const replicaHasItsKey = ({ encryption: { algorithm }, replica: copy }: Fields): Problem[] => {
  if (copy === undefined || (algorithm === "aws:kms") === (copy.keyArn !== undefined)) return [];
  return algorithm === "aws:kms"
    ? [{ path: ["replica"], message: "needs keyArn, a KMS key of its own region, as the bucket has one" }]
    : [
        {
          path: ["replica", "keyArn"],
          message: "is for a bucket with aws:kms; remove it, or set encryption",
        },
      ];
};

const replicaIsAnother = ({ bucket: own, replica: copy }: Fields): Problem[] =>
  copy?.bucket === own
    ? [{ path: ["replica", "bucket"], message: `"${own}" is the bucket itself; name another` }]
    : [];

const rules = [onlyTheManagerSets, replicaHasItsKey, replicaIsAnother];

/** `warehouse:backup`: where backups go, and who may write them. */
export const backupSchema = fields.superRefine((value, context) => {
  for (const { path, message } of rules.flatMap((rule) => rule(value))) {
    context.addIssue({ code: "custom", path: [...path], message });
  }
});

export type BackupConfig = z.output<typeof backupSchema>;
