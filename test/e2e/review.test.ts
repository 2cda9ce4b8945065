import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildCi } from "../../ci/program.ts";
import { Silent } from "../../cli/failures.ts";
import { processIo } from "../../cli/io.ts";
import type { Review } from "../../review/review.ts";
import {
  commandEnvironment,
  loginOf,
  openWorkplace,
  run,
  type Outcome,
  type Workplace,
} from "../support/e2e.ts";
import { record } from "../support/previews.ts";
import { PROJECT } from "../support/registry.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const GAMMA = `
  - id: gamma
    plan: starter
    since: "2026-01-01T00:00:00Z"
    billing: { subscriptionRef: sub_gamma }
`;

const AUTHOR = ["-c", "user.name=test", "-c", "user.email=test@example.com"];

let place: Workplace;
let registry: string;
let config: string;

beforeAll(async () => {
  place = await openWorkplace();
  registry = place.read(REGISTRY);
  config = place.read("Pulumi.sandbox.yaml");
  place.write(".gitignore", "node_modules\n*.json\nsummary.md\nPulumi.sandbox.yaml\n");
  for (const args of [
    ["init", "--quiet", "--initial-branch=main"],
    ["add", "."],
    ["commit", "--quiet", "--message=first"],
  ])
    await command("git", ...AUTHOR, ...args);
  expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
}, 40 * MINUTE);
afterAll(() => place.close());
afterEach(() => {
  place.write(REGISTRY, registry);
  place.write("Pulumi.sandbox.yaml", config);
});

const command = (name: string, ...args: string[]): Promise<Outcome> =>
  run(name, args, { cwd: place.project, env: commandEnvironment(place.platform) });
const tenant = (...args: string[]): Promise<Outcome> =>
  command(process.execPath, join(place.project, "cli/main.ts"), ...args);

/** Previews the working copy and reviews it against the commit. */
async function review(name: string): Promise<Review> {
  const preview = await place.pulumi("preview", "--json");
  record(name, preview.stdout);
  place.write("preview.json", preview.stdout);
  const { stdout } = await tenant("review", "preview.json", "--json");
  return JSON.parse(stdout) as Review;
}

const summaryOf = ({ verdict, tenants, risks, unchanged }: Review) => ({
  verdict,
  tenants: tenants.map(({ id, counts, delta: { priceMinor } }) => ({ id, ...counts, priceMinor })),
  risks: risks.map(({ kind, tenant: of, subject }) => `${kind} ${of ?? "shared"} ${subject}`),
  unchanged,
});

describe("npx tenant review of a real preview", () => {
  it("says that nothing changes", async () => {
    expect(summaryOf(await review("same"))).toEqual({
      verdict: "none",
      tenants: [],
      risks: [],
      unchanged: 2,
    });
  });

  it("tells an added tenant and the pool it brings apart", async () => {
    place.write(REGISTRY, registry + GAMMA);
    const added = await review("added");
    expect(summaryOf(added)).toEqual({
      verdict: "changes",
      tenants: [
        {
          id: "gamma",
          create: expect.any(Number) as number,
          update: 0,
          replace: 0,
          delete: 0,
          priceMinor: 9900,
        },
      ],
      risks: [],
      unchanged: 2,
    });
    expect(added.tenants[0]?.counts.create).toBeGreaterThan(8);
    expect(new Set(added.cells[0]?.resources.map(({ component }) => component))).toEqual(
      new Set(["pool-starter", "shared-database"]),
    );
  });

  it("prices a change of plan, although its volume does not fit into the quota of before", async () => {
    place.edit(REGISTRY, "plan: ai_enhanced", "plan: enterprise");
    place.edit(REGISTRY, '"2025-11-01T00:00:00Z"', '"2026-11-01T00:00:00Z"');
    expect(summaryOf(await review("plan"))).toEqual({
      verdict: "changes",
      tenants: [{ id: "beta", create: 0, update: 10, replace: 1, delete: 0, priceMinor: 30000 }],
      risks: [],
      unchanged: 1,
    });
  });

  it("shows a release with its rollout", async () => {
    place.edit(REGISTRY, "{ name: general, version: v2.1.0 }", "{ name: general, version: v2.0.5 }");
    const release = await review("release");
    expect(summaryOf(release)).toMatchObject({
      verdict: "changes",
      // The Deployment, and the rule that records the tenant's version.
      tenants: [{ id: "acme", update: 2, replace: 1, priceMinor: 0 }],
    });
    expect([release.tenants[0]?.before?.release, release.tenants[0]?.after?.release]).toEqual([
      "v2.1.0",
      "v2.0.5",
    ]);
  });

  it("shows that a suspension stops the price", async () => {
    const [state, since] = [
      "    state: suspended\n    suspension: { reason: unpaid }\n",
      '    since: "2026-11-01T00:00:00Z"',
    ];
    place.edit(REGISTRY, '    since: "2025-10-01T00:00:00Z"', state + since);
    expect(summaryOf(await review("suspended"))).toEqual({
      verdict: "changes",
      tenants: [{ id: "acme", create: 1, update: 4, replace: 0, delete: 2, priceMinor: -69900 }],
      risks: [],
      unchanged: 1,
    });
  });

  it("is blocked by a registry that is not valid, and says why", async () => {
    place.edit(REGISTRY, "plan: ai_enhanced", "plan: ai_enhancd");
    const { verdict, problems } = await review("invalid");
    expect(verdict).toBe("blocked");
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('beta.plan: "ai_enhancd" is not allowed here; did you mean "ai_enhanced"?'),
      expect.stringContaining('did you mean "ai_enhanced"?'),
    ]);
  });

  it("shows no password of a rotation", async () => {
    place.edit(
      REGISTRY,
      "    plan: enterprise\n",
      "    plan: enterprise\n    credentials: { rotation: 1 }\n",
    );
    const rotated = await review("rotation");
    expect(rotated.verdict).not.toBe("blocked");
    const { password } = await loginOf(place, "customer-acme", "acme-db-secret");
    expect(password.length).toBeGreaterThan(20);
    for (const format of ["--json", "--markdown"])
      expect((await tenant("review", "preview.json", format)).output).not.toContain(password);
  });

  it("puts a replaced volume first, protected or not", async () => {
    place.edit("Pulumi.sandbox.yaml", "uploadsClass: uploads", "uploadsClass: other");
    const volumes = ["acme", "beta"].map((id) => `replaced ${id} PersistentVolumeClaim ${id}-uploads`);
    const refused = summaryOf(await review("refused"));
    expect(refused.verdict).toBe("blocked");
    expect([...refused.risks].sort()).toEqual(volumes);

    place.write("Pulumi.sandbox.yaml", config);
    place.edit("components/tenantStack.ts", "protect: !disposable", "protect: false");
    expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    place.edit("Pulumi.sandbox.yaml", "uploadsClass: uploads", "uploadsClass: other");
    const replaced = summaryOf(await review("replaced"));
    expect(replaced.verdict).toBe("risk");
    expect([...replaced.risks].sort()).toEqual(volumes);
    place.edit("components/tenantStack.ts", "protect: false", "protect: !disposable");
  });
});

describe("the workflows' commands", () => {
  const said: string[] = [];
  const ci = async (...args: string[]): Promise<string> => {
    said.length = 0;
    const say = (line: string): void => void said.push(line);
    const env = {
      ...commandEnvironment(place.platform),
      GITHUB_STEP_SUMMARY: join(place.project, "summary.md"),
    };
    await buildCi({ ...processIo(place.project), env, out: say, err: say }).parseAsync(args, {
      from: "user",
    });
    return said.join("\n");
  };

  it("preview, review and deploy what a branch changes", async () => {
    await command("git", "switch", "--quiet", "--create", "change");
    place.edit(REGISTRY, "displayName: Beta Retail", "displayName: Beta & Sons");
    await command("git", ...AUTHOR, "commit", "--quiet", "--all", "--message=rename");
    const [cells = "", drills] = (await ci("cells", "--since", "main")).split("\n");
    expect(cells).toBe('cells=[{"stack":"sandbox","cell":"sandbox"}]');
    expect(drills).toBe('drills=[{"stack":"sandbox","cell":"sandbox"}]');
    await ci("preview", "sandbox", join(place.project, "sandbox.json"));
    const options = ["--cells", cells.replace("cells=", ""), "--since", "main"];
    const comment = await ci("review", place.project, ...options);
    expect(comment).toContain("### 1 tenant changes; no data is at risk");
    expect(comment).toContain("tenants.yaml displayName: Beta Retail → Beta & Sons");
    expect(place.read("summary.md")).toBe(comment);

    await ci("up", "sandbox");
    registry = place.read(REGISTRY);
    expect((await place.pulumi("preview", "--expect-no-changes")).code).toBe(0);
  });

  it("block a review of what a policy forbids, and say what", async () => {
    const cells = JSON.stringify([{ stack: "sandbox", cell: "sandbox" }]);
    place.edit("components/tenantStack.ts", "protect: !disposable", "protect: false");
    await ci("preview", "sandbox", join(place.project, "sandbox.json"));
    await expect(ci("review", place.project, "--cells", cells, "--since", "main")).rejects.toThrow(Silent);
    expect(said.join()).toContain("policy protected-data: holds data and is not protected");
    place.edit("components/tenantStack.ts", "protect: false", "protect: !disposable");
  });

  it("block a review whose preview was not run", async () => {
    const cells = JSON.stringify([{ stack: "elsewhere", cell: "elsewhere" }]);
    await expect(ci("review", place.project, "--cells", cells, "--since", "main")).rejects.toThrow(Silent);
    expect(said.join()).toContain("### Blocked: 1 problem");
  });

  it("tell of drift until it is gone", async () => {
    expect(await ci("drift", "sandbox")).toBe("drift-sandbox: nothing to tell");
    await place.kubectl("label", "service/warehouse-service", "-n", "customer-beta", "app-");
    await place.kubectl("delete", "pdb/warehouse-app", "-n", "customer-beta");
    const drift = await place.pulumi("refresh", "--preview-only", "--json");
    record("drift", drift.stdout);
    await expect(ci("drift", "sandbox")).rejects.toThrow(Silent);
    expect(said.join("\n")).toContain("### Drift: 1 tenant\n");
    expect(said.join("\n")).toContain("- PodDisruptionBudget beta-disruption-budget");
  });

  it("fail where a deployment or a watched command fails", async () => {
    await expect(ci("watch", "drill-sandbox", "Drill", "pulumi", "no-such-command")).rejects.toThrow(
      "pulumi no-such-command failed with",
    );
    expect(said.join("\n")).toContain("unknown command");
    await expect(ci("up", "elsewhere")).rejects.toThrow("pulumi up of elsewhere failed with");
  });
});

describe("the output `billing`", () => {
  it("is read by npx tenant billing from the stack, and compared with an export", async () => {
    const { code, stdout } = await tenant("billing", "--stack", "sandbox");
    expect(code).toBe(0);
    expect(stdout).toContain(
      "2 billable: $1,098.00 a month, estimated cost $225.00, margin $873.00 (79.5 %)",
    );
    const output = await place.pulumi("stack", "output", "billing", "--json");
    place.write("billing.json", output.stdout);
    place.write(
      "export.csv",
      "subscription,status,amount_minor,currency\nsub_example_acme,active,69900,usd\nsub_example_beta,active,0,usd\n",
    );
    const found = await tenant("billing", "reconcile", "export.csv", "billing.json");
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(/^silent zero {2}beta {2}sub_example_beta/);
  });

  it("is read by another program as docs/billing.md shows", async () => {
    const [, program = ""] =
      /```ts\n([^]*?)```/.exec(readFileSync(join(PROJECT, "docs/billing.md"), "utf8")) ?? [];
    const folder = join(place.project, "consumer");
    mkdirSync(folder);
    writeFileSync(join(folder, "index.ts"), program);
    writeFileSync(
      join(folder, "package.json"),
      '{ "name": "consumer", "type": "module", "main": "index.ts" }',
    );
    writeFileSync(
      join(folder, "Pulumi.yaml"),
      "name: consumer\nmain: index.ts\nruntime: { name: nodejs, options: { typescript: false } }\n",
    );
    const pulumi = async (...args: string[]): Promise<string> => {
      const { code, stdout, output } = await run(
        "pulumi",
        [...args, "--stack", "test", "--non-interactive"],
        {
          cwd: folder,
          env: commandEnvironment(place.platform),
        },
      );
      if (code !== 0) throw new Error(output);
      return stdout;
    };
    await pulumi("stack", "init");
    await pulumi("config", "set", "cell", "organization/warehouse/sandbox");
    await pulumi("up", "--yes", "--skip-preview");
    expect(JSON.parse(await pulumi("stack", "output", "--json"))).toEqual({
      mrrMinor: 109_800,
      due: [
        expect.stringMatching(/^billing-v1:acme:/) as string,
        expect.stringMatching(/^billing-v1:beta:/) as string,
      ],
    });
  });
});
