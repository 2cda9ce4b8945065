import { OpsFailure, type EXIT } from "./failure.ts";

type Meaning = readonly [kind: keyof typeof EXIT, remedy: string];

const REFUSED: Meaning = [
  "storageDenied",
  "the bucket's policy, the role or its session tag does not allow this: see the platform's backup role",
];
const EXPIRED: Meaning = [
  "storageDenied",
  "the credentials have expired: renew them, or let EKS Pod Identity hand them out",
];
const WRONG_KEYS: Meaning = ["storageDenied", "the access key is not, or no longer, valid"];
const WRONG_CLOCK: Meaning = [
  "storageDenied",
  "the clock of this machine and that of the bucket differ by more than 15 minutes: set this machine's clock",
];
const OTHER_REGION: Meaning = [
  "configuration",
  "the bucket is in another region: set AWS_REGION to that region",
];
const WRITTEN_MEANWHILE: Meaning = [
  "storage",
  "another run has written it meanwhile; the next try has another name",
];
const DAMAGED: Meaning = ["storage", "it was damaged on its way"];

/** What errors of S3 mean that tell more than their status, and what to do about them. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  AccessDenied: REFUSED,
  AuthorizationHeaderMalformed: OTHER_REGION,
  BadDigest: DAMAGED,
  ConditionalRequestConflict: WRITTEN_MEANWHILE,
  CredentialsProviderError: ["storage", "no credentials were found: the pod's identity may not be ready yet"],
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  InvalidAccessKeyId: WRONG_KEYS,
  NoSuchBucket: ["storageDenied", "there is no such bucket: check BACKUP_BUCKET and the endpoint"],
  // Its parts were put together or thrown away by a request whose answer did not arrive.
  NoSuchUpload: ["storage", "the upload has ended meanwhile"],
  PermanentRedirect: OTHER_REGION,
  PreconditionFailed: WRITTEN_MEANWHILE,
  RequestExpired: WRONG_CLOCK,
  RequestInTheFuture: WRONG_CLOCK,
  RequestTimeTooSkewed: WRONG_CLOCK,
  SignatureDoesNotMatch: WRONG_KEYS,
  XAmzContentChecksumMismatch: DAMAGED,
  XAmzContentSHA256Mismatch: DAMAGED,
};

/**
 * What a failed request to a bucket means.
 * @param place what was asked for: s3://bucket/key
 */
export function storageFailure(place: string, error: unknown): OpsFailure {
  if (error instanceof OpsFailure) return error;
  const { name, code = "", message } = error as { name: string; code?: string; message: string };
  const [kind, remedy] = MEANINGS[name] ?? [byStatus(error, message), ""];
  const said = message === "" ? code : message;
  return new OpsFailure(kind, `${place}: ${name}: ${said}${remedy === "" ? "" : `; ${remedy}`}`);
}

function byStatus(error: unknown, message: string): keyof typeof EXIT {
  // What the bucket holds differs from the checksum that it keeps with it.
  if (message.startsWith("Checksum mismatch")) return "verification";
  const status = statusOf(error);
  return status === 403 || status === 404 ? "storageDenied" : "storage";
}

export const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
