import type { Readable } from "node:stream";
import {
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import { OpsFailure } from "./failure.ts";

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
    const head = await this.#send(key, () =>
      this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key })),
    );
    if (head.ContentLength !== object.ContentLength) {
      throw new OpsFailure(
        "verification",
        `${key} has ${head.ContentLength ?? 0} bytes in the bucket, ${object.ContentLength ?? 0} were sent`,
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

  /** Creates a JSON object that must not exist yet. */
  async create(key: string, value: object): Promise<void> {
    const body = JSON.stringify(value, undefined, 2);
    await this.#send(key, () =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: body,
          ContentType: "application/json",
          ServerSideEncryption: "AES256",
          IfNoneMatch: "*",
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
