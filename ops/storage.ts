import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type ListObjectsV2CommandOutput,
  type PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { arriving } from "./backup/stream.ts";
import { waitSeconds } from "./environment.ts";
import { OpsFailure } from "./failure.ts";
import { eraseVersions, holdVersions, type Erased } from "./storageErase.ts";
import { storageFailure } from "./storageFailure.ts";

/** 10,000 parts of this size hold 160 GB; as many at once are in memory. */
const PART_BYTES = 16 * 2 ** 20;
const UPLOADS_AT_ONCE = 2;

/** A failed request is tried so often, the waits between growing to seconds; then the run fails, and the Job is. */
const ATTEMPTS = 4;

/** What the operations program does with a bucket; every method fails with an OpsFailure. */
export type ObjectStore = { readonly [Method in keyof Storage]: Storage[Method] };

/** How an object is kept. */
export interface Keeping {
  /** Days after which lifecycle rules delete it; 0: never. */
  readonly retainDays: number;
  /** Whether it is under an Object Lock legal hold from the start. Default: false. */
  readonly held?: boolean;
}

/** Where a bucket is, and the KMS key of its objects. */
export interface BucketPlace {
  readonly region?: string;
  readonly endpoint?: string;
  readonly keyArn?: string;
}

/**
 * A bucket; region, endpoint and credentials come from the standard AWS environment (EKS Pod Identity in the cluster).
 * Objects are encrypted with the KMS key of BACKUP_KMS_KEY, or else by S3 itself.
 */
export class Storage {
  readonly #client: S3Client;
  /** For what is read at the pace of its taker, which may pause for longer than an upload may. */
  readonly #reader: S3Client;
  readonly #bucket: string;
  readonly #waitMs: number;
  readonly #encryption: Pick<
    PutObjectCommandInput,
    "ServerSideEncryption" | "SSEKMSKeyId" | "BucketKeyEnabled"
  >;

  /** @param place where the bucket is. Default: as the environment says */
  constructor(bucket: string, { keyArn, ...place }: BucketPlace = {}) {
    this.#waitMs = waitSeconds() * 1000;
    const common = {
      ...place,
      // Path style is what S3-compatible endpoints understand; AWS itself is addressed by host.
      forcePathStyle: (place.endpoint ?? process.env["AWS_ENDPOINT_URL"]) !== undefined,
      maxAttempts: ATTEMPTS,
    };
    const connectionTimeout = Math.min(10_000, this.#waitMs);
    this.#client = new S3Client({
      ...common,
      requestHandler: { connectionTimeout, socketTimeout: this.#waitMs },
    });
    this.#reader = new S3Client({
      ...common,
      requestHandler: { connectionTimeout, requestTimeout: this.#waitMs, throwOnRequestTimeout: true },
    });
    this.#bucket = bucket;
    const key = keyArn ?? process.env["BACKUP_KMS_KEY"];
    this.#encryption =
      key === undefined
        ? { ServerSideEncryption: "AES256" }
        : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: key, BucketKeyEnabled: true };
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
          ...this.#encryption,
          ChecksumSHA256: sha256,
          ...object,
        }),
      ),
    );
    await this.requireSize(key, object.ContentLength ?? 0);
  }

  /**
   * Uploads a stream of any length in parts, few at a time; S3 checks the SHA-256 of each. The object must not exist
   * yet: two runs that begin in the same second cannot take each other's name. What fails leaves no parts behind.
   */
  async upload(key: string, body: Readable, keeping: Keeping): Promise<void> {
    const upload = new Upload({
      client: this.#client,
      params: {
        Bucket: this.#bucket,
        Key: key,
        Body: body,
        ...this.#encryption,
        ChecksumAlgorithm: "SHA256",
        IfNoneMatch: "*",
        ...kept(keeping),
      },
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

  /**
   * Bytes of an object; undefined where there is none. It is listed: to whoever may list only below a prefix, S3 answers
   * a HEAD of an object that is not there with 403.
   */
  async size(key: string): Promise<number | undefined> {
    const { Contents: [first] = [] } = await this.#send(key, () =>
      this.#client.send(new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: key, MaxKeys: 1 })),
    );
    return first?.Key === key ? first.Size : undefined;
  }

  /** The content of an object; the stream fails with an OpsFailure too. */
  async stream(key: string): Promise<Readable> {
    const { Body: body } = await this.#send(key, () =>
      this.#reader.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key })),
    );
    const chunks = arriving(body as Readable, this.#waitMs, (error) => this.#failure(key, error));
    return Readable.from(chunks, { objectMode: false });
  }

  /** The content of a small object. */
  async read(key: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.stream(key)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Keys below a prefix, sorted. */
  list(prefix: string): Promise<string[]> {
    return this.#list(prefix, ({ Contents: objects = [] }) => objects.map(({ Key: key }) => key));
  }

  /** Prefixes one level below a prefix, which end in `/` as it does; sorted. */
  folders(prefix: string): Promise<string[]> {
    return this.#list(
      prefix,
      ({ CommonPrefixes: prefixes = [] }) => prefixes.map(({ Prefix: below }) => below),
      "/",
    );
  }

  async #list(
    prefix: string,
    entries: (page: ListObjectsV2CommandOutput) => (string | undefined)[],
    delimiter?: string,
  ): Promise<string[]> {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.#send(prefix, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: prefix,
            ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        ),
      );
      found.push(...entries(page).filter((entry) => entry !== undefined));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found.sort();
  }

  /** Deletes every version of every object below a prefix, but for what Object Lock does not let go yet. */
  eraseAll(prefix: string): Promise<Erased> {
    return this.#send(prefix, () => eraseVersions(this.#client, this.#bucket, prefix));
  }

  /** Sets or lifts the legal hold of every version of every object below a prefix; returns how many there are. */
  hold(prefix: string, on: boolean): Promise<number> {
    return this.#send(prefix, () => holdVersions(this.#client, this.#bucket, prefix, on));
  }

  /** Deletes an object; its versions stay. */
  async forget(key: string): Promise<void> {
    await this.#send(key, () =>
      this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key })),
    );
  }

  /** Creates a JSON object that must not exist yet. */
  create(key: string, value: object, keeping: Keeping): Promise<void> {
    return this.#putJson(key, value, { IfNoneMatch: "*", ...kept(keeping) });
  }

  /** Writes a JSON object over what is there; no lifecycle rule deletes it. */
  replace(key: string, value: object): Promise<void> {
    return this.#putJson(key, value, {});
  }

  async #putJson(
    key: string,
    value: object,
    options: Pick<PutObjectCommandInput, "IfNoneMatch" | "Tagging" | "ObjectLockLegalHoldStatus">,
  ): Promise<void> {
    const text = Buffer.from(JSON.stringify(value, undefined, 2));
    await this.#send(key, () =>
      this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: text,
          ContentType: "application/json",
          ...this.#encryption,
          ...options,
        }),
      ),
    );
    await this.requireSize(key, text.length);
  }

  async #send<T>(key: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw this.#failure(key, error);
    }
  }

  #failure(key: string, error: unknown): OpsFailure {
    return storageFailure(`s3://${this.#bucket}/${key}`, error);
  }
}

const kept = ({ retainDays, held = false }: Keeping) => ({
  Tagging: `retain-days=${retainDays}`,
  ...(held ? { ObjectLockLegalHoldStatus: "ON" as const } : {}),
});
