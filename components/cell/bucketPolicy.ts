import { backupPrefix, jobNamespaces, METRICS, OPERATIONS } from "../../registry/naming.ts";
import type { CellConfig } from "./config.ts";

/** A statement of an AWS policy, as JSON. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: "*" | Readonly<Record<string, string>>;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface Policy {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

/** A bucket and what it is encrypted with. */
export interface BucketFacts {
  readonly bucket: string;
  readonly region: string;
  /** KMS key of its objects. */
  readonly keyArn: string | undefined;
}

/** The bucket of a cell as policies speak of it. */
export const bucketFacts = ({
  region,
  backup: { bucket, encryption },
}: Pick<CellConfig, "region" | "backup">): BucketFacts => ({
  region,
  bucket,
  keyArn: encryption.algorithm === "aws:kms" ? encryption.keyArn : undefined,
});

const policy = (...statements: readonly Statement[]): Policy => ({
  Version: "2012-10-17",
  Statement: statements,
});

/** China and GovCloud are partitions of their own. */
const partitionOf = (region: string): string => {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
};

export const bucketArn = ({ bucket, region }: Pick<BucketFacts, "bucket" | "region">): string =>
  `arn:${partitionOf(region)}:s3:::${bucket}`;

/** Nobody reaches the bucket but through TLS 1.2 or newer. It names no tenant, so it never grows. */
export function transportPolicy(facts: Pick<BucketFacts, "bucket" | "region">): Policy {
  const arn = bucketArn(facts);
  const deny = (Sid: string, Condition: Statement["Condition"]): Statement => ({
    Sid,
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [arn, `${arn}/*`],
    ...(Condition === undefined ? {} : { Condition }),
  });
  return policy(
    deny("DenyPlainHttp", { Bool: { "aws:SecureTransport": "false" } }),
    deny("DenyOldTls", { NumericLessThan: { "s3:TlsVersion": "1.2" } }),
  );
}

/** What a session may do with the tags that EKS Pod Identity gives it. */
const POD_ACCOUNT = "${aws:PrincipalTag/kubernetes-service-account}";
const POD_NAMESPACE = "aws:PrincipalTag/kubernetes-namespace";

const READ = ["s3:GetObject", "s3:GetObjectVersion"] as const;
/** Neither of objects nor of versions does anybody delete: the bucket's rules do. */
const WRITE = ["s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"] as const;

/** What is written of a tenant under legal hold is held from the start. Nobody lifts a hold but an operator. */
const holdStatement = (resource: string | readonly string[], place: Record<string, string[]>): Statement => ({
  Sid: "HoldWhatIsWritten",
  Effect: "Allow",
  Action: "s3:PutObjectLegalHold",
  Resource: resource,
  Condition: {
    StringEquals: { "s3:object-lock-legal-hold": "ON" },
    ...(Object.keys(place).length === 0 ? {} : { StringLike: place }),
  },
});

/** A key, through S3 alone. */
const keyStatements = (
  { keyArn, region }: BucketFacts,
  actions: readonly string[] = ["kms:Decrypt", "kms:GenerateDataKey"],
): Statement[] =>
  keyArn === undefined
    ? []
    : [
        {
          Sid: "UseKey",
          Effect: "Allow",
          Action: actions,
          Resource: keyArn,
          Condition: { StringEquals: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
        },
      ];

/**
 * What a tenant's Jobs may do: list, read and write below the tenant's prefix.
 * @param id the tenant; undefined for one role for all: whoever the session's ServiceAccount is named after
 */
export function backupPolicy(facts: BucketFacts, id: string | undefined): Policy {
  const arn = bucketArn(facts);
  const prefix = backupPrefix(id === undefined ? POD_ACCOUNT : id);
  // An account of a tenant's name in another tenant's namespace gets nothing.
  const place: Record<string, string[]> =
    id === undefined ? { [POD_NAMESPACE]: jobNamespaces(POD_ACCOUNT) } : {};
  return policy(
    {
      Sid: "ListOwnPrefix",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: arn,
      Condition: { StringLike: { ...place, "s3:prefix": `${prefix}*` } },
    },
    {
      Sid: "UseOwnPrefix",
      Effect: "Allow",
      Action: [...READ, ...WRITE],
      Resource: `${arn}/${prefix}*`,
      ...(id === undefined ? { Condition: { StringLike: place } } : {}),
    },
    holdStatement(`${arn}/${prefix}*`, place),
    ...keyStatements(facts),
  );
}

const listTenants = (arn: string): Statement => ({
  Sid: "ListTenants",
  Effect: "Allow",
  Action: "s3:ListBucket",
  Resource: arn,
  Condition: { StringLike: { "s3:prefix": backupPrefix("*").replace("*/", "*") } },
});

/** What the exporter of metrics may do: list what there is, and read manifests and reports, which hold no data. */
export function metricsPolicy(facts: BucketFacts): Policy {
  const arn = bucketArn(facts);
  const every = backupPrefix("*");
  return policy(
    listTenants(arn),
    {
      Sid: "ReadManifestsAndReports",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: ["db/*.manifest.json", "drills/*.json"].map((object) => `${arn}/${every}${object}`),
    },
    ...keyStatements(facts, ["kms:Decrypt"]),
  );
}

/** What the platform's restores and drills may do: read every tenant's backups, write reports and backups of what they replace. */
export function restorePolicy(facts: BucketFacts): Policy {
  const arn = bucketArn(facts);
  const every = backupPrefix("*");
  const written = ["db", "files", "drills", "final"].map((folder) => `${arn}/${every}${folder}/*`);
  return policy(
    listTenants(arn),
    { Sid: "ReadTenants", Effect: "Allow", Action: READ, Resource: `${arn}/${every}*` },
    {
      Sid: "WriteReportsAndBackups",
      Effect: "Allow",
      Action: WRITE,
      Resource: written,
    },
    holdStatement(written, {}),
    ...keyStatements(facts),
  );
}

/** Who may be a role through EKS Pod Identity. An association ties an account to it. */
export const podTrust = (): Policy =>
  policy({
    Sid: "Pods",
    Effect: "Allow",
    Principal: { Service: "pods.eks.amazonaws.com" },
    Action: ["sts:AssumeRole", "sts:TagSession"],
  });

/** Who may be a role through the cluster's OIDC provider: these `namespace:account`, with wildcards. */
export function oidcTrust(providerArn: string, accounts: readonly string[]): Policy {
  const issuer = providerArn.replace(/^.*:oidc-provider\//, "");
  return policy({
    Sid: "Pods",
    Effect: "Allow",
    Principal: { Federated: providerArn },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: {
      StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com" },
      StringLike: { [`${issuer}:sub`]: accounts.map((account) => `system:serviceaccount:${account}`) },
    },
  });
}

/** The `namespace:account` of a tenant, and the platform's for restores and for metrics. */
export const tenantAccounts = (id: string): string[] =>
  jobNamespaces(id).map((namespace) => `${namespace}:${id}`);
export const RESTORE_ACCOUNT = `${OPERATIONS.namespace}:${OPERATIONS.account}`;
export const METRICS_ACCOUNT = `${OPERATIONS.namespace}:${METRICS}`;

/** What S3 itself may do to copy objects to another region. */
export const replicationTrust = (): Policy =>
  policy({
    Sid: "Replication",
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "sts:AssumeRole",
  });

export function replicationPolicy(source: BucketFacts, target: BucketFacts): Policy {
  const key = (Sid: string, Action: string, { keyArn, region }: BucketFacts): Statement[] =>
    keyArn === undefined
      ? []
      : [
          {
            Sid,
            Effect: "Allow",
            Action,
            Resource: keyArn,
            Condition: { StringLike: { "kms:ViaService": `s3.${region}.amazonaws.com` } },
          },
        ];
  return policy(
    {
      Sid: "ReadConfiguration",
      Effect: "Allow",
      Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"],
      Resource: bucketArn(source),
    },
    {
      Sid: "ReadVersions",
      Effect: "Allow",
      Action: [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
      ],
      Resource: `${bucketArn(source)}/*`,
    },
    {
      Sid: "WriteCopies",
      Effect: "Allow",
      Action: ["s3:ReplicateObject", "s3:ReplicateTags"],
      Resource: `${bucketArn(target)}/*`,
    },
    ...key("ReadKey", "kms:Decrypt", source),
    ...key("WriteKey", "kms:Encrypt", target),
  );
}
