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
  warehouse:backup: { bucket: warehouse-backups, image: "registry.example.com/ops@sha256:${"0".repeat(64)}" }
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
      },
    });
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
