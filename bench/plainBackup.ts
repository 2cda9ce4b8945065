// What bench/backup.ts compares with, as `pg_dump -Fc | aws s3 cp - s3://…` does it: nothing is counted, checked or read back.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

const dump = spawn("pg_dump", ["--format=custom"], { stdio: ["ignore", "pipe", "inherit"] });
const ended = once(dump, "close");
const upload = new Upload({
  client: new S3Client({ forcePathStyle: true }),
  params: { Bucket: "bench", Key: "plain", Body: dump.stdout },
  partSize: 8 * 2 ** 20,
  queueSize: 10,
});
await upload.done();
const [code] = (await ended) as [number | null];
process.exitCode = code ?? 1;
