import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { checkCellConfig } from "../../components/cell/config.ts";
import { formatIssue } from "../../registry/issues.ts";
import { PROJECT, withProject } from "../support/registry.ts";

const VALID = `config:
  warehouse:cell: one
  warehouse:baseDomain: yourwarehousesaas.com
  warehouse:kubernetes: { context: one }
  warehouse:database: { host: db.internal, user: platform }
  warehouse:backup: { bucket: warehouse-backups, image: "registry.example.com/ops@sha256:${"0".repeat(64)}", identity: { kind: podIdentity, cluster: one } }
  warehouse:edge: { mode: gateway, gateway: { name: platform, namespace: gateway-system } }
  warehouse:network: { clusterCidrs: [10.0.0.0/16], databaseCidrs: [10.0.64.0/20] }
  warehouse:storage: { uploadsClass: efs }
`;

/** Checks a stack file as the engine would pass it: objects as JSON. */
function check(yaml: string, dir?: string) {
  const { config } = parse(yaml) as { config: Record<string, unknown> };
  const raw = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
  return dir === undefined
    ? withProject({ "Pulumi.test.yaml": yaml }, (project) => checkCellConfig(raw, project, "test"))
    : checkCellConfig(raw, dir, "test");
}

function issues(yaml: string): string[] {
  const checked = check(yaml);
  return checked.ok ? [] : checked.issues.map(formatIssue);
}

describe("checkCellConfig", () => {
  it("applies the defaults: us-west-2, port 5432, verified TLS", () => {
    const checked = check(VALID);
    expect(checked).toMatchObject({
      ok: true,
      value: {
        region: "us-west-2",
        database: { port: 5432, sslmode: "verify-full" },
        network: { monitoringNamespace: "monitoring" },
        operations: true,
        edge: { acmeChallenge: "dns01" },
        nodes: { plans: {}, tenants: {} },
      },
    });
  });

  it("takes nodes for plans and for single tenants, and knows no other plan", () => {
    const nodes = (text: string): string => `${VALID}  warehouse:nodes: ${text}\n`;
    expect(
      check(
        nodes("{ plans: { enterprise: { runtimeClass: gvisor } }, tenants: { acme: { dedicated: true } } }"),
      ),
    ).toMatchObject({
      ok: true,
      value: {
        nodes: {
          plans: { enterprise: { runtimeClass: "gvisor", dedicated: false } },
          tenants: { acme: { dedicated: true } },
        },
      },
    });
    expect(issues(nodes("{ plans: { premium: { dedicated: true } } }"))).toEqual([
      expect.stringContaining("warehouse:nodes.plans"),
    ]);
    expect(issues(nodes("{ tenants: { acme: { dedicated: sometimes } } }"))).toEqual([
      expect.stringContaining('warehouse:nodes.tenants.acme.dedicated: "sometimes" is not true or false'),
    ]);
  });

  it("takes a cell without operations, and no other word for it", () => {
    const without = (value: string) => check(`${VALID}  warehouse:operations: ${value}\n`);
    expect(without("false")).toMatchObject({ ok: true, value: { operations: false } });
    expect(issues(`${VALID}  warehouse:operations: none\n`)).toEqual([
      'Pulumi.test.yaml:10:25 warehouse:operations: "none" is not allowed here; use one of: true, false',
    ]);
  });

  it("names a bad value at its place", () => {
    expect(issues(VALID.replace("user: platform", "user: platform, port: 70000"))).toEqual([
      "Pulumi.test.yaml:5:66 warehouse:database.port: 70000 must be 1–65535",
    ]);
  });

  it("makes the bucket with AES256, unlocked and without a copy, unless told otherwise", () => {
    const checked = check(VALID);
    const { bucket, image, ...rest } = checked.ok ? checked.value.backup : { bucket: "", image: "" };
    expect([bucket, image.split("@")[0]]).toEqual(["warehouse-backups", "registry.example.com/ops"]);
    expect(rest).toEqual({
      manage: true,
      encryption: { algorithm: "AES256" },
      identity: { kind: "podIdentity", cluster: "one" },
    });
  });

  it.each([
    [
      "no identity",
      "identity: { kind: podIdentity, cluster: one }",
      "",
      [/:6:\d+ .*backup\.identity: is missing/],
    ],
    [
      "an identity that there is not",
      "kind: podIdentity",
      "kind: magic",
      [/:6:\d+ .*needs kind "podIdentity", "irsa" or "staticKeys"$/],
    ],
    [
      "access keys in plain text",
      "{ kind: podIdentity, cluster: one }",
      "{ kind: staticKeys, accessKey: AKIA, secret: { namespace: ops, name: keys } }",
      [/:6:\d+ .*accessKey: is no known field/],
    ],
    [
      "a copy without the bucket",
      "identity:",
      "manage: false, replica: { region: us-east-2, bucket: copies }, identity:",
      [
        /:6:\d+ warehouse:backup\.replica: .*is for the cell that makes the bucket; remove it, or set manage: true$/,
      ],
    ],
    [
      "a lock too long",
      "identity:",
      "objectLockDays: 999, identity:",
      [/:6:\d+ .*objectLockDays: 999 must be 1–365$/],
    ],
    [
      "a copy in the bucket itself",
      "identity:",
      "replica: { region: us-east-2, bucket: warehouse-backups }, identity:",
      [/:6:\d+ .*replica\.bucket: .*"warehouse-backups" is the bucket itself; name another$/],
    ],
    [
      "a copy without a key of its region",
      "identity:",
      "encryption: { algorithm: aws:kms, keyArn: 'arn:aws:kms:us-west-2:123456789012:key/1' }, replica: { region: us-east-2, bucket: copies }, identity:",
      [/:6:\d+ .*replica: .*needs keyArn, a KMS key of its own region, as the bucket has one$/],
    ],
    [
      "a key that is no ARN",
      "identity:",
      "encryption: { algorithm: aws:kms, keyArn: alias/backup }, identity:",
      [/:6:\d+ .*encryption\.keyArn: "alias\/backup" is no ARN; write "arn:aws:kms:…:key\/…"$/],
    ],
  ])("refuses %s in its own words and place", (_what, from, to, expected) => {
    expect(issues(VALID.replace(from, to))).toEqual(
      expected.map((text) => expect.stringMatching(text) as string),
    );
  });

  it("names a missing and an unknown key, and a mode that does not exist", () => {
    const bad = VALID.replace("  warehouse:cell: one\n", "  warehouse:sell: one\n").replace(
      "mode: gateway,",
      "mode: nginx,",
    );
    expect(issues(bad)).toEqual([
      expect.stringMatching(/^Pulumi\.test\.yaml:\d+:\d+ warehouse:cell: is missing/),
      expect.stringMatching(
        /^Pulumi\.test\.yaml:\d+:\d+ warehouse:edge\.mode: .*needs mode "gateway" or "ingress"$/,
      ),
      'Pulumi.test.yaml:2:3 warehouse:sell: is no known field; did you mean "cell"?',
    ]);
  });

  it("needs no file to point to", () => {
    const checked = check(VALID.replace("cell: one", "cell: One"), "/nowhere");
    expect(checked.ok ? [] : checked.issues.map(formatIssue)).toEqual([
      expect.stringMatching(/^Pulumi\.test\.yaml warehouse:cell: "One" must be/),
    ]);
  });

  it.each(["prod", "staging"])(
    "names every value that is left to fill in Pulumi.%s.yaml, and accepts the rest",
    (stack) => {
      const text = readFileSync(join(PROJECT, `Pulumi.${stack}.yaml`), "utf8");
      const open = issues(text);
      expect(open).toHaveLength(text.match(/<fill in: [^>]+>"/g)?.length ?? 0);
      for (const issue of open)
        expect(issue).toMatch(/^Pulumi\.test\.yaml:\d+:\d+ warehouse:\S+: is still to be filled in: /);
      const filled = text
        .replace(/"<fill in: the ops image[^>]*>"/, `registry.example.com/ops@sha256:${"0".repeat(64)}`)
        .replace(/"<fill in: the range[^>]*>"/g, "10.0.0.0/16")
        .replace(/"<fill in: [^>]*>"/g, "filled-in");
      expect(issues(filled)).toEqual([]);
    },
  );
});
