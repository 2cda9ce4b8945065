import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
} from "@aws-sdk/client-s3";
import { diffProps } from "../base/diff.ts";
import type { Handler } from "../base/spec.ts";
import { type Props, UNKNOWN } from "../base/wire.ts";
import { attempt, autoname, text, unlessMissing } from "./calls.ts";
import type { Aws } from "./provider.ts";

const stateOf = ({ region }: Aws, Bucket: string, inputs: Props): Props => ({
  ...inputs,
  bucket: Bucket,
  arn: `arn:aws:s3:::${Bucket}`,
  bucketDomainName: `${Bucket}.s3.amazonaws.com`,
  bucketRegionalDomainName: `${Bucket}.s3.${region}.amazonaws.com`,
  region,
});

/** Deletes every version; the vendor does so with `forceDestroy` alone. */
async function empty({ s3 }: Aws, Bucket: string): Promise<void> {
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const versions = [...Versions, ...DeleteMarkers];
    if (versions.length === 0) return;
    for (const { Key, VersionId } of versions)
      await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
  }
}

/** A bucket by itself: what it is set to are resources of their own. */
export const bucket: Handler<Aws> = {
  check: (op, news, olds) => ({
    inputs: news.bucket === undefined ? { ...news, bucket: olds?.bucket ?? autoname(op.name) } : news,
  }),
  diff: (_op, _id, olds, news) => diffProps(olds.inputs, news, ["bucket", "objectLockEnabled", "region"]),
  create: async (op, inputs) => {
    const Bucket = text(inputs.bucket) ?? "";
    if (op.preview) return { id: "", state: { ...inputs, arn: UNKNOWN } };
    const { client } = op;
    await attempt(`create bucket ${Bucket}`, () =>
      client.s3.send(
        new CreateBucketCommand({
          Bucket,
          ...(inputs.objectLockEnabled === true ? { ObjectLockEnabledForBucket: true } : {}),
          // The oldest region is the one that S3 takes for granted.
          ...(client.region === "us-east-1"
            ? {}
            : {
                CreateBucketConfiguration: { LocationConstraint: client.region as BucketLocationConstraint },
              }),
        }),
      ),
    );
    return { id: Bucket, state: stateOf(client, Bucket, inputs) };
  },
  read: (op, id, olds) =>
    attempt(`read bucket ${id}`, async () => {
      const found = await unlessMissing(() => op.client.s3.send(new HeadBucketCommand({ Bucket: id })));
      if (found === undefined) return undefined;
      const inputs = olds.inputs ?? { bucket: id };
      return { id, inputs, state: stateOf(op.client, id, inputs) };
    }),
  // Nothing but what the state keeps: forceDestroy.
  update: (op, id, _olds, news) => Promise.resolve(stateOf(op.client, id, news)),
  delete: (op, id, state) =>
    attempt(`delete bucket ${id}`, async () => {
      if (state.forceDestroy === true) await empty(op.client, id);
      await unlessMissing(() => op.client.s3.send(new DeleteBucketCommand({ Bucket: id })));
    }),
};
