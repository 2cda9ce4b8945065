import {
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketReplicationCommand,
  DeletePublicAccessBlockCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  type LifecycleRule,
  type ObjectLockRule,
  type OwnershipControlsRule,
  type PublicAccessBlockConfiguration,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  PutPublicAccessBlockCommand,
  type ReplicationRule,
  type S3Client,
  type ServerSideEncryptionRule,
  type VersioningConfiguration,
} from "@aws-sdk/client-s3";
import { diffProps, equal } from "../base/diff.ts";
import type { Handler } from "../base/spec.ts";
import type { Props, Value } from "../base/wire.ts";
import { attempt, text, unlessMissing } from "./calls.ts";
import type { Aws } from "./provider.ts";
import { meaningful, toFields, toProps, without } from "./shape.ts";

/** Something that a bucket is set to: there is one of each kind, so the bucket's name is its id. */
interface Setting {
  readonly put: (s3: S3Client, Bucket: string, inputs: Props) => Promise<unknown>;
  /** As the program would write it, without the bucket; undefined where the bucket is not set so. */
  readonly get: (s3: S3Client, Bucket: string) => Promise<Props | undefined>;
  readonly remove: (s3: S3Client, Bucket: string) => Promise<unknown>;
}

const versioning: Setting = {
  put: (s3, Bucket, { versioningConfiguration }) =>
    s3.send(
      new PutBucketVersioningCommand({
        Bucket,
        VersioningConfiguration: toFields(versioningConfiguration) as VersioningConfiguration,
      }),
    ),
  get: async (s3, Bucket) => {
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
    return Status === undefined ? undefined : { versioningConfiguration: { status: Status } };
  },
  // A bucket that had versions always will.
  remove: (s3, Bucket) =>
    s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } })),
};

const publicAccessBlock: Setting = {
  put: (s3, Bucket, inputs) =>
    s3.send(
      new PutPublicAccessBlockCommand({
        Bucket,
        PublicAccessBlockConfiguration: toFields(
          without(inputs, "bucket", "region"),
        ) as PublicAccessBlockConfiguration,
      }),
    ),
  get: async (s3, Bucket) => {
    const answer = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    return toProps(answer.PublicAccessBlockConfiguration);
  },
  remove: (s3, Bucket) => s3.send(new DeletePublicAccessBlockCommand({ Bucket })),
};

const ownershipControls: Setting = {
  put: (s3, Bucket, { rule }) =>
    s3.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [toFields(rule) as OwnershipControlsRule] },
      }),
    ),
  get: async (s3, Bucket) => {
    const { OwnershipControls: found } = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    return { rule: toProps(found?.Rules?.[0]) };
  },
  remove: (s3, Bucket) => s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket })),
};

const encryption: Setting = {
  put: (s3, Bucket, { rules }) =>
    s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: toFields(rules) as ServerSideEncryptionRule[] },
      }),
    ),
  get: async (s3, Bucket) => {
    const answer = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    return toProps({ Rules: answer.ServerSideEncryptionConfiguration?.Rules });
  },
  remove: (s3, Bucket) => s3.send(new DeleteBucketEncryptionCommand({ Bucket })),
};

const policy: Setting = {
  put: (s3, Bucket, inputs) =>
    s3.send(new PutBucketPolicyCommand({ Bucket, Policy: text(inputs.policy) ?? "" })),
  get: async (s3, Bucket) => {
    const { Policy = "" } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
    return { policy: Policy };
  },
  remove: (s3, Bucket) => s3.send(new DeleteBucketPolicyCommand({ Bucket })),
};

const lifecycle: Setting = {
  put: (s3, Bucket, { rules }) =>
    s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: toFields(rules) as LifecycleRule[] },
      }),
    ),
  get: async (s3, Bucket) => {
    const { Rules } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    return toProps({ Rules });
  },
  remove: (s3, Bucket) => s3.send(new DeleteBucketLifecycleCommand({ Bucket })),
};

const objectLock: Setting = {
  put: (s3, Bucket, { rule }) =>
    s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule: toFields(rule) as ObjectLockRule },
      }),
    ),
  get: async (s3, Bucket) => {
    const answer = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    return { rule: toProps(answer.ObjectLockConfiguration?.Rule) };
  },
  // It cannot be taken from a bucket; without a rule it locks nothing new.
  remove: (s3, Bucket) =>
    s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
      }),
    ),
};

const replication: Setting = {
  put: (s3, Bucket, { role, rules }) =>
    s3.send(
      new PutBucketReplicationCommand({
        Bucket,
        ReplicationConfiguration: { Role: text(role), Rules: toFields(rules) as ReplicationRule[] },
      }),
    ),
  get: async (s3, Bucket) => {
    const answer = await s3.send(new GetBucketReplicationCommand({ Bucket }));
    return toProps(answer.ReplicationConfiguration);
  },
  remove: (s3, Bucket) => s3.send(new DeleteBucketReplicationCommand({ Bucket })),
};

/** Policies say the same in any layout. */
function comparable(props: Props): Value | undefined {
  const { policy: document, ...rest } = props;
  return meaningful(typeof document === "string" ? { ...rest, policy: JSON.parse(document) as Value } : rest);
}

const bucketOf = (inputs: Props): string => text(inputs.bucket) ?? "";

function handlerOf(what: string, { put, get, remove }: Setting): Handler<Aws> {
  const write = ({ s3 }: Aws, inputs: Props): Promise<Props> =>
    attempt(`set ${what} of bucket ${bucketOf(inputs)}`, async () => {
      await put(s3, bucketOf(inputs), inputs);
      return inputs;
    });
  return {
    diff: (_op, _id, olds, news) => diffProps(olds.inputs, news, ["bucket", "region"]),
    create: async (op, inputs) =>
      op.preview
        ? { id: "", state: inputs }
        : { id: bucketOf(inputs), state: await write(op.client, inputs) },
    read: (op, id, olds) =>
      attempt(`read ${what} of bucket ${id}`, async () => {
        const live = await unlessMissing(() => get(op.client.s3, id));
        if (live === undefined) return undefined;
        const known = without(olds.inputs ?? {}, "bucket", "region");
        const same = equal(comparable(known) ?? {}, comparable(live) ?? {});
        const inputs = same && olds.inputs !== undefined ? olds.inputs : { bucket: id, ...live };
        return { id, state: inputs, inputs };
      }),
    update: (op, _id, olds, news) =>
      op.preview ? Promise.resolve({ ...olds.state, ...news }) : write(op.client, news),
    delete: (op, id) =>
      attempt(`remove ${what} of bucket ${id}`, async () => {
        await unlessMissing(() => remove(op.client.s3, id));
      }),
  };
}

/** By type token. */
export const settings: Readonly<Record<string, Handler<Aws>>> = {
  "aws:s3/bucketVersioning:BucketVersioning": handlerOf("versioning", versioning),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": handlerOf("public access", publicAccessBlock),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": handlerOf("ownership", ownershipControls),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": handlerOf(
    "encryption",
    encryption,
  ),
  "aws:s3/bucketPolicy:BucketPolicy": handlerOf("the policy", policy),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": handlerOf("the lifecycle", lifecycle),
  "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": handlerOf("Object Lock", objectLock),
  "aws:s3/bucketReplicationConfig:BucketReplicationConfig": handlerOf("replication", replication),
};
