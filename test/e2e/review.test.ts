import { join } from "node:path";
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

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const GAMMA = `
  - id: gamma
    plan: starter
    since: "2026-01-01T00:00:00Z"
    billing: { subscriptionRef: sub_gamma }
`;

let place: Workplace;
let registry: string;
let config: string;

beforeAll(async () => {
  place = await openWorkplace();
  registry = place.read(REGISTRY);
  config = place.read("Pulumi.sandbox.yaml");
  place.write(".gitignore", "node_modules\n*.json\n");
  for (const args of [
    ["init", "--quiet"],
    ["add", "."],
    ["commit", "--quiet", "--message=first"],
  ])
    await command("git", "-c", "user.name=test", "-c", "user.email=test@example.com", ...args);
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
    expect(added.tenants[0]?.counts.create).toBeGreaterThan(20);
    expect(new Set(added.cells[0]?.resources.map(({ component }) => component))).toEqual(
      new Set(["pool-starter", "shared-database"]),
    );
  });

  it("prices a change of plan, although its volume does not fit into the quota of before", async () => {
    place.edit(REGISTRY, "plan: ai_enhanced", "plan: enterprise");
    place.edit(REGISTRY, '"2025-11-01T00:00:00Z"', '"2026-11-01T00:00:00Z"');
    expect(summaryOf(await review("plan"))).toEqual({
      verdict: "changes",
      tenants: [{ id: "beta", create: 0, update: 11, replace: 1, delete: 0, priceMinor: 30000 }],
      risks: [],
      unchanged: 1,
    });
  });

  it("shows a release with its rollout", async () => {
    place.edit(REGISTRY, "{ name: general, version: v2.1.0 }", "{ name: general, version: v2.0.5 }");
    const release = await review("release");
    expect(summaryOf(release)).toMatchObject({
      verdict: "changes",
      tenants: [{ id: "acme", update: 1, replace: 1, priceMinor: 0 }],
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
      tenants: [{ id: "acme", create: 1, update: 2, replace: 0, delete: 2, priceMinor: -69900 }],
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
  });

  it("reads drift, too", async () => {
    await place.kubectl("label", "service/warehouse-service", "-n", "customer-beta", "app-");
    await place.kubectl("delete", "pdb/warehouse-app", "-n", "customer-beta");
    const drift = await place.pulumi("refresh", "--preview-only", "--json");
    record("drift", drift.stdout);
    place.write("drift.json", drift.stdout);
    const { stdout } = await tenant("review", "drift.json", "--drift", "--json");
    expect(summaryOf(JSON.parse(stdout) as Review)).toEqual({
      verdict: "changes",
      tenants: [{ id: "beta", create: 0, update: 1, replace: 0, delete: 1, priceMinor: 0 }],
      risks: [],
      unchanged: 1,
    });
  });
});
