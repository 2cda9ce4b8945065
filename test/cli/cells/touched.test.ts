import { inRingOrder, touchedStacks } from "../../../cli/cells/touched.ts";
import { readStacks } from "../../../cli/cells/stacks.ts";
import { loadValid, PROJECT, registryOf, withProject } from "../../support/registry.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const STACKS = ["east", "north", "west"].map((cell) => ({ stack: `prod-${cell}`, cell, byGateway: true }));
const tenants = [
  { id: "one", cell: "east", ring: 2 },
  { id: "two", cell: "west", ring: 1 },
  { id: "three", cell: "west", ring: 0 },
];
const registry = loadValid(registryOf(...tenants));
const touched = (
  files: readonly string[],
  after = registry,
  before: typeof registry | null = registry,
): string[] =>
  touchedStacks(STACKS, { files, before: before ?? undefined, after }).map(({ stack }) => stack.cell);
const REGISTRY = ["tenants/tenants.yaml"];

describe("touchedStacks", () => {
  it("previews nothing for a change of documentation, tests or tools", () => {
    expect(
      touched([
        "README.md",
        "docs/a.md",
        "test/a.ts",
        ".github/workflows/a.yml",
        "cli/main.ts",
        "ops/README.md",
      ]),
    ).toEqual(["west", "east", "north"]);
    expect(
      touched(["README.md", "docs/a.md", "test/a.ts", ".github/workflows/a.yml", "cli/main.ts"]),
    ).toEqual([]);
  });

  it("previews every cell for a change of the program", () => {
    expect(touched(["components/app.ts"])).toEqual(["west", "east", "north"]);
    expect(touched(["package-lock.json"])).toHaveLength(3);
  });

  it("previews the stack whose file changes", () => {
    expect(touched(["Pulumi.prod-north.yaml"])).toEqual(["north"]);
  });

  it("previews the cells of the tenants that change", () => {
    const [one, ...rest] = tenants;
    expect(touched(REGISTRY, loadValid(registryOf({ ...one, displayName: "Other" }, ...rest)))).toEqual([
      "east",
    ]);
    expect(touched(REGISTRY, loadValid(registryOf(...tenants, { id: "four", cell: "north" })))).toEqual([
      "north",
    ]);
    expect(touched(REGISTRY, loadValid(registryOf({ ...one, cell: "north" }, ...rest)))).toEqual([
      "north",
      "east",
    ]);
    expect(touched(REGISTRY)).toEqual([]);
  });

  it("previews every cell for a tenant without one, for releases and for plans", () => {
    expect(touched(REGISTRY, loadValid(registryOf(...tenants, { id: "four" })))).toHaveLength(3);
    const released = registryOf(...tenants).replace("general, version: v2.1.0", "general, version: v2.0.5");
    expect(touched(REGISTRY, loadValid(released))).toHaveLength(3);
    expect(
      touched(["tenants/plans.yaml"], {
        ...registry,
        catalogue: { ...registry.catalogue, catalogVersion: "x" },
      }),
    ).toHaveLength(3);
    expect(touched(REGISTRY, registry, null)).toHaveLength(3);
  });
});

describe("what a run can be limited to", () => {
  const limits = (
    before: readonly object[],
    after: readonly object[],
    { files = REGISTRY, stacks = STACKS } = {},
  ) => {
    const [old, now] = [loadValid(registryOf(...before)), loadValid(registryOf(...after))];
    return touchedStacks(stacks, { files, before: old, after: now }).map(({ stack, limitedTo }) => [
      stack.cell,
      limitedTo,
    ]);
  };
  const silo = { id: "one", cell: "east" };
  const pooled = { id: "two", cell: "east", plan: "starter" };

  it("is the tenants that change or come, as long as each has everything for itself", () => {
    expect(
      limits(
        [silo],
        [
          { ...silo, displayName: "One" },
          { id: "new", cell: "east" },
        ],
      ),
    ).toEqual([["east", ["one", "new"]]]);
    expect(
      limits(
        [silo],
        [
          { ...silo, displayName: "One" },
          { id: "new", cell: "west" },
        ],
      ),
    ).toEqual([
      ["east", ["one"]],
      ["west", ["new"]],
    ]);
  });

  it("is those of every cell for a tenant without one", () => {
    expect(limits([silo], [silo, { id: "new" }])).toEqual(
      ["east", "north", "west"].map((cell) => [cell, ["new"]]),
    );
  });

  const whole = [["east", undefined]];

  it("is those too whom a pool that is there does no more for than serve them", () => {
    const more = { id: "three", cell: "east", plan: "starter" };
    expect(limits([silo, pooled], [silo, { ...pooled, displayName: "Two" }])).toEqual([["east", ["two"]]]);
    expect(limits([silo, pooled], [silo, pooled, more])).toEqual([["east", ["three"]]]);
    const suspended = { state: "suspended" };
    expect(limits([silo, pooled], [silo, { ...pooled, ...suspended }])).toEqual(whole);
    expect(limits([silo, { ...pooled, ...suspended }], [silo, pooled])).toEqual(whole);
    // The pool's network opens to servers of their own.
    const shop = { host: "shop.example.org", ports: [8443], cidrs: ["52.10.0.0/24"] };
    const bridge = { ...pooled, plan: "professional" };
    const reaching = {
      ...bridge,
      features: { integrations: ["woocommerce"] },
      integrationServers: { woocommerce: shop },
    };
    expect(limits([silo, bridge], [silo, reaching])).toEqual(whole);
    expect(limits([silo, reaching], [silo, bridge])).toEqual(whole);
  });

  it("is the whole cell where the pool is new, or hosts come in by Ingresses in it", () => {
    expect(limits([silo], [silo, pooled])).toEqual(whole);
    expect(
      limits(
        [silo, { ...pooled, cell: "west" }],
        [silo, { ...pooled, cell: "west" }, { ...pooled, id: "three" }],
      ),
    ).toEqual(whole);
    const stacks = STACKS.map((stack) => ({ ...stack, byGateway: false }));
    expect(limits([silo, pooled], [silo, { ...pooled, displayName: "Two" }], { stacks })).toEqual(whole);
  });

  it("is the whole cell where a move, or anything but entries is concerned", () => {
    const moving = {
      ...silo,
      plan: "professional",
      migration: { kind: "placement", from: "enterprise", phase: "prepare" },
    };
    expect(limits([silo], [moving])).toEqual(whole);
    const changed = [{ ...silo, displayName: "One" }];
    expect(limits([silo], changed, { files: [...REGISTRY, "Pulumi.prod-east.yaml"] })).toEqual(whole);
    expect(limits([silo], changed, { files: [...REGISTRY, "components/app.ts"] })).toHaveLength(3);
  });
});

describe("inRingOrder", () => {
  it("puts cells with tenants of inner rings first and those without tenants last", () => {
    expect(inRingOrder(STACKS, registry).map(({ cell }) => cell)).toEqual(["west", "east", "north"]);
  });
});

describe("readStacks", () => {
  const facts = { byGateway: false, region: "us-west-2", baseDomain: "", ceiling: 100, operations: true };

  it("leaves out what is still to be filled in, and names it", () => {
    expect(readStacks({ projectDir: PROJECT, env: {} }).unfinished).toEqual(["prod", "staging"]);
    withProject({}, (dir) => {
      writeFileSync(join(dir, "Pulumi.west.yaml"), "config:\n  warehouse:cell: west\n");
      writeFileSync(join(dir, "Pulumi.yaml"), "name: x\n");
      writeFileSync(join(dir, "Pulumi.bad.yaml"), "config: [\n");
      expect(readStacks({ projectDir: dir, env: {} })).toEqual({
        stacks: [{ stack: "west", cell: "west", ...facts }],
        unfinished: [],
      });
    });
  });

  it("tells the sandbox's stacks from others, by the environment that it runs in", () => {
    withProject({}, (dir) => {
      const stack = (name: string, context: string, more = ""): void => {
        const text = `config:\n  warehouse:cell: west\n  warehouse:kubernetes: { context: ${context} }\n${more}`;
        writeFileSync(join(dir, `Pulumi.${name}.yaml`), text);
      };
      stack("west", "prod");
      stack("sandbox", "sandbox");
      stack("sandbox-b", "sandbox", '  warehouse:operations: "false"\n');
      stack("staging", '"<fill in: the context>"');
      expect(readStacks({ projectDir: dir, env: {} })).toEqual({
        stacks: [{ stack: "west", cell: "west", ...facts }],
        unfinished: ["staging"],
      });
      expect(readStacks({ projectDir: dir, env: { PULUMI_STACK: "sandbox" } })).toEqual({
        stacks: [
          { stack: "sandbox", cell: "west", ...facts },
          { stack: "sandbox-b", cell: "west", ...facts, operations: false },
        ],
        unfinished: [],
      });
    });
  });
});
