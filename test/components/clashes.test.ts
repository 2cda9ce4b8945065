import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { clashIssues, readCellConfig, renamedPools } from "../../components/cell/clashes.ts";
import { formatIssue } from "../../registry/issues.ts";
import { loadValid, registryOf, withProject, CONTEXT } from "../support/registry.ts";
import { stackFile } from "../support/stackFile.ts";

const OTHER_BUCKET =
  stackFile()
    .match(/backup: (.*)/)?.[1]
    ?.replace("backups", "others") ?? "";

/** Issues of the stack `west` beside `east`, whose file has nothing special. */
const clashes = (settings: Readonly<Record<string, string>>, east = stackFile()): string[] =>
  withProject({ "Pulumi.east.yaml": east, "Pulumi.west.yaml": stackFile(settings) }, (dir) => {
    const config = readCellConfig(dir, "west");
    if (!config.ok) throw new Error(config.issues.map(formatIssue).join("\n"));
    return clashIssues(dir, "west", config.value).map(formatIssue);
  });

const BESIDE = {
  cell: "west",
  qualifier: "w",
  operations: '"false"',
  backup: OTHER_BUCKET,
};

describe("clashIssues", () => {
  it("finds nothing between cells that have their own of everything", () => {
    expect(clashes(BESIDE)).toEqual([]);
    expect(
      clashes({
        cell: "west",
        kubernetes: "{ context: other }",
        database: "{ host: db.other, user: platform }",
        backup: OTHER_BUCKET,
      }),
    ).toEqual([]);
  });

  it("names everything that two cells would fight over, with its place", () => {
    expect(clashes({})).toEqual([
      "Pulumi.west.yaml:2:3 warehouse:cell: is the cell of Pulumi.east.yaml too, on the same cluster; give it another name",
      "Pulumi.west.yaml:2:3 warehouse:qualifier: is empty as in Pulumi.east.yaml, whose cell is on the same cluster: their pools would have the same names; write another word",
      'Pulumi.west.yaml:2:3 warehouse:operations: is true as in Pulumi.east.yaml, whose cell is on the same cluster and database server: one of them has the operations; write "false"',
      "Pulumi.west.yaml:6:21 warehouse:backup.manage: is true as in Pulumi.east.yaml, which has the same bucket: one of them makes it; write false",
    ]);
  });

  it("looks at the database server too", () => {
    expect(
      clashes({ ...BESIDE, kubernetes: "{ context: other }", qualifier: "w" }, stackFile({ qualifier: "w" })),
    ).toEqual([
      'Pulumi.west.yaml:10:3 warehouse:qualifier: is "w" as in Pulumi.east.yaml, whose cell is on the same database server: their pools would have the same names; write another word',
    ]);
  });

  it("leaves out stacks whose file is not complete", () => {
    expect(
      clashes({ backup: OTHER_BUCKET }, stackFile({ kubernetes: '{ context: "<fill in: it>" }' })),
    ).toEqual([]);
    expect(clashes({ backup: OTHER_BUCKET }, "config: [\n")).toEqual([]);
  });
});

describe("renamedPools", () => {
  it("refuses another qualifier as soon as there is a pool", () => {
    const { pools } = loadValid(registryOf({ id: "one", plan: "starter" }), { ...CONTEXT, qualifier: "w" });
    expect(pools.map(({ name }) => name)).toContain("pool-starter-w");
    withProject({}, (dir) => {
      writeFileSync(join(dir, "Pulumi.west.yaml"), stackFile({ qualifier: "w" }));
      const renamed = (namespace: string) =>
        renamedPools(dir, "west", { starter: { namespace } }, pools).map(formatIssue);
      expect(renamed("pool-starter-w")).toEqual([]);
      expect(renamed("pool-starter")).toEqual([
        "Pulumi.west.yaml:10:3 warehouse:qualifier: would rename pool-starter to pool-starter-w, and leave files and rows behind; keep what it was",
      ]);
      expect(renamedPools(dir, "west", undefined, pools)).toEqual([]);
    });
  });
});
