import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  type DeleteObjectCommandInput,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { statusOf } from "./storageFailure.ts";

/** What was deleted of a prefix. */
export interface Erased {
  /** Versions and delete markers. */
  readonly erased: number;
  readonly bytes: number;
  /** What Object Lock keeps, and until when, RFC 3339. */
  readonly locked: readonly { readonly key: string; readonly until: string }[];
}

/**
 * Deletes every version of every object below a prefix.
 * @throws what the bucket answered, but for what Object Lock does not let go yet
 */
export async function eraseVersions(client: S3Client, bucket: string, prefix: string): Promise<Erased> {
  const locked: { key: string; until: string }[] = [];
  let [erased, bytes] = [0, 0];
  let [keyMarker, versionMarker]: (string | undefined)[] = [];
  do {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({
        Bucket: bucket,
        Prefix: prefix,
        ...(keyMarker === undefined ? {} : { KeyMarker: keyMarker }),
        ...(versionMarker === undefined ? {} : { VersionIdMarker: versionMarker }),
      }),
    );
    for (const { Key: key, VersionId: id, Size: size } of [
      ...(page.Versions ?? []),
      ...(page.DeleteMarkers ?? []).map((marker) => ({ ...marker, Size: 0 })),
    ]) {
      if (key === undefined) continue;
      const object = { Bucket: bucket, Key: key, ...(id === undefined ? {} : { VersionId: id }) };
      const until = await eraseVersion(client, object);
      if (until === undefined) {
        erased += 1;
        bytes += size ?? 0;
      } else locked.push({ key, until });
    }
    [keyMarker, versionMarker] = [page.NextKeyMarker, page.NextVersionIdMarker];
  } while (keyMarker !== undefined);
  return { erased, bytes, locked };
}

/** @returns until when Object Lock keeps it, RFC 3339; undefined: it is deleted */
async function eraseVersion(client: S3Client, object: DeleteObjectCommandInput): Promise<string | undefined> {
  try {
    await client.send(new DeleteObjectCommand(object));
    return undefined;
  } catch (error) {
    if (statusOf(error) !== 403) throw error;
    const { Retention: retention } = await client
      .send(new GetObjectRetentionCommand(object))
      // Not locked: whoever asks may not delete.
      .catch((): never => {
        throw error;
      });
    const until = retention?.RetainUntilDate;
    if (until === undefined || until.getTime() <= Date.now()) throw error;
    return until.toISOString();
  }
}
