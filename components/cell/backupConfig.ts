import { z } from "zod";
import { arn, name, regionName } from "./configFields.ts";

const bucket = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is no bucket name");
const kmsKey = arn("kms", "key");

const encryption = z
  .discriminatedUnion(
    "algorithm",
    [
      z.strictObject({
        algorithm: z
          .literal("AES256")
          .describe("`aws:kms` with a bucket key, which asks KMS once for many objects."),
      }),
      z.strictObject({ algorithm: z.literal("aws:kms"), keyArn: kmsKey.describe("The KMS key.") }),
    ],
    { error: 'needs algorithm "AES256" or "aws:kms"' },
  )
  .prefault({ algorithm: "AES256" })
  .describe("How objects are encrypted at rest. Default: by S3's own keys.");

const identity = z
  .discriminatedUnion(
    "kind",
    [
      z.strictObject({
        kind: z
          .literal("podIdentity")
          .describe(
            "EKS Pod Identity: one role for all tenants, confined by the names of their ServiceAccounts. IAM roles for service accounts: one role for each tenant. Access keys, for S3-compatible endpoints.",
          ),
        cluster: name.describe("Name of the EKS cluster."),
      }),
      z.strictObject({
        kind: z.literal("irsa"),
        oidcProviderArn: arn("iam", "oidc-provider").describe("The cluster's OIDC provider."),
      }),
      z.strictObject({
        kind: z.literal("staticKeys"),
        secret: z
          .strictObject({
            namespace: name.describe("Its namespace."),
            name: z
              .string()
              .regex(
                /^[a-z0-9](?:[a-z0-9-]|\{id\})*$/,
                'is no name of a Secret; write e.g. "backup-keys" or "backup-keys-{id}"',
              )
              .describe(
                "`{id}` stands for the tenant's id: each tenant has keys of its own. Without it, all have the same.",
              ),
          })
          .describe("Holds AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."),
      }),
    ],
    { error: 'needs kind "podIdentity", "irsa" or "staticKeys"' },
  )
  .describe("How Jobs prove to the bucket whose they are.");

const replica = z
  .strictObject({
    region: regionName.describe("Its region."),
    bucket: bucket.describe("Its name."),
    keyArn: kmsKey.optional().describe("KMS key of that region; with algorithm aws:kms."),
  })
  .describe("A second bucket in another region, to which every object is copied.");

const fields = z.strictObject({
  bucket: bucket.describe(
    "Its name, unique in all of AWS. Each tenant has the prefix `customers/{id}/` in it.",
  ),
  image: z
    .string()
    .regex(/^[^@\s]+@sha256:[0-9a-f]{64}$/, 'is no image by digest; write "repository@sha256:…"')
    .describe("Image of the operations program (ops/), by digest."),
  manage: z
    .boolean()
    .default(true)
    .describe("Whether this cell makes the bucket. Of the cells that share one, one does."),
  encryption,
  objectLockDays: z
    .int()
    .min(1, "must be 1–365")
    .max(365, "must be 1–365")
    .optional()
    .describe(
      "Days in which nobody may delete a version without s3:BypassGovernanceRetention, as the cell has it that makes the bucket. Default: no Object Lock, and so no legal holds in the bucket.",
    ),
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
