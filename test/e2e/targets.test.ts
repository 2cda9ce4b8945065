import { join } from "node:path";
import { LIMIT_VARIABLE } from "../../components/cell/limit.ts";
import { DIRECTORY } from "../../registry/naming.ts";
import {
  changes,
  commandEnvironment,
  openWorkplace,
  run,
  type Outcome,
  type Workplace,
} from "../support/e2e.ts";
import { BACKUP_BUCKET } from "../../sandbox/stackConfig.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const entry = (id: string, plan: string): string => `
  - id: ${id}
    plan: ${plan}
    since: "2026-01-01T00:00:00Z"
    billing: { subscriptionRef: sub_${id} }
`;

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace();
  place.write(REGISTRY, `${place.read(REGISTRY)}${entry("pooled", "starter")}`);
  place.write(".gitignore", "node_modules\nPulumi.sandbox.yaml\n");
  await git("init", "--quiet", "--initial-branch=main");
  await commit();
  expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
}, 10 * MINUTE);
afterAll(() => place.close());

const command = (name: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
  run(name, args, { cwd: place.project, env: { ...commandEnvironment(place.platform), ...env } });
const git = (...args: readonly string[]): Promise<Outcome> =>
  command("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args]);
const tenant = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
  command(process.execPath, [join(place.project, "cli/main.ts"), ...args], env);
const commit = async (): Promise<void> => {
  await git("add", ".");
  await git("commit", "--quiet", "--message=edit");
};

interface Ended {
  readonly limitedTo: readonly string[] | null;
  readonly result: string;
  readonly done: Readonly<Record<"created" | "updated" | "replaced" | "deleted", number>>;
}

/** Deploys the working copy's change and commits it. */
async function up(): Promise<Ended> {
  const { code, stdout, stderr } = await tenant(["up", "--yes", "--json"]);
  expect([code, stderr]).toEqual([0, expect.anything()]);
  await commit();
  const [ended] = JSON.parse(stdout) as Ended[];
  if (ended === undefined) throw new Error("no cell was run");
  return ended;
}

interface State {
  readonly deployment: {
    readonly resources: readonly {
      readonly urn: string;
      readonly dependencies?: readonly string[];
      readonly outputs?: unknown;
    }[];
  };
}

/** The stack's state, resource by resource, without times, traces, options and what secrets are encrypted to. */
async function state(): Promise<Record<string, unknown>> {
  const { stdout } = await place.pulumi("stack", "export");
  // What is secret is encrypted anew with each write.
  const exported = JSON.parse(stdout.replaceAll(/"ciphertext": "[^"]*"/g, '"ciphertext": ""')) as State;
  return Object.fromEntries(
    exported.deployment.resources.map((resource) => [
      resource.urn,
      {
        ...resource,
        created: undefined,
        modified: undefined,
        stackTrace: undefined,
        dependencies: undefined,
        propertyDependencies: undefined,
        ignoreChanges: undefined,
      },
    ]),
  );
}

/** A full run finds nothing to do, and leaves the state as it was. */
async function expectWhole(): Promise<void> {
  const before = await state();
  const preview = await place.pulumi("preview", "--json");
  expect(changes(preview)).toEqual([]);
  expect((await place.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")).code).toBe(0);
  expect(await state()).toEqual(before);
}

/** What the API server has of everybody but some tenants, by version. */
async function versionsWithout(...ids: readonly string[]): Promise<string[]> {
  const kinds = "deployments,secrets,configmaps,services,networkpolicies,cronjobs,resourcequotas,httproutes";
  const { stdout } = await place.kubectl("get", kinds, "--all-namespaces", "--output=json");
  const { items } = JSON.parse(stdout) as {
    items: { kind: string; metadata: { namespace: string; name: string; resourceVersion: string } }[];
  };
  return items
    .map(
      ({ kind, metadata: { namespace, name, resourceVersion } }) =>
        `${namespace} ${kind} ${name} ${resourceVersion}`,
    )
    .filter((line) => /^(?:customer|pool|warehouse)-/.test(line))
    .filter(
      (line) => !ids.some((id) => line.startsWith(`customer-${id} `)) && !line.includes(" warehouse-cell-"),
    );
}

describe("a run that is limited to the tenants that changed", () => {
  it("changes and onboards them, leaves everybody else alone, and a whole run finds nothing to add", async () => {
    const others = await versionsWithout("beta", "gamma");
    expect(others.length).toBeGreaterThan(20);
    place.edit(REGISTRY, "beta_colors", "beta_colours");
    place.write(REGISTRY, `${place.read(REGISTRY)}${entry("gamma", "ai_enhanced")}`);
    const preview = await tenant(["preview", "--json"]);
    expect(JSON.parse(preview.stdout)).toMatchObject({
      verdict: "changes",
      tenants: [{ id: "beta" }, { id: "gamma" }],
    });
    const { limitedTo, done } = await up();
    expect(limitedTo).toEqual(["beta", "gamma"]);
    expect(done.created).toBeGreaterThan(20);
    expect(done).toMatchObject({ updated: 1, replaced: 0, deleted: 0 });
    expect(await versionsWithout("beta", "gamma")).toEqual(others);
    await expectWhole();
  });

  it("deletes what a tenant no longer has", async () => {
    expect((await tenant(["suspend", "beta", "--reason", "unpaid", "--yes"])).code).toBe(0);
    const { limitedTo, done } = await up();
    expect(limitedTo).toEqual(["beta"]);
    expect(done.deleted).toBeGreaterThan(0);
    await expectWhole();
  });

  it("brings and changes tenants of a pool, whose directory knows all of them after it", async () => {
    const directory = async (): Promise<object> => {
      const args = ["get", "secret", DIRECTORY, "--namespace=pool-starter", "--output=json"];
      const { stdout } = await place.kubectl(...args);
      return (JSON.parse(stdout) as { readonly data: object }).data;
    };
    const others = await versionsWithout("second");
    const before = await directory();
    place.write(REGISTRY, `${place.read(REGISTRY)}${entry("second", "starter")}`);
    const { limitedTo, done } = await up();
    expect(limitedTo).toEqual(["second"]);
    expect(done.created).toBeGreaterThan(8);
    // The directory, the alerts and the leave to lead to the pool.
    expect(done).toMatchObject({ updated: 3, replaced: 0, deleted: 0 });
    expect(await directory()).toMatchObject(before);
    expect(Object.keys(await directory())).toHaveLength(Object.keys(before).length + 1);
    const now = await versionsWithout("second");
    const changed = others.filter((line) => !now.includes(line)).map((line) => line.replace(/ \d+$/, ""));
    // The pool's quotas count what the tenant has in its namespace.
    expect(changed.filter((line) => !line.startsWith("pool-starter ResourceQuota "))).toEqual([
      `pool-starter Secret ${DIRECTORY}`,
    ]);
    await expectWhole();

    place.edit(
      REGISTRY,
      "subscriptionRef: sub_second }",
      "subscriptionRef: sub_second }\n    credentials: { rotation: 1 }",
    );
    expect(await up()).toMatchObject({ limitedTo: ["second"], done: { replaced: 0 } });
    expect(await directory()).toMatchObject(before);
    await expectWhole();
  });

  it("runs the cell whole where a pool has another part in the change", async () => {
    expect((await tenant(["suspend", "second", "--reason", "unpaid", "--yes"])).code).toBe(0);
    expect((await up()).limitedTo).toBeNull();
    await expectWhole();
  });

  it("refuses where another tenant differs from what is deployed", async () => {
    const text = place.read(REGISTRY);
    place.edit(REGISTRY, "custom_theme: acme_branding", "custom_theme: acme_brand");
    place.edit(REGISTRY, 'version: v2.0.5, until: "2027-03-31"', 'version: v2.1.0, until: "2027-03-31"');
    const { code, output } = await command("pulumi", ["preview", "--non-interactive", "--stack=sandbox"], {
      [LIMIT_VARIABLE]: "acme",
    });
    expect(code).not.toBe(0);
    expect(output).toContain(
      "beta: differs from what was deployed last, so the run cannot be limited to some tenants; run the whole cell: npx tenant up --whole",
    );
    place.write(REGISTRY, text);
  });

  it("does nothing without --target, which the engine would take for deletions", async () => {
    const before = await state();
    const { code, output } = await command(
      "pulumi",
      ["up", "--yes", "--skip-preview", "--non-interactive", "--stack=sandbox"],
      { [LIMIT_VARIABLE]: "acme" },
    );
    expect(code).not.toBe(0);
    expect(output).toContain("WAREHOUSE_TENANTS is set, but the run has no --target");
    expect(await state()).toEqual(before);
    await expectWhole();
  });
});

describe("npx tenant up", () => {
  it("refuses a cell that another run works on, and says who", async () => {
    const [first, second] = await Promise.all([
      place.pulumi("up", "--yes", "--skip-preview"),
      new Promise((resolve) => setTimeout(resolve, 1500)).then(() => tenant(["up", "--all", "--yes"])),
    ]);
    expect([first.code, second.code]).toEqual([0, 1]);
    expect(second.stderr).toMatch(/sandbox: the stack is currently locked by 1 lock.*\n.*created by \w+@/);
  });

  it("ends in order when it is interrupted", async () => {
    place.edit(REGISTRY, "beta_colours", "beta_colors2");
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, [join(place.project, "cli/main.ts"), "up", "--all", "--yes"], {
      cwd: place.project,
      env: commandEnvironment(place.platform),
      stdio: "ignore",
    });
    setTimeout(() => child.kill("SIGINT"), 2500);
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(130);
    // Neither a lock nor an operation of unknown outcome is left.
    const again = await place.pulumi("up", "--yes", "--skip-preview");
    expect([again.code, again.output]).toEqual([0, expect.anything()]);
    await commit();
  });

  it.each([
    [
      "S3",
      () => {
        const { aws } = place.platform.ports;
        return `s3://${BACKUP_BUCKET}?endpoint=http://127.0.0.1:${aws}&region=us-west-2&s3ForcePathStyle=true`;
      },
    ],
    [
      "PostgreSQL",
      () => {
        const { postgres } = place.platform.ports;
        return `postgres://platform:${place.platform.env["PGPASSWORD"] ?? ""}@127.0.0.1:${postgres}/postgres?sslmode=disable`;
      },
    ],
  ])("works with state in %s", async (_, url) => {
    const backend = { PULUMI_BACKEND_URL: url() };
    const exported = await place.pulumi("stack", "export");
    const file = join(place.project, "..", "state.json");
    const { writeFileSync } = await import("node:fs");
    writeFileSync(file, exported.stdout);
    const config = place.read("Pulumi.sandbox.yaml");
    const init = await command("pulumi", ["stack", "init", "sandbox", "--non-interactive"], backend);
    expect([init.code, init.output]).toEqual([0, expect.anything()]);
    place.write("Pulumi.sandbox.yaml", config);
    const imported = await command(
      "pulumi",
      ["stack", "import", "--file", file, "--stack=sandbox", "--non-interactive"],
      backend,
    );
    expect([imported.code, imported.output]).toEqual([0, expect.anything()]);
    place.edit(REGISTRY, "beta_colors2", "beta_colors3");
    const { code, stdout, stderr } = await tenant(["up", "--yes", "--json"], backend);
    place.edit(REGISTRY, "beta_colors3", "beta_colors2");
    expect([code, stderr]).toEqual([0, expect.anything()]);
    expect(JSON.parse(stdout)).toMatchObject([{ limitedTo: ["beta"], result: "done" }]);
    expect((await tenant(["up", "--yes", "--all"], backend)).code).toBe(0);
  });
});
