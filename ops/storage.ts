import type { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { OpsFailure } from "./failure.ts";

/** 10,000 parts of this size hold 160 GB; as many at once are in memory. */
const PART_BYTES = 16 * 2 ** 20;
const UPLOADS_AT_ONCE = 2;

/** What the operations program does with a bucket; every method fails with an OpsFailure. */
export type ObjectStore = { readonly [Method in keyof Storage]: Storage[Method] };

/** A bucket; region, endpoint and credentials come from the standard AWS environment (EKS Pod Identity in the cluster). */
export class Storage {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(bucket: string) {
    // Path style is what S3-compatible endpoints understand; AWS itself is addressed by host.
    this.#client = new S3Client({ forcePathStyle: process.env["AWS_ENDPOINT_URL"] !== undefined });
    this.#bucket = bucket;
  }

  /** Uploads an object; S3 checks its SHA-256 (base64) and the size is read back. */
  async put(
    key: string,
    sha256: string,
    object: Pick<PutObjectCommandInput, "Body" | "ContentLength" | "ContentType" | "Tagging">,
  ): Promise<void> {
    await this.#send(key, () =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          ServerSideEncryption: "AES256",
          ChecksumSHA256: sha256,
          ...object,
        }),
      ),
    );
    await this.requireSize(key, object.ContentLength ?? 0);
  }

  /** Uploads a stream of any length in parts, few at a time; S3 checks the SHA-256 of each. */
  async upload(key: string, body: Readable, retainDays: number): Promise<void> {
    const upload = new Upload({
      client: this.#client,
      params: {
        Bucket: this.#bucket,
        Key: key,
        Body: body,
        ServerSideEncryption: "AES256",
        ChecksumAlgorithm: "SHA256",
      },
      tags: [{ Key: "retain-days", Value: String(retainDays) }],
      queueSize: UPLOADS_AT_ONCE,
      partSize: PART_BYTES,
    });
    await this.#send(key, () => upload.done());
  }

  /** @throws OpsFailure "verification" where the object has another size than was sent */
  async requireSize(key: string, bytes: number): Promise<void> {
    const head = await this.#send(key, () =>
      this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key })),
    );
    if (head.ContentLength !== bytes) {
      throw new OpsFailure(
        "verification",
        `${key} has ${head.ContentLength ?? 0} bytes in the bucket, ${bytes} were sent`,
      );
    }
  }

  /** Bytes of an object; undefined where there is none. */
  async size(key: string): Promise<number | undefined> {
    try {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return head.ContentLength;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw this.#failure(key, error);
    }
  }

  /** The content of an object. */
  async stream(key: string): Promise<Readable> {
    const { Body: body } = await this.#send(key, () =>
      this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key })),
    );
    return body as Readable;
  }

  /** The content of a small object. */
  async read(key: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.stream(key)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Keys below a prefix, sorted. */
  async list(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.#send(prefix, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      for (const { Key: key } of page.Contents ?? []) if (key !== undefined) keys.push(key);
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return keys.sort();
  }

  /** Creates a JSON object that must not exist yet. */
  create(key: string, value: object, retainDays: number): Promise<void> {
    return this.#putJson(key, value, { IfNoneMatch: "*", Tagging: `retain-days=${retainDays}` });
  }

  /** Writes a JSON object over what is there; no lifecycle rule deletes it. */
  replace(key: string, value: object): Promise<void> {
    return this.#putJson(key, value, {});
  }

  async #putJson(
    key: string,
    value: object,
    options: Pick<PutObjectCommandInput, "IfNoneMatch" | "Tagging">,
  ): Promise<void> {
    await this.#send(key, () =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: JSON.stringify(value, undefined, 2),
          ContentType: "application/json",
          ServerSideEncryption: "AES256",
          ...options,
        }),
      ),
    );
  }

  async #send<T>(key: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw this.#failure(key, error);
    }
  }

  #failure(key: string, error: unknown): OpsFailure {
    const status = statusOf(error);
    const message = `s3://${this.#bucket}/${key}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
    return new OpsFailure(status === 403 || status === 404 ? "storageDenied" : "storage", message);
  }
}

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
