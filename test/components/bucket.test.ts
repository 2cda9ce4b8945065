import { BackupBucket } from "../../components/cell/bucket.ts";
import type { BackupConfig } from "../../components/cell/backupConfig.ts";
import type { CellConfig } from "../../components/cell/config.ts";
import { lifecycleRules } from "../../components/cell/lifecycle.ts";
import { RETENTION_DAYS } from "../../registry/retention.ts";
import { gatewayCell, renderCell } from "../support/cell.ts";
import { register, type Registration } from "../support/mocks.ts";
import { loadValid, registryOf } from "../support/registry.ts";

const KEY = "arn:aws:kms:us-west-2:123456789012:key/1";

const cellWith = (backup: Partial<BackupConfig>): CellConfig => ({
  ...gatewayCell,
  backup: { ...gatewayCell.backup, ...backup },
});
const bucketOf = (backup: Partial<BackupConfig> = {}): Promise<Registration[]> =>
  register(() => new BackupBucket(cellWith(backup), {}));
const inputs = (
  all: readonly Registration[],
  type: string,
  name: string,
): Record<string, unknown> | undefined =>
  all.find((each) => each.type.endsWith(`:${type}`) && each.name === name)?.inputs;
const ofType = (all: readonly Registration[], ...types: readonly string[]): string[] =>
  all.filter(({ type }) => types.some((each) => type.endsWith(`:${each}`))).map(({ name }) => name);

describe("the backup bucket", () => {
  it("is versioned, private, owned by its account, encrypted, and never emptied", async () => {
    const all = await bucketOf();
    const settings = all.filter(({ type }) => !/BackupBucket|BucketLifecycle|BucketPolicy/.test(type));
    expect(Object.fromEntries(settings.map(({ name, inputs: given }) => [name, given]))).toEqual({
      "backup-bucket": { bucket: "warehouse-backups", forceDestroy: false },
      "backup-versioning": {
        bucket: "warehouse-backups",
        versioningConfiguration: { status: "Enabled" },
      },
      "backup-public-access": {
        bucket: "warehouse-backups",
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      "backup-ownership": { bucket: "warehouse-backups", rule: { objectOwnership: "BucketOwnerEnforced" } },
      "backup-encryption": {
        bucket: "warehouse-backups",
        rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
      },
    });
    expect(ofType(all, "BucketLifecycleConfiguration", "BucketPolicy")).toEqual([
      "backup-policy",
      "backup-lifecycle",
    ]);
  });

  it("encrypts with a KMS key, of which it asks once for many objects", async () => {
    const encryption = { algorithm: "aws:kms", keyArn: KEY } as const;
    expect(
      inputs(await bucketOf({ encryption }), "BucketServerSideEncryptionConfiguration", "backup-encryption"),
    ).toMatchObject({
      rules: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: KEY },
          bucketKeyEnabled: true,
        },
      ],
    });
  });

  it("locks objects where that is asked for, in governance mode", async () => {
    expect(ofType(await bucketOf(), "BucketObjectLockConfiguration")).toEqual([]);
    expect(
      inputs(await bucketOf({ objectLockDays: 14 }), "BucketObjectLockConfiguration", "backup-lock"),
    ).toEqual({
      bucket: "warehouse-backups",
      rule: { defaultRetention: { mode: "GOVERNANCE", days: 14 } },
    });
  });

  it("has a copy in another region where that is asked for, hardened as itself", async () => {
    const replicaKey = KEY.replace("us-west-2", "us-east-2");
    const all = await bucketOf({
      encryption: { algorithm: "aws:kms", keyArn: KEY },
      objectLockDays: 14,
      replica: { region: "us-east-2", bucket: "copies", keyArn: replicaKey },
    });
    const kinds = (prefix: string): string[] =>
      all
        .filter(({ name }) => name.startsWith(`${prefix}-`) && name !== "backup-bucket-component")
        .map(({ type }) => type.split(":").at(-1) ?? "")
        .filter((kind) => kind.startsWith("Bucket") && kind !== "BucketReplicationConfig")
        .sort();
    expect(kinds("replica")).toEqual(kinds("backup"));
    expect(inputs(all, "aws", "aws-replica")).toMatchObject({ region: "us-east-2" });
    expect(inputs(all, "BucketReplicationConfig", "backup-replication")).toEqual({
      bucket: "warehouse-backups",
      role: "arn:aws:iam::123456789012:role/replication-role",
      rules: [
        {
          id: "all",
          priority: 1,
          status: "Enabled",
          filter: { prefix: "" },
          deleteMarkerReplication: { status: "Disabled" },
          sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: "Enabled" } },
          destination: {
            bucket: "arn:aws:s3:::copies",
            encryptionConfiguration: { replicaKmsKeyId: replicaKey },
          },
        },
      ],
    });
  });

  it("is made by one of the cells that share it", async () => {
    const registry = loadValid(registryOf({ id: "acme" }));
    expect(ofType(await renderCell(registry), "Bucket")).toEqual(["backup-bucket"]);
    expect(ofType(await renderCell(registry, cellWith({ manage: false })), "Bucket")).toEqual([]);
  });

  it("is the same however many tenants there are", async () => {
    const withTenants = async (...ids: readonly string[]): Promise<Registration[]> => {
      const all = await renderCell(loadValid(registryOf(...ids.map((id) => ({ id, plan: "enterprise" })))));
      return all.filter(
        ({ type }) =>
          type.startsWith("aws:s3/bucket") && !type.includes("Object:") && !type.endsWith("BucketObjectv2"),
      );
    };
    const one = await withTenants("acme");
    expect(one.map(({ name }) => name)).toContain("backup-lifecycle");
    expect(await withTenants("acme", "beta", "carla")).toEqual(one);
  });
});

describe("the bucket's rules", () => {
  it("are one a retention, by tag, and one that cleans up", () => {
    const rules = lifecycleRules();
    expect(rules.slice(0, -1)).toEqual(
      RETENTION_DAYS.map((days) => ({
        id: `retain-days-${days}`,
        status: "Enabled",
        filter: { tag: { key: "retain-days", value: String(days) } },
        expiration: { days },
      })),
    );
    expect(rules.at(-1)).toEqual({
      id: "clean-up",
      status: "Enabled",
      filter: { prefix: "" },
      expiration: { expiredObjectDeleteMarker: true },
      noncurrentVersionExpiration: { noncurrentDays: 30 },
      abortIncompleteMultipartUpload: { daysAfterInitiation: 3 },
    });
  });

  it("keep every retention that objects may carry", () => {
    expect(RETENTION_DAYS).toEqual(
      expect.arrayContaining([7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825, 2555, 3650]),
    );
  });
});

describe("who may use the bucket", () => {
  const registry = loadValid(registryOf({ id: "acme" }, { id: "carla", plan: "starter" }));

  it("is with EKS Pod Identity one role, associated with each tenant's accounts", async () => {
    const all = await renderCell(registry);
    expect(ofType(all, "Role").filter((name) => !/^(acme|carla|shared)-/.test(name))).toContain(
      "backup-role",
    );
    const associations = all
      .filter(({ type }) => type.endsWith(":PodIdentityAssociation"))
      .sort((left, right) => left.name.localeCompare(right.name));
    expect(associations.map(({ inputs: given }) => given)).toEqual(
      [
        ["customer-acme", "acme"],
        ["pool-starter", "carla"],
      ].map(([namespace, serviceAccount]) => ({
        clusterName: "test",
        namespace,
        serviceAccount,
        roleArn: "arn:aws:iam::123456789012:role/backup-role",
      })),
    );
  });

  it("is with IRSA one role for each tenant, which its accounts name", async () => {
    const oidcProviderArn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/ABC";
    const all = await renderCell(registry, cellWith({ identity: { kind: "irsa", oidcProviderArn } }));
    expect(ofType(all, "PodIdentityAssociation")).toEqual([]);
    expect(inputs(all, "Role", "acme-backup-role")).toMatchObject({ path: "/warehouse/test/" });
    expect(inputs(all, "ServiceAccount", "carla-backup-account-pool-starter")).toMatchObject({
      metadata: {
        annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/carla-backup-role" },
      },
    });
    const env = JSON.stringify(inputs(all, "CronJob", "acme-backup"));
    expect(env).not.toContain("AWS_ACCESS_KEY_ID");
  });
});

describe("access keys", () => {
  const identity = { kind: "staticKeys", secret: { namespace: "ops", name: "keys-{id}" } } as const;
  const cell = { ...cellWith({ identity }), aws: { endpoint: "https://minio.internal:9000" } };

  it("reach a Job from a Secret of its namespace, with the endpoint", async () => {
    const all = await renderCell(loadValid(registryOf({ id: "acme" })), cell);
    expect(ofType(all, "PodIdentityAssociation")).toEqual([]);
    const [container] = (
      inputs(all, "CronJob", "acme-backup") as {
        spec: { jobTemplate: { spec: { template: { spec: { containers: [{ env: object[] }] } } } } };
      }
    ).spec.jobTemplate.spec.template.spec.containers;
    const secretKeyRef = (key: string): object => ({ name: "acme-backup-keys-secret", key });
    expect(container.env).toEqual(
      expect.arrayContaining([
        { name: "AWS_ENDPOINT_URL", value: "https://minio.internal:9000" },
        { name: "AWS_ACCESS_KEY_ID", valueFrom: { secretKeyRef: secretKeyRef("AWS_ACCESS_KEY_ID") } },
        { name: "AWS_SECRET_ACCESS_KEY", valueFrom: { secretKeyRef: secretKeyRef("AWS_SECRET_ACCESS_KEY") } },
      ]),
    );
    expect(inputs(all, "Secret", "acme-backup-account-keys-secret")).toMatchObject({
      metadata: { name: "acme-backup-keys-secret", namespace: "customer-acme" },
    });
  });
});
