import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  ListObjectVersionsCommand,
  PutObjectLegalHoldCommand,
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
  for await (const { object, size } of versions(client, bucket, prefix)) {
    const until = await eraseVersion(client, object);
    if (until === undefined) {
      erased += 1;
      bytes += size;
    } else locked.push({ key: object.Key, until });
  }
  return { erased, bytes, locked };
}

/**
 * Sets or lifts the Object Lock legal hold of every version of every object below a prefix.
 * @returns how many versions there are
 */
export async function holdVersions(
  client: S3Client,
  bucket: string,
  prefix: string,
  on: boolean,
): Promise<number> {
  let count = 0;
  for await (const { object, isMarker } of versions(client, bucket, prefix)) {
    if (isMarker) continue;
    const LegalHold = { Status: on ? "ON" : "OFF" } as const;
    await client.send(new PutObjectLegalHoldCommand({ ...object, LegalHold, ChecksumAlgorithm: "SHA256" }));
    count += 1;
  }
  return count;
}

/** A version of an object, or the mark that it was deleted. */
interface Version {
  readonly object: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string };
  /** Bytes. */
  readonly size: number;
  readonly isMarker: boolean;
}

async function* versions(client: S3Client, bucket: string, prefix: string): AsyncGenerator<Version> {
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
    const found = [
      ...(page.Versions ?? []).map((version) => ({ ...version, isMarker: false })),
      ...(page.DeleteMarkers ?? []).map((marker) => ({ ...marker, Size: 0, isMarker: true })),
    ];
    for (const { Key, VersionId, Size: size = 0, isMarker } of found) {
      if (Key === undefined) continue;
      const object = { Bucket: bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) };
      yield { object, size, isMarker };
    }
    [keyMarker, versionMarker] = [page.NextKeyMarker, page.NextVersionIdMarker];
  } while (keyMarker !== undefined);
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
