import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";
import type { Handler, ProviderSpec } from "../base/spec.ts";
import { sdkVersion } from "../base/version.ts";
import { isProps, type Props, type Value } from "../base/wire.ts";
import { bucket } from "./bucket.ts";
import { text } from "./calls.ts";
import { bucketObject } from "./object.ts";
import { role, rolePolicy } from "./role.ts";
import { settings } from "./settings.ts";

/** What the handlers share. */
export interface Aws {
  readonly s3: S3Client;
  readonly iam: IAMClient;
  readonly region: string;
  /** Tags the provider puts on everything. */
  readonly defaultTags: Readonly<Record<string, string>>;
}

const handlers: Readonly<Record<string, Handler<Aws>>> = {
  "aws:iam/role:Role": role,
  "aws:iam/rolePolicy:RolePolicy": rolePolicy,
  "aws:s3/bucket:Bucket": bucket,
  "aws:s3/bucketObjectv2:BucketObjectv2": bucketObject,
  ...settings,
};

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
  const tags = parsed(config.defaultTags);
  const defaultTags = isProps(tags) && isProps(tags.tags) ? tags.tags : {};
  const credentials =
    accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        };
  return {
    region,
    defaultTags: Object.fromEntries(
      Object.entries(defaultTags).flatMap(([key, value]) =>
        typeof value === "string" ? [[key, value]] : [],
      ),
    ),
    // Without an endpoint here the SDK takes AWS_ENDPOINT_URL_<service> or AWS_ENDPOINT_URL.
    s3: new S3Client({
      region,
      ...endpointOf(config, "s3"),
      ...credentials,
      forcePathStyle: parsed(config.s3UsePathStyle) === true,
    }),
    iam: new IAMClient({ region, ...endpointOf(config, "iam"), ...credentials }),
  };
}

function endpointOf({ endpoints }: Props, service: string): { readonly endpoint?: string } {
  const given = parsed(endpoints);
  const endpoint = (Array.isArray(given) ? (given as readonly Value[]) : [])
    .map((each) => (isProps(each) ? text(each[service]) : undefined))
    .find((each) => each !== undefined);
  return endpoint === undefined ? {} : { endpoint };
}

/** Stand-in for the vendor's `aws` plugin: S3 and IAM roles. The `skip*` arguments are accepted and have no effect. */
export const aws: ProviderSpec<Aws> = {
  name: "aws",
  version: sdkVersion("@pulumi/aws"),
  configure,
  handler: (type) => handlers[type],
};
