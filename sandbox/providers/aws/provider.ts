import { S3Client } from "@aws-sdk/client-s3";
import type { Handler, ProviderSpec } from "../base/spec.ts";
import { sdkVersion } from "../base/version.ts";
import { isProps, type Props, type Value } from "../base/wire.ts";
import { bucketObject } from "./object.ts";

/** What the handlers share. */
export interface Aws {
  readonly s3: S3Client;
  readonly region: string;
  /** Tags the provider puts on everything. */
  readonly defaultTags: Readonly<Record<string, string>>;
}

/** One entry a type: each lives in a file of its own. */
const handlers: Readonly<Record<string, Handler<Aws>>> = {
  "aws:s3/bucketObjectv2:BucketObjectv2": bucketObject,
};

const text = (value: Value | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Provider arguments that are no strings arrive as JSON. */
function parsed(value: Value | undefined): Value | undefined {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as Value;
  } catch {
    return value;
  }
}

function configure(config: Props): Aws {
  const { env } = process;
  const region = text(config.region) ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "us-east-1";
  const accessKeyId = text(config.accessKey);
  const secretAccessKey = text(config.secretKey);
  const sessionToken = text(config.token);
  const endpoints = parsed(config.endpoints);
  const endpoint = (Array.isArray(endpoints) ? (endpoints as readonly Value[]) : [])
    .map((each) => (isProps(each) ? text(each.s3) : undefined))
    .find((each) => each !== undefined);
  const tags = parsed(config.defaultTags);
  const defaultTags = isProps(tags) && isProps(tags.tags) ? tags.tags : {};
  return {
    region,
    defaultTags: Object.fromEntries(
      Object.entries(defaultTags).flatMap(([key, value]) =>
        typeof value === "string" ? [[key, value]] : [],
      ),
    ),
    s3: new S3Client({
      region,
      // Without an endpoint here the SDK takes AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(accessKeyId === undefined || secretAccessKey === undefined
        ? {}
        : {
            credentials: {
              accessKeyId,
              secretAccessKey,
              ...(sessionToken === undefined ? {} : { sessionToken }),
            },
          }),
      forcePathStyle: parsed(config.s3UsePathStyle) === true,
    }),
  };
}

/** Stand-in for the vendor's `aws` plugin: S3 objects. The `skip*` arguments are accepted and have no effect. */
export const aws: ProviderSpec<Aws> = {
  name: "aws",
  version: sdkVersion("@pulumi/aws"),
  configure,
  handler: (type) => handlers[type],
};
