import {
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { BACKUP_BUCKET } from "./stackConfig.ts";

/** Makes the versioned backup bucket, which in production exists before the program runs. */
export async function ensureBucket(endpoint: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: "us-west-2",
    forcePathStyle: true,
    credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
  });
  try {
    await client.send(
      new CreateBucketCommand({
        Bucket: BACKUP_BUCKET,
        CreateBucketConfiguration: { LocationConstraint: "us-west-2" },
      }),
    );
    await client.send(
      new PutBucketVersioningCommand({
        Bucket: BACKUP_BUCKET,
        VersioningConfiguration: { Status: "Enabled" },
      }),
    );
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
  } finally {
    client.destroy();
  }
}
