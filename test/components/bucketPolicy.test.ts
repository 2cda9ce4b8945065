import {
  backupPolicy,
  bucketArn,
  metricsPolicy,
  oidcTrust,
  podTrust,
  replicationPolicy,
  RESTORE_ACCOUNT,
  restorePolicy,
  tenantAccounts,
  transportPolicy,
  type Policy,
} from "../../components/cell/bucketPolicy.ts";
import { allows } from "../support/iam.ts";

const KEY = "arn:aws:kms:us-west-2:123456789012:key/1";
const facts = { bucket: "backups", region: "us-west-2", keyArn: undefined };
const ARN = "arn:aws:s3:::backups";
const PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/ABC";

/** A session that EKS Pod Identity made. */
const session = (namespace: string, account: string) => ({
  "aws:PrincipalTag/kubernetes-namespace": namespace,
  "aws:PrincipalTag/kubernetes-service-account": account,
});
const mayGet = (
  policy: ReturnType<typeof backupPolicy>,
  tags: Record<string, string>,
  key: string,
): boolean => allows([policy], { action: "s3:GetObject", resource: `${ARN}/${key}`, facts: tags });
const mayList = (
  policy: ReturnType<typeof backupPolicy>,
  tags: Record<string, string>,
  prefix: string,
): boolean =>
  allows([policy], { action: "s3:ListBucket", resource: ARN, facts: { ...tags, "s3:prefix": prefix } });

describe("the bucket's policy", () => {
  it("lets nobody in but through TLS 1.2 or newer, names no tenant and is small", () => {
    const policy = transportPolicy(facts);
    expect(policy).toMatchInlineSnapshot(`
     {
       "Statement": [
         {
           "Action": "s3:*",
           "Condition": {
             "Bool": {
               "aws:SecureTransport": "false",
             },
           },
           "Effect": "Deny",
           "Principal": "*",
           "Resource": [
             "arn:aws:s3:::backups",
             "arn:aws:s3:::backups/*",
           ],
           "Sid": "DenyPlainHttp",
         },
         {
           "Action": "s3:*",
           "Condition": {
             "NumericLessThan": {
               "s3:TlsVersion": "1.2",
             },
           },
           "Effect": "Deny",
           "Principal": "*",
           "Resource": [
             "arn:aws:s3:::backups",
             "arn:aws:s3:::backups/*",
           ],
           "Sid": "DenyOldTls",
         },
       ],
       "Version": "2012-10-17",
     }
    `);
    expect(JSON.stringify(policy).length).toBeLessThan(20 * 1024);
  });

  it.each([
    ["plain HTTP", { "aws:SecureTransport": "false" }, false],
    ["TLS 1.1", { "aws:SecureTransport": "true", "s3:TlsVersion": "1.1" }, false],
    ["TLS 1.2", { "aws:SecureTransport": "true", "s3:TlsVersion": "1.2" }, true],
    ["TLS 1.3", { "aws:SecureTransport": "true", "s3:TlsVersion": "1.3" }, true],
  ])("judges %s", (_what, transport, allowed) => {
    const resource = `${ARN}/customers/acme/db/x`;
    const question = {
      action: "s3:GetObject",
      resource,
      facts: { ...session("customer-acme", "acme"), ...transport },
    };
    expect(allows([transportPolicy(facts), backupPolicy(facts, undefined)], question)).toBe(allowed);
  });

  it("is of the partition that the region belongs to", () => {
    expect(bucketArn({ bucket: "b", region: "cn-north-1" })).toBe("arn:aws-cn:s3:::b");
    expect(bucketArn({ bucket: "b", region: "us-gov-west-1" })).toBe("arn:aws-us-gov:s3:::b");
  });
});

describe("the role of all tenants", () => {
  const policy = backupPolicy(facts, undefined);

  it("is this", () => {
    expect(policy).toMatchInlineSnapshot(`
     {
       "Statement": [
         {
           "Action": "s3:ListBucket",
           "Condition": {
             "StringLike": {
               "aws:PrincipalTag/kubernetes-namespace": [
                 "customer-\${aws:PrincipalTag/kubernetes-service-account}",
                 "pool-*",
               ],
               "s3:prefix": "customers/\${aws:PrincipalTag/kubernetes-service-account}/*",
             },
           },
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::backups",
           "Sid": "ListOwnPrefix",
         },
         {
           "Action": [
             "s3:GetObject",
             "s3:GetObjectVersion",
             "s3:PutObject",
             "s3:PutObjectTagging",
             "s3:AbortMultipartUpload",
           ],
           "Condition": {
             "StringLike": {
               "aws:PrincipalTag/kubernetes-namespace": [
                 "customer-\${aws:PrincipalTag/kubernetes-service-account}",
                 "pool-*",
               ],
             },
           },
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::backups/customers/\${aws:PrincipalTag/kubernetes-service-account}/*",
           "Sid": "UseOwnPrefix",
         },
         {
           "Action": "s3:PutObjectLegalHold",
           "Condition": {
             "StringEquals": {
               "s3:object-lock-legal-hold": "ON",
             },
             "StringLike": {
               "aws:PrincipalTag/kubernetes-namespace": [
                 "customer-\${aws:PrincipalTag/kubernetes-service-account}",
                 "pool-*",
               ],
             },
           },
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::backups/customers/\${aws:PrincipalTag/kubernetes-service-account}/*",
           "Sid": "HoldWhatIsWritten",
         },
       ],
       "Version": "2012-10-17",
     }
    `);
    expect(podTrust()).toMatchInlineSnapshot(`
     {
       "Statement": [
         {
           "Action": [
             "sts:AssumeRole",
             "sts:TagSession",
           ],
           "Effect": "Allow",
           "Principal": {
             "Service": "pods.eks.amazonaws.com",
           },
           "Sid": "Pods",
         },
       ],
       "Version": "2012-10-17",
     }
    `);
  });

  it.each([
    ["its own prefix, from its own namespace", "customer-acme", "acme", "customers/acme/db/1.dump", true],
    ["its own prefix, from a pool's namespace", "pool-starter", "acme", "customers/acme/db/1.dump", true],
    ["another tenant's", "customer-acme", "acme", "customers/beta/db/1.dump", false],
    [
      "that of a tenant whose id begins with its own",
      "customer-acme",
      "acme",
      "customers/acme-2/db/1",
      false,
    ],
    [
      "its own, by an account that a neighbour named after it",
      "customer-beta",
      "acme",
      "customers/acme/x",
      false,
    ],
    [
      "anything, by another account of its namespace",
      "customer-acme",
      "warehouse-app",
      "customers/acme/x",
      false,
    ],
    ["the root", "customer-acme", "acme", "x", false],
  ])("reaches or not: %s", (_what, namespace, account, key, allowed) => {
    const tags = session(namespace, account);
    expect(mayGet(policy, tags, key)).toBe(allowed);
    expect(mayList(policy, tags, key)).toBe(allowed);
  });

  it("reaches nothing without session tags", () => {
    expect(mayGet(policy, {}, "customers//db/1.dump")).toBe(false);
    expect(mayGet(policy, {}, "customers/acme/db/1.dump")).toBe(false);
  });

  it("lists no more than its prefix, and deletes nothing", () => {
    const tags = session("customer-acme", "acme");
    expect(mayList(policy, tags, "")).toBe(false);
    expect(mayList(policy, tags, "customers/")).toBe(false);
    expect(allows([policy], { action: "s3:ListBucket", resource: ARN, facts: tags })).toBe(false);
    for (const action of ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketPolicy"]) {
      expect(allows([policy], { action, resource: `${ARN}/customers/acme/db/1`, facts: tags })).toBe(false);
    }
  });

  it("uses the bucket's KMS key, through S3 alone", () => {
    const withKey = backupPolicy({ ...facts, keyArn: KEY }, undefined);
    const ask = (service: string): boolean =>
      allows([withKey], {
        action: "kms:GenerateDataKey",
        resource: KEY,
        facts: { "kms:ViaService": service },
      });
    expect(ask("s3.us-west-2.amazonaws.com")).toBe(true);
    expect(ask("ec2.us-west-2.amazonaws.com")).toBe(false);
  });
});

describe("the role of one tenant", () => {
  it("reaches that tenant's prefix without any tag", () => {
    const policy = backupPolicy(facts, "acme");
    expect(mayGet(policy, {}, "customers/acme/db/1.dump")).toBe(true);
    expect(mayGet(policy, {}, "customers/acme-2/db/1.dump")).toBe(false);
    expect(mayList(policy, {}, "customers/beta/")).toBe(false);
  });

  it("is for the tenant's accounts alone", () => {
    const trust = oidcTrust(PROVIDER, tenantAccounts("acme"));
    expect(trust).toMatchInlineSnapshot(`
     {
       "Statement": [
         {
           "Action": "sts:AssumeRoleWithWebIdentity",
           "Condition": {
             "StringEquals": {
               "oidc.eks.us-west-2.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
             },
             "StringLike": {
               "oidc.eks.us-west-2.amazonaws.com/id/ABC:sub": [
                 "system:serviceaccount:customer-acme:acme",
                 "system:serviceaccount:pool-*:acme",
               ],
             },
           },
           "Effect": "Allow",
           "Principal": {
             "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/ABC",
           },
           "Sid": "Pods",
         },
       ],
       "Version": "2012-10-17",
     }
    `);
    const issuer = "oidc.eks.us-west-2.amazonaws.com/id/ABC";
    const mayBe = (account: string): boolean => {
      const [statement] = trust.Statement;
      if (statement === undefined) throw new Error("no statement");
      return allows([{ ...trust, Statement: [{ ...statement, Resource: "*" }] }], {
        action: "sts:AssumeRoleWithWebIdentity",
        resource: "role",
        facts: {
          [`${issuer}:aud`]: "sts.amazonaws.com",
          [`${issuer}:sub`]: `system:serviceaccount:${account}`,
        },
      });
    };
    expect(mayBe("customer-acme:acme")).toBe(true);
    expect(mayBe("pool-ai-enhanced:acme")).toBe(true);
    expect(mayBe("customer-acme-2:acme")).toBe(false);
    expect(mayBe("customer-acme:beta")).toBe(false);
    expect(mayBe("customer-beta:acme")).toBe(false);
  });
});

describe("the platform's role for restores", () => {
  it("reads every tenant's backups, writes backups and reports, and deletes nothing", () => {
    const policy = restorePolicy({ ...facts, keyArn: KEY });
    expect(policy).toMatchInlineSnapshot(`
     {
       "Statement": [
         {
           "Action": "s3:ListBucket",
           "Condition": {
             "StringLike": {
               "s3:prefix": "customers/*",
             },
           },
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::backups",
           "Sid": "ListTenants",
         },
         {
           "Action": [
             "s3:GetObject",
             "s3:GetObjectVersion",
           ],
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::backups/customers/*/*",
           "Sid": "ReadTenants",
         },
         {
           "Action": [
             "s3:PutObject",
             "s3:PutObjectTagging",
             "s3:AbortMultipartUpload",
           ],
           "Effect": "Allow",
           "Resource": [
             "arn:aws:s3:::backups/customers/*/db/*",
             "arn:aws:s3:::backups/customers/*/files/*",
             "arn:aws:s3:::backups/customers/*/drills/*",
             "arn:aws:s3:::backups/customers/*/final/*",
           ],
           "Sid": "WriteReportsAndBackups",
         },
         {
           "Action": "s3:PutObjectLegalHold",
           "Condition": {
             "StringEquals": {
               "s3:object-lock-legal-hold": "ON",
             },
           },
           "Effect": "Allow",
           "Resource": [
             "arn:aws:s3:::backups/customers/*/db/*",
             "arn:aws:s3:::backups/customers/*/files/*",
             "arn:aws:s3:::backups/customers/*/drills/*",
             "arn:aws:s3:::backups/customers/*/final/*",
           ],
           "Sid": "HoldWhatIsWritten",
         },
         {
           "Action": [
             "kms:Decrypt",
             "kms:GenerateDataKey",
           ],
           "Condition": {
             "StringEquals": {
               "kms:ViaService": "s3.us-west-2.amazonaws.com",
             },
           },
           "Effect": "Allow",
           "Resource": "arn:aws:kms:us-west-2:123456789012:key/1",
           "Sid": "UseKey",
         },
       ],
       "Version": "2012-10-17",
     }
    `);
    expect(RESTORE_ACCOUNT).toBe("warehouse-ops:warehouse-restore");
    expect(mayGet(policy, {}, "customers/acme/db/1.dump")).toBe(true);
    expect(mayList(policy, {}, "customers/")).toBe(true);
    expect(mayList(policy, {}, "customers/acme/db/")).toBe(true);
    expect(mayList(policy, {}, "")).toBe(false);
    const mayPut = (key: string): boolean =>
      allows([policy], { action: "s3:PutObject", resource: `${ARN}/${key}`, facts: {} });
    expect(mayPut("customers/acme/drills/1.json")).toBe(true);
    expect(mayPut("customers/acme/db/1.dump")).toBe(true);
    expect(mayPut("customers/acme/tenant.json")).toBe(false);
    expect(
      allows([policy], { action: "s3:DeleteObject", resource: `${ARN}/customers/a/db/1`, facts: {} }),
    ).toBe(false);
  });
});

describe("the role that copies to another region", () => {
  it("reads versions here and writes copies there, with both keys", () => {
    const target = { bucket: "copies", region: "us-east-2", keyArn: KEY.replace("us-west-2", "us-east-2") };
    expect(replicationPolicy({ ...facts, keyArn: KEY }, target)).toMatchInlineSnapshot(`
     {
       "Statement": [
         {
           "Action": [
             "s3:GetReplicationConfiguration",
             "s3:ListBucket",
           ],
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::backups",
           "Sid": "ReadConfiguration",
         },
         {
           "Action": [
             "s3:GetObjectVersionForReplication",
             "s3:GetObjectVersionAcl",
             "s3:GetObjectVersionTagging",
             "s3:GetObjectRetention",
             "s3:GetObjectLegalHold",
           ],
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::backups/*",
           "Sid": "ReadVersions",
         },
         {
           "Action": [
             "s3:ReplicateObject",
             "s3:ReplicateTags",
           ],
           "Effect": "Allow",
           "Resource": "arn:aws:s3:::copies/*",
           "Sid": "WriteCopies",
         },
         {
           "Action": "kms:Decrypt",
           "Condition": {
             "StringLike": {
               "kms:ViaService": "s3.us-west-2.amazonaws.com",
             },
           },
           "Effect": "Allow",
           "Resource": "arn:aws:kms:us-west-2:123456789012:key/1",
           "Sid": "ReadKey",
         },
         {
           "Action": "kms:Encrypt",
           "Condition": {
             "StringLike": {
               "kms:ViaService": "s3.us-east-2.amazonaws.com",
             },
           },
           "Effect": "Allow",
           "Resource": "arn:aws:kms:us-east-2:123456789012:key/1",
           "Sid": "WriteKey",
         },
       ],
       "Version": "2012-10-17",
     }
    `);
  });
});

describe("the exporter's role", () => {
  it("reads manifests and reports of every tenant, and nothing else", () => {
    const policy = metricsPolicy({ ...facts, keyArn: KEY });
    const may = (action: string, key: string): boolean =>
      allows([policy], { action, resource: `${ARN}/${key}`, facts: {} });
    expect(may("s3:GetObject", "customers/acme/db/20260101T000000Z.manifest.json")).toBe(true);
    expect(may("s3:GetObject", "customers/acme/drills/20260101T000000Z.json")).toBe(true);
    expect(mayList(policy, {}, "customers/")).toBe(true);
    for (const key of ["db/20260101T000000Z.dump", "files/1.tar.zst", "final/evidence.json", "tenant.json"]) {
      expect(may("s3:GetObject", `customers/acme/${key}`)).toBe(false);
    }
    expect(may("s3:PutObject", "customers/acme/db/20260101T000000Z.manifest.json")).toBe(false);
    const via = { "kms:ViaService": "s3.us-west-2.amazonaws.com" };
    const key = (action: string): boolean => allows([policy], { action, resource: KEY, facts: via });
    expect([key("kms:Decrypt"), key("kms:GenerateDataKey")]).toEqual([true, false]);
  });
});

describe("a legal hold", () => {
  const mayHold = (policy: Policy, key: string, status: string, tags: Record<string, string> = {}): boolean =>
    allows([policy], {
      action: "s3:PutObjectLegalHold",
      resource: `${ARN}/${key}`,
      facts: { ...tags, "s3:object-lock-legal-hold": status },
    });

  it("is set by who writes an object, on no other, and lifted by none of them", () => {
    const [one, all, platform] = [
      backupPolicy(facts, "acme"),
      backupPolicy(facts, undefined),
      restorePolicy(facts),
    ];
    const tags = session("customer-acme", "acme");
    expect(mayHold(one, "customers/acme/db/1.dump", "ON")).toBe(true);
    expect(mayHold(all, "customers/acme/db/1.dump", "ON", tags)).toBe(true);
    expect(mayHold(platform, "customers/acme/db/1.dump", "ON")).toBe(true);
    expect(mayHold(one, "customers/acme-2/db/1.dump", "ON")).toBe(false);
    expect(mayHold(all, "customers/acme-2/db/1.dump", "ON", tags)).toBe(false);
    expect(mayHold(all, "customers/acme/db/1.dump", "ON", session("customer-beta", "acme"))).toBe(false);
    for (const policy of [one, all, platform]) {
      expect(mayHold(policy, "customers/acme/db/1.dump", "OFF", tags)).toBe(false);
    }
  });
});
