import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  changes,
  commandEnvironment,
  connectionOf,
  loginOf,
  openWorkplace,
  run,
  sql,
  type Outcome,
  type Workplace,
} from "../support/e2e.ts";
import { PROJECT } from "../support/registry.ts";

/** Two cells with pools on one cluster, one database server and one bucket. */

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const FILE = "Pulumi.second.yaml";
const TENANTS = [
  { id: "carla", plan: "starter", cell: "sandbox" },
  { id: "bob", plan: "starter", cell: "second" },
  { id: "dora", plan: "professional", cell: "second" },
];

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace();
  const entries = TENANTS.map(
    ({ id, plan, cell }) =>
      `  - { id: ${id}, plan: ${plan}, cell: ${cell}, since: "2026-01-01T00:00:00Z", billing: { subscriptionRef: sub_${id} } }\n`,
  );
  place.write(
    REGISTRY,
    `${place.read(REGISTRY).replace("tenants:\n", "defaults: { cell: sandbox }\ntenants:\n")}${entries.join("")}`,
  );
  expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
  const added = await tenant("cells", "add", "second", "--from", "sandbox");
  expect([added.code, added.output]).toEqual([0, expect.stringContaining(`${FILE} is written`)]);
  const init = await command("pulumi", "stack", "init", "second", "--non-interactive");
  expect([init.code, init.output]).toEqual([0, expect.anything()]);
}, 10 * MINUTE);
afterAll(() => place.close());

const command = (name: string, ...args: readonly string[]): Promise<Outcome> =>
  run(name, args, { cwd: place.project, env: commandEnvironment(place.platform) });
const tenant = (...args: readonly string[]): Promise<Outcome> =>
  command(process.execPath, join(place.project, "cli/main.ts"), ...args);
const onSecond = (...args: readonly string[]): Promise<Outcome> =>
  command("pulumi", ...args, "--stack=second", "--non-interactive", "--color=never");

/** What the API server has of the first cell, by version, but for quotas: they count what both cells put into warehouse-ops. */
async function firstCell(): Promise<string[]> {
  const kinds =
    "namespaces,deployments,secrets,configmaps,services,networkpolicies,cronjobs,jobs,httproutes,validatingadmissionpolicies,priorityclasses";
  const { stdout } = await place.kubectl("get", kinds, "--all-namespaces", "--output=json");
  const { items } = JSON.parse(stdout) as {
    items: { kind: string; metadata: { namespace?: string; name: string; resourceVersion: string } }[];
  };
  return items
    .filter(
      ({ metadata: { namespace = "", name } }) =>
        /^(?:customer-(?:acme|beta|carla)|pool-starter|warehouse-shared|warehouse-sandbox-.*|warehouse-ops)$/.test(
          namespace === "" ? name : namespace,
        ) && !/^warehouse-(?:cell|fleet|silo)-second$/.test(name),
    )
    .map(
      ({ kind, metadata: { namespace, name, resourceVersion } }) =>
        `${namespace ?? ""} ${kind} ${name} ${resourceVersion}`,
    );
}

describe("a second cell with pools beside the first", () => {
  it("is refused before anything is made as long as it would have the first one's names", async () => {
    const text = place.read(FILE);
    place.edit(FILE, "warehouse:qualifier: second", 'warehouse:qualifier: ""');
    const { code, output } = await onSecond("up", "--yes", "--skip-preview");
    place.write(FILE, text);
    expect(code).not.toBe(0);
    expect(output).toMatch(
      /Pulumi\.second\.yaml:\d+:\d+ warehouse:qualifier: is empty as in Pulumi\.sandbox\.yaml, whose cell is on the same cluster/,
    );
    expect((await place.kubectl("get", "namespace", "customer-bob")).code).not.toBe(0);
  });

  it("comes up without a change of the first", async () => {
    const before = await firstCell();
    expect(before.length).toBeGreaterThan(40);
    const { code, stdout, stderr } = await tenant("up", "--cell", "second", "--yes", "--json");
    expect([code, stderr]).toEqual([0, expect.anything()]);
    expect(JSON.parse(stdout)).toMatchObject([{ cell: "second", result: "done", errors: [] }]);
    expect(await firstCell()).toEqual(before);
    const previews = await Promise.all([place.pulumi("preview", "--json"), onSecond("preview", "--json")]);
    expect(previews.map(changes)).toEqual([[], []]);
  });

  it("has pools and a shared database of its own", async () => {
    const outputs = await onSecond("stack", "output", "pools", "--json");
    expect(JSON.parse(outputs.stdout)).toMatchObject({
      starter: { namespace: "pool-starter-second" },
      professional: { namespace: "pool-professional-second" },
    });
    const databases = await sql<{ datname: string }>(
      place.platform.pg,
      "select datname from pg_database where datname like 'warehouse%' order by 1",
    );
    expect(databases.map(({ datname }) => datname)).toEqual([
      "warehouse_acme",
      "warehouse_beta",
      "warehouse_dora",
      "warehouse_shared",
      "warehouse_shared_second",
    ]);
    const { stdout } = await place.kubectl("get", "cronjobs", "-n", "pool-starter-second", "-o", "name");
    expect(stdout.trim()).toBe("cronjob.batch/warehouse-backup-bob");
  });

  it("lets every login into the database of its own tenant or cell and no other", async () => {
    const homes: Readonly<Record<string, readonly [namespace: string, database: string]>> = {
      acme: ["customer-acme", "warehouse_acme"],
      carla: ["pool-starter", "warehouse_shared"],
      bob: ["pool-starter-second", "warehouse_shared_second"],
      dora: ["pool-professional-second", "warehouse_dora"],
    };
    for (const [id, [namespace, home]] of Object.entries(homes)) {
      const login = await loginOf(place, namespace, `${id}-db-secret`);
      expect(login.database).toBe(home);
      for (const [, database] of Object.values(homes)) {
        const answer = sql(connectionOf(place, login, database), "select 1 as one");
        if (database === home) expect(await answer).toEqual([{ one: 1 }]);
        else await expect(answer).rejects.toThrow(/permission denied for database/);
      }
    }
    const assertion = readFileSync(join(PROJECT, "ops/isolation-assert.sql"), "utf8");
    expect(await sql(place.platform.pg, assertion)).toEqual([]);
    // A role of a tenant that gets into both shared databases is found.
    const platform = place.platform.pg;
    await sql(platform, "grant warehouse_shared_rw to warehouse_bob_app_a");
    expect(await sql(platform, assertion)).toContainEqual({
      object: "warehouse_bob_app_a",
      problem: "can enter the shared databases of several cells: warehouse_shared, warehouse_shared_second",
    });
    await sql(platform, "revoke warehouse_shared_rw from warehouse_bob_app_a");
  });

  it("is backed up by the command, which finds its Jobs", async () => {
    const { code, output } = await tenant("backup", "bob", "--timeout", "2m");
    expect([code, output]).toEqual([0, expect.stringContaining("pool-starter-second")]);
  });

  it("keeps its qualifier", async () => {
    place.edit(FILE, "warehouse:qualifier: second", "warehouse:qualifier: other");
    const { code, output } = await onSecond("preview");
    place.edit(FILE, "warehouse:qualifier: other", "warehouse:qualifier: second");
    expect(code).not.toBe(0);
    expect(output).toContain("would rename pool-starter-second to pool-starter-other");
  });
});
