import {
  DeleteBucketLifecycleCommand,
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketVersioningCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetRoleCommand, GetRolePolicyCommand, IAMClient, ListRolesCommand } from "@aws-sdk/client-iam";
import { bucketFacts, backupPolicy, transportPolicy } from "../../components/cell/bucketPolicy.ts";
import { lifecycleRules } from "../../components/cell/lifecycle.ts";
import { gatewayCell } from "../support/cell.ts";
import { changes, openWorkplace, type Workplace } from "../support/e2e.ts";

const Bucket = "warehouse-backups";
const KEY = "arn:aws:kms:us-west-2:123456789012:key/00000000-0000-4000-8000-000000000000";
const PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/ABC";
const ENCRYPTION = `    encryption: { algorithm: aws:kms, keyArn: "${KEY}" }`;
const CONFIG = "Pulumi.sandbox.yaml";

jest.setTimeout(5 * 60_000);

let place: Workplace;
let s3: S3Client;
let iam: IAMClient;

beforeAll(async () => {
  place = await openWorkplace();
  // Unlike AWS, moto locks only a bucket that is still empty.
  place.edit(CONFIG, "    identity:\n", "    objectLockDays: 7\n    identity:\n");
  const client = {
    endpoint: place.platform.aws.endpoint,
    region: "us-west-2",
    credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
  };
  s3 = new S3Client({ ...client, forcePathStyle: true });
  iam = new IAMClient(client);
});
afterAll(async () => {
  s3.destroy();
  iam.destroy();
  await place.close();
});

async function up(): Promise<void> {
  const outcome = await place.pulumi("up", "--yes", "--skip-preview");
  expect(outcome.output).not.toContain("error:");
  expect(outcome.code).toBe(0);
}

const rulesOf = async (): Promise<(string | undefined)[]> => {
  const { Rules = [] } = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  return Rules.map(({ ID }) => ID);
};
const allRules = lifecycleRules().map(({ id }) => id);

describe("the bucket of the sandbox", () => {
  it("is made by the program, and S3 says so", async () => {
    await up();
    expect(await s3.send(new GetBucketVersioningCommand({ Bucket }))).toMatchObject({ Status: "Enabled" });
    expect(await s3.send(new GetPublicAccessBlockCommand({ Bucket }))).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    expect(await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))).toMatchObject({
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    });
    expect(await s3.send(new GetBucketEncryptionCommand({ Bucket }))).toMatchObject({
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    });
    expect(await s3.send(new GetObjectLockConfigurationCommand({ Bucket }))).toMatchObject({
      ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 7 } } },
    });
    const { Policy = "" } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
    expect(JSON.parse(Policy)).toEqual(transportPolicy(bucketFacts(gatewayCell)));
    expect(await rulesOf()).toEqual(allRules);
  });

  it("neither changes nor drifts", async () => {
    expect(changes(await place.pulumi("preview", "--json"))).toEqual([]);
    const refresh = await place.pulumi("refresh", "--preview-only", "--expect-no-changes");
    expect(refresh.output).not.toContain("error:");
    expect(refresh.code).toBe(0);
  });

  it("is put right again when somebody changed it", async () => {
    await s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } }),
    );
    await s3.send(new DeleteBucketLifecycleCommand({ Bucket }));
    const refresh = await place.pulumi("refresh", "--yes");
    expect(refresh.code).toBe(0);
    const steps = changes(await place.pulumi("preview", "--json"));
    expect(steps.filter(({ name }) => name.startsWith("backup-"))).toEqual(
      expect.arrayContaining([
        { op: "create", name: "backup-lifecycle" },
        { op: "update", name: "backup-versioning" },
      ]),
    );
    await up();
    expect(await s3.send(new GetBucketVersioningCommand({ Bucket }))).toMatchObject({ Status: "Enabled" });
    expect(await rulesOf()).toEqual(allRules);
  });

  it("has as many rules with one more tenant", async () => {
    const file = "tenants/tenants.yaml";
    const more = '  - id: gamma\n    plan: enterprise\n    since: "2026-01-01T00:00:00Z"\n';
    place.write(file, `${place.read(file)}${more}`);
    await up();
    expect(await rulesOf()).toEqual(allRules);
    expect(
      await s3.send(new HeadObjectCommand({ Bucket, Key: "customers/gamma/tenant.json" })),
    ).toMatchObject({
      ServerSideEncryption: "AES256",
    });
  });
});

describe("a legal hold", () => {
  const file = "tenants/tenants.yaml";
  const HOLD = '    legalHold: { caseRef: case-2026-17, since: "2026-02-01T00:00:00Z" }\n';
  /** Where there was never one, AWS answers with an error and moto without a status. */
  const holdOf = async (Key: string): Promise<string | undefined> =>
    (await s3.send(new GetObjectLegalHoldCommand({ Bucket, Key }))).LegalHold?.Status;
  const backups = async (id: string): Promise<string[]> => {
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: `customers/${id}/db/` }),
    );
    return Contents.map(({ Key = "" }) => Key);
  };
  const backUp = async (job: string): Promise<void> => {
    const where = ["-n", "customer-acme"];
    const made = await place.kubectl("create", "job", "--from=cronjob/warehouse-backup", job, ...where);
    expect(made.code === 0 ? "" : made.output).toBe("");
    const ended = await place.kubectl(
      ...["wait", "--for=condition=complete", "--timeout=120s", `job/${job}`, ...where],
    );
    expect(ended.code === 0 ? "" : ended.output).toBe("");
  };

  it("holds what is in the bucket and what comes, and nobody else's", async () => {
    await backUp("before");
    place.edit(file, "  - id: acme\n", `  - id: acme\n${HOLD}`);
    await up();
    await backUp("during");
    const keys = await backups("acme");
    expect(keys).toHaveLength(4);
    for (const key of [...keys, "customers/acme/tenant.json"])
      expect([key, await holdOf(key)]).toEqual([key, "ON"]);
    expect(await holdOf("customers/beta/tenant.json")).toBeUndefined();
    const [first = ""] = keys;
    const { VersionId } = await s3.send(new HeadObjectCommand({ Bucket, Key: first }));
    await expect(
      s3.send(
        new DeleteObjectCommand({
          ...{ Bucket, Key: first, VersionId: VersionId ?? "" },
          BypassGovernanceRetention: true,
        }),
      ),
    ).rejects.toThrow(/Access ?Denied/);
  });

  it("is lifted when the registry lifts it, and what comes is not held", async () => {
    place.edit(file, HOLD, "");
    await up();
    const held = await backups("acme");
    for (const key of held) expect([key, await holdOf(key)]).toEqual([key, "OFF"]);
    await backUp("after");
    const [added = ""] = (await backups("acme")).filter((key) => !held.includes(key));
    expect(added).not.toBe("");
    expect(await holdOf(added)).toBeUndefined();
  });
});

describe("the same with KMS and IRSA", () => {
  it("is changed in place", async () => {
    place.edit(
      CONFIG,
      /    identity:\n(?: {6,}.*\n)+/.exec(place.read(CONFIG))?.[0] ?? "",
      [`    identity: { kind: irsa, oidcProviderArn: "${PROVIDER}" }`, ENCRYPTION, ""].join("\n"),
    );
    await up();
    expect(await s3.send(new GetBucketEncryptionCommand({ Bucket }))).toMatchObject({
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: KEY },
            BucketKeyEnabled: true,
          },
        ],
      },
    });
  });

  it("gives each tenant a role of its own, confined to its prefix, which its account names", async () => {
    const { Roles = [] } = await iam.send(new ListRolesCommand({ PathPrefix: "/warehouse/sandbox/" }));
    const role = Roles.find(({ RoleName = "" }) => RoleName.startsWith("acme-backup-role-"));
    const RoleName = role?.RoleName ?? "";
    const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")).toContain(
      '"system:serviceaccount:customer-acme:acme"',
    );
    const name = await place.pulumi("stack", "export");
    const PolicyName = /"acme-backup-policy-[0-9a-f]{7}"/.exec(name.stdout)?.[0].slice(1, -1) ?? "";
    const { PolicyDocument = "" } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
    expect(JSON.parse(decodeURIComponent(PolicyDocument))).toEqual(
      backupPolicy({ bucket: Bucket, region: "us-west-2", keyArn: KEY }, "acme"),
    );
    const { stdout } = await place.kubectl("get", "serviceaccount/acme", "-n", "customer-acme", "-o", "yaml");
    expect(stdout).toContain(`eks.amazonaws.com/role-arn: ${role?.Arn ?? ""}\n`);
  });

  it("neither changes nor drifts", async () => {
    expect(changes(await place.pulumi("preview", "--json"))).toEqual([]);
    const refresh = await place.pulumi("refresh", "--preview-only", "--expect-no-changes");
    expect(refresh.output).not.toContain("error:");
    expect(refresh.code).toBe(0);
  });
});

describe("a copy in another region", () => {
  it("is made beside the bucket, which sends its objects there", async () => {
    // moto forgets that objects with a KMS key are to be copied too.
    place.edit(CONFIG, ENCRYPTION, "    replica: { region: us-east-2, bucket: copies }");
    await up();
    expect(await s3.send(new GetBucketReplicationCommand({ Bucket }))).toMatchObject({
      ReplicationConfiguration: {
        Rules: [{ Status: "Enabled", Destination: { Bucket: "arn:aws:s3:::copies" } }],
      },
    });
    expect(await s3.send(new GetBucketVersioningCommand({ Bucket: "copies" }))).toMatchObject({
      Status: "Enabled",
    });
  });

  it("neither changes nor drifts", async () => {
    expect(changes(await place.pulumi("preview", "--json"))).toEqual([]);
    const refresh = await place.pulumi("refresh", "--preview-only", "--expect-no-changes");
    expect(refresh.output).not.toContain("error:");
    expect(refresh.code).toBe(0);
  });
});
