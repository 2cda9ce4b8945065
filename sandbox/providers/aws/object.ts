import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { readFile } from "node:fs/promises";
import { diffProps, withComputed } from "../base/diff.ts";
import type { Handler, Operation } from "../base/spec.ts";
import { isAsset, isProps, type Props, UNKNOWN, type Value } from "../base/wire.ts";
import { text } from "./calls.ts";
import type { Aws } from "./provider.ts";

const texts = (value: Value | undefined): Record<string, string> =>
  isProps(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([key, each]) => (typeof each === "string" ? [[key, each]] : [])),
      )
    : {};

const BODY = ["content", "contentBase64", "source", "sourceHash"] as const;
/** Only a new body or header set can change these; the object is written again under the same key. */
const REPLACE_ON = ["bucket", "key", "region"];
/** What S3 decides where the program does not. */
const COMPUTED = [
  "bucketKeyEnabled",
  "contentType",
  "kmsKeyId",
  "region",
  "serverSideEncryption",
  "storageClass",
];

/** Runs a call; a failure becomes one sentence that says which object, and never what is in it. */
async function attempt<T>(what: string, inputs: Props, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const place = `s3://${text(inputs.bucket) ?? "?"}/${text(inputs.key) ?? "?"}`;
    const reason =
      error instanceof S3ServiceException
        ? `${error.name}: ${error.message}`
        : error instanceof Error
          ? ((error as NodeJS.ErrnoException).code ?? error.message)
          : String(error);
    throw new Error(`cannot ${what} ${place}: ${reason}`, { cause: error });
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof S3ServiceException &&
  (error.$metadata.httpStatusCode === 404 || error.name === "NotFound");

async function bodyOf(inputs: Props): Promise<string | Uint8Array> {
  if (typeof inputs.content === "string") return inputs.content;
  if (typeof inputs.contentBase64 === "string") return Buffer.from(inputs.contentBase64, "base64");
  if (!isAsset(inputs.source)) return "";
  const { text: content, path } = inputs.source.fields;
  if (content !== undefined && content !== "") return content;
  if (path === undefined)
    throw new Error("the stand-in aws provider takes an object's source from a text or file");
  return readFile(path);
}

function headers(inputs: Props): Partial<PutObjectCommandInput> {
  const metadata = texts(inputs.metadata);
  const all = {
    ContentType: text(inputs.contentType),
    CacheControl: text(inputs.cacheControl),
    ContentDisposition: text(inputs.contentDisposition),
    ContentEncoding: text(inputs.contentEncoding),
    ContentLanguage: text(inputs.contentLanguage),
    ServerSideEncryption: text(inputs.serverSideEncryption) as PutObjectCommandInput["ServerSideEncryption"],
    SSEKMSKeyId: text(inputs.kmsKeyId),
    StorageClass: text(inputs.storageClass) as PutObjectCommandInput["StorageClass"],
    BucketKeyEnabled: typeof inputs.bucketKeyEnabled === "boolean" ? inputs.bucketKeyEnabled : undefined,
    WebsiteRedirectLocation: text(inputs.websiteRedirect),
    Metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const place = (inputs: Props): { Bucket: string; Key: string } => ({
  Bucket: text(inputs.bucket) ?? "",
  Key: text(inputs.key) ?? "",
});

const tagsOf = (op: Operation<Aws>, inputs: Props): Record<string, string> => ({
  ...op.client.defaultTags,
  ...texts(inputs.tags),
});

function stateOf(
  op: Operation<Aws>,
  inputs: Props,
  head: HeadObjectCommandOutput,
  tags: Record<string, string>,
): Props {
  const { Bucket, Key } = place(inputs);
  const live: Readonly<Record<string, Value | undefined>> = {
    arn: `arn:aws:s3:::${Bucket}/${Key}`,
    etag: head.ETag?.replaceAll('"', ""),
    versionId: head.VersionId ?? "",
    contentType: head.ContentType,
    serverSideEncryption: head.ServerSideEncryption,
    storageClass: head.StorageClass ?? "STANDARD",
    cacheControl: head.CacheControl,
    contentDisposition: head.ContentDisposition,
    contentEncoding: head.ContentEncoding,
    contentLanguage: head.ContentLanguage,
    metadata: head.Metadata,
    region: op.client.region,
    tagsAll: tags,
  };
  const known = Object.entries(live).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return { ...inputs, ...Object.fromEntries(known) };
}

async function write(op: Operation<Aws>, inputs: Props): Promise<Props> {
  return attempt("write", inputs, async () => {
    const { s3 } = op.client;
    const tags = tagsOf(op, inputs);
    await s3.send(
      new PutObjectCommand({
        ...place(inputs),
        ...headers(inputs),
        Body: await bodyOf(inputs),
        ...(Object.keys(tags).length === 0 ? {} : { Tagging: new URLSearchParams(tags).toString() }),
      }),
      { abortSignal: op.signal },
    );
    return stateOf(op, inputs, await s3.send(new HeadObjectCommand(place(inputs))), tags);
  });
}

async function find(op: Operation<Aws>, inputs: Props): Promise<Props | undefined> {
  return attempt("read", inputs, async () => {
    const { s3 } = op.client;
    let head: HeadObjectCommandOutput;
    try {
      head = await s3.send(new HeadObjectCommand(place(inputs)), { abortSignal: op.signal });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    const { TagSet = [] } = await s3.send(new GetObjectTaggingCommand(place(inputs)));
    const tags = Object.fromEntries(TagSet.map(({ Key = "", Value = "" }) => [Key, Value]));
    return stateOf(op, inputs, head, tags);
  });
}

/** With `forceDestroy` every version goes, as the vendor does; without it a versioned bucket keeps them. */
async function erase(op: Operation<Aws>, state: Props): Promise<void> {
  const { s3 } = op.client;
  if (state.forceDestroy !== true) {
    await s3.send(new DeleteObjectCommand(place(state)));
    return;
  }
  const { Bucket, Key } = place(state);
  const { Versions = [], DeleteMarkers = [] } = await s3.send(
    new ListObjectVersionsCommand({ Bucket, Prefix: Key }),
  );
  const versions = [...Versions, ...DeleteMarkers].filter((version) => version.Key === Key);
  for (const { VersionId } of versions) {
    await s3.send(
      new DeleteObjectCommand({ Bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) }),
    );
  }
}

export const bucketObject: Handler<Aws> = {
  check: (op, news) => {
    // The vendor names an object after the resource when no key is given.
    const inputs = news.key === undefined ? { ...news, key: op.name } : news;
    const bodies = BODY.slice(0, 3).filter((key) => inputs[key] !== undefined);
    return {
      inputs,
      failures:
        bodies.length > 1
          ? [{ property: bodies[1] ?? "", reason: `only one of ${bodies.join(", ")} may be given` }]
          : [],
    };
  },
  diff: (_op, _id, olds, news) => diffProps(withComputed(olds, news, COMPUTED), news, REPLACE_ON),
  create: async (op, inputs) =>
    op.preview
      ? { id: "", state: { ...inputs, etag: UNKNOWN, versionId: UNKNOWN, arn: UNKNOWN } }
      : { id: text(inputs.key) ?? "", state: await write(op, inputs) },
  read: async (op, id, olds) => {
    // Imported objects are named `bucket/key` or `s3://bucket/key`.
    const [, bucket = "", key = ""] = /^(?:s3:\/\/)?([^/]+)\/(.+)$/.exec(id) ?? [];
    const inputs = olds.inputs ?? { bucket, key };
    const live = await find(op, inputs);
    if (live === undefined) return undefined;
    const { etag: before } = olds.state;
    // A body replaced behind our back shows as a changed etag: without the content the next update writes it again.
    const drifted = olds.inputs !== undefined && typeof before === "string" && before !== live.etag;
    const kept = Object.entries(inputs).filter(
      ([name]) => !(drifted && (BODY as readonly string[]).includes(name)),
    );
    const watched = ["contentType", "cacheControl", "serverSideEncryption", "storageClass"];
    const seen = kept.map(([name, value]): [string, Value] => [
      name,
      watched.includes(name) ? (live[name] ?? value) : name === "tags" ? ownTags(op, live.tagsAll) : value,
    ]);
    return {
      id: text(inputs.key) ?? id,
      state: live,
      inputs: Object.fromEntries(seen),
    };
  },
  update: async (op, _id, olds, news) => {
    const onlyTags = diffProps(olds.inputs, news, []).changes.every(({ keys }) => keys[0] === "tags");
    if (op.preview)
      return { ...olds.state, ...news, ...(onlyTags ? {} : { etag: UNKNOWN, versionId: UNKNOWN }) };
    if (!onlyTags) return write(op, news);
    const tags = tagsOf(op, news);
    return attempt("tag", news, async () => {
      const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
      await op.client.s3.send(new PutObjectTaggingCommand({ ...place(news), Tagging: { TagSet } }));
      const head = await op.client.s3.send(new HeadObjectCommand(place(news)));
      return stateOf(op, news, head, tags);
    });
  },
  delete: (op, _id, state) =>
    attempt("delete", state, async () => {
      try {
        await erase(op, state);
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }),
};

/** The live tags without those the provider adds by itself. */
function ownTags(op: Operation<Aws>, live: Value | undefined): Props {
  return Object.fromEntries(
    Object.entries(texts(live)).filter(([key, value]) => op.client.defaultTags[key] !== value),
  );
}
