import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from "@aws-sdk/client-s3";
import { BACKUP_BUCKET } from "../../sandbox/stackConfig.ts";

/** Makes the versioned backup bucket on an endpoint where no program does. */
export async function createBucket(endpoint: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: "us-west-2",
    forcePathStyle: true,
    credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
  });
  const Bucket = BACKUP_BUCKET;
  try {
    const CreateBucketConfiguration = { LocationConstraint: "us-west-2" } as const;
    await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  } finally {
    client.destroy();
  }
}
