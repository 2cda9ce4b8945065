import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Billing } from "../../billing/contract.ts";
import type { PlanName } from "../../registry/catalogue.ts";
import { heal } from "../../sandbox/stack.ts";
import {
  acting,
  commandEnvironment,
  connectionOf,
  contentOf,
  filesOf,
  killedUp,
  loginOf,
  openWorkplace,
  sql,
  tenantLogin,
  writeFile,
  type Workplace,
} from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(10 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const SHARED = "warehouse_shared";
const OWN = "warehouse_carla";
const TABLE = `create table app.items (
  tenant_id text not null, id int generated always as identity, name text, primary key (tenant_id, id))`;

let place: Workplace;
let head: string;

/** Writes the registry: carla as given, and a neighbour in the pool who must notice nothing. */
function write(plan: PlanName, since: string, migration = ""): void {
  const entry = (id: string, of: string, from: string, more: string): string =>
    `\n  - id: ${id}\n    plan: ${of}\n    since: "${from}"\n${more}`;
  place.write(
    REGISTRY,
    head +
      entry("carla", plan, since, migration === "" ? "" : `    migration: ${migration}\n`) +
      entry("sam", "starter", "2026-01-01T00:00:00Z", ""),
  );
}

async function up(): Promise<void> {
  const { code, output } = await place.pulumi("up", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(output);
}

/** The same after an earlier run was killed in the middle. */
async function upAfterKill(delay: number): Promise<void> {
  expect(await killedUp(place, delay)).toBe("SIGKILL");
  await heal(place.platform.paths, commandEnvironment(place.platform), () => undefined);
  await up();
}

const app = async () => connectionOf(place, await tenantLogin(place, "carla"));
const served = async (): Promise<string> => (await tenantLogin(place, "carla")).database;
const add = (name: string) =>
  app().then((as) => acting("carla", as, `insert into items (tenant_id, name) values ('carla', '${name}')`));
const names = async (): Promise<string[]> =>
  (await acting<{ name: string }>("carla", await app(), "select name from items order by id")).map(
    ({ name }) => name,
  );

/** Databases that the application's login can enter. */
async function entered(): Promise<string[]> {
  const as = await app();
  const inside: string[] = [];
  for (const database of [SHARED, OWN]) {
    await sql({ ...as, database }, "select 1").then(
      () => inside.push(database),
      () => undefined,
    );
  }
  return inside;
}

/** Rows of both tenants in the shared database, by a role that sees them all. */
async function sharedRows(id: string): Promise<number> {
  const superuser = { ...place.platform.pg, database: SHARED };
  const rows = await sql<{ count: string }>(
    superuser,
    `select count(*) from app.items where tenant_id = '${id}'`,
  );
  return Number(rows[0]?.count);
}

/** The folder that the application sees the tenant's files in, under a plan. */
const files = (plan: PlanName): string => filesOf(place, "carla", plan);

const put = (plan: PlanName, path: string, content: string): void => {
  writeFile(files(plan), path, content);
};

/** Every file of the tenant with its content. */
const listed = (plan: PlanName): Record<string, string> => contentOf(files(plan));

/** Where the tenant's route leads: to a Service and its namespace, the tenant's by default. */
async function backend(): Promise<string> {
  const { stdout } = await place.kubectl(
    ...["get", "httproute/warehouse-route", "-n", "customer-carla", "-o"],
    "jsonpath={.spec.rules[0].backendRefs[0].namespace}/{.spec.rules[0].backendRefs[0].name}",
  );
  const [namespace = "", service = ""] = stdout.split("/");
  if (namespace !== "") return `${namespace}/${service}`;
  const { stdout: selected } = await place.kubectl(
    ...["get", `service/${service}`, "-n", "customer-carla", "-o", "jsonpath={.spec.selector.app}"],
  );
  return selected === "warehouse" ? service : selected;
}

async function billed(): Promise<[plan: string, effectiveAt: string]> {
  const { stdout } = await place.pulumi("stack", "output", "billing", "--json");
  const { plan, effectiveAt } = (JSON.parse(stdout) as Billing).tenants["carla"] ?? {};
  return [plan ?? "", effectiveAt ?? ""];
}

/** The checksum that the cutover printed. */
async function printed(): Promise<string> {
  const { stdout } = await place.kubectl("logs", "job/warehouse-move", "-n", "customer-carla");
  return /checksum ([0-9a-f]{64})/.exec(stdout)?.[1] ?? "";
}

/** The directory of a pool: its hosts. */
async function hosts(pool: string): Promise<string[]> {
  const { stdout } = await place.kubectl(
    ...["get", "secret/tenant-directory", "-n", `pool-${pool}`, "-o", "jsonpath={.data}"],
  );
  return stdout === "" ? [] : Object.keys(JSON.parse(stdout) as object);
}

const HOME: Readonly<Record<PlanName, { database: string; backend: string; stopped: string }>> = {
  starter: {
    database: SHARED,
    backend: "pool-starter/warehouse-service",
    stopped: "pool-starter/warehouse-maintenance",
  },
  professional: {
    database: OWN,
    backend: "pool-professional/warehouse-service",
    stopped: "pool-professional/warehouse-maintenance",
  },
  ai_enhanced: { database: OWN, backend: "warehouse-service", stopped: "warehouse-maintenance" },
  enterprise: { database: OWN, backend: "warehouse-service", stopped: "warehouse-maintenance" },
};

beforeAll(async () => {
  place = await openWorkplace();
  const text = place.read(REGISTRY);
  head = `${text.slice(0, text.indexOf("tenants:\n"))}tenants:`;
  write("starter", "2026-01-01T00:00:00Z");
  await up();
  const shared = await loginOf(place, "warehouse-shared", "warehouse-shared-migrate-secret");
  await sql(connectionOf(place, shared), `${TABLE}; select tenancy.protect('app.items')`);
  const sam = connectionOf(place, await tenantLogin(place, "sam"));
  await acting("sam", sam, "insert into items (tenant_id, name) values ('sam', 'of sam')");
  await add("first");
  put("starter", "2026/01/a b.txt", "first file");
  put("starter", "big.bin", "x".repeat(3 * 2 ** 20));
}, 40 * MINUTE);
afterAll(() => place.close());

/** What the application's init Job does in a database of the tenant's own, whose image does not run here. */
async function createTables(): Promise<void> {
  const target = await tenantLogin(place, "carla", "target");
  await sql(connectionOf(place, target), TABLE);
}

describe.each<{ from: PlanName; to: PlanName; since: string; next: string; kill?: number }>([
  {
    from: "starter",
    to: "professional",
    since: "2026-01-01T00:00:00Z",
    next: "2026-02-01T00:00:00Z",
    kill: 300,
  },
  { from: "professional", to: "ai_enhanced", since: "2026-02-01T00:00:00Z", next: "2026-03-01T00:00:00Z" },
  { from: "enterprise", to: "professional", since: "2026-04-01T00:00:00Z", next: "2026-05-01T00:00:00Z" },
  { from: "professional", to: "starter", since: "2026-05-01T00:00:00Z", next: "2026-06-01T00:00:00Z" },
])("a move from $from to $to", ({ from, to, since, next, kill }) => {
  const [source, target] = [HOME[from], HOME[to]];
  const movesRows = source.database !== target.database;
  const apply = kill === undefined ? up : () => upAfterKill(kill);
  const at = (phase: string, more = ""): string =>
    `{ kind: placement, from: ${from}, phase: ${phase}${more} }`;
  let expected: string[];
  let checksum = "";

  beforeAll(async () => {
    // Within a placement one edit is enough.
    if (from === "enterprise") {
      write("enterprise", since);
      await up();
    }
    expected = await names();
  });
  const append = async (name: string): Promise<void> => {
    await add(name);
    expected.push(name);
  };

  it("prepares the target while the source serves", async () => {
    write(to, since, at("prepare"));
    await apply();
    expect(await backend()).toBe(source.backend);
    expect(await entered()).toEqual([source.database]);
    expect(await billed()).toEqual([from, since]);
    if (movesRows && target.database === OWN) await createTables();
  });

  it("copies rows and files while the source serves", async () => {
    await append(`before sync to ${to}`);
    put(from, `to-${to}.txt`, "before sync");
    write(to, since, at("sync"));
    await apply();
    expect(await backend()).toBe(source.backend);
    expect(await entered()).toEqual([source.database]);
    expect(listed(to)).toEqual(listed(from));
    await append(`after sync to ${to}`);
    put(from, `to-${to}.txt`, "after sync");
    rmSync(join(files(from), "2026"), { recursive: true, force: true });
    put(from, "2026/02/new.txt", `of the move to ${to}`);
  });

  it("cuts over: nobody gets in, rows and files are the same, and the new plan is billed", async () => {
    write(to, next, at("cutover"));
    await apply();
    expect(await backend()).toBe(target.stopped);
    expect(await entered()).toEqual([]);
    expect(await billed()).toEqual([to, next]);
    expect(listed(to)).toEqual(listed(from));
    expect(Object.keys(listed(to))).toContain("2026/02/new.txt");
    expect(await hosts("starter")).toEqual(["sam.yourwarehousesaas.com"]);
    checksum = await printed();
    expect(checksum).toMatch(/^[0-9a-f]{64}$/);
  });

  it("does not serve the target on a checksum that is not what was moved", async () => {
    write(to, next, at("soak", `, checksum: "${"0".repeat(64)}"`));
    const failed = await place.pulumi("up", "--yes", "--skip-preview");
    expect(failed.code).not.toBe(0);
    expect(await backend()).toBe(target.stopped);
    expect(await entered()).toEqual([]);
  });

  it("serves the target, and keeps the source as it was", async () => {
    write(to, next, at("soak", `, checksum: "${checksum}"`));
    await apply();
    expect(await backend()).toBe(target.backend);
    expect(await entered()).toEqual([target.database]);
    expect(await served()).toBe(target.database);
    expect(await names()).toEqual(expected);
    await append(`in soak of ${to}`);
    expect(await names()).toEqual(expected);
  });

  it("cleans up the source", async () => {
    write(to, next, at("cleanup", `, checksum: "${checksum}"`));
    await apply();
    expect(await names()).toEqual(expected);
    if (from === "starter" || from === "professional") expect(listed(from)).toEqual({});
    if (source.database === SHARED) expect(await sharedRows("carla")).toBe(0);
  });

  it("ends, with nothing left to do and nothing of the source left", async () => {
    write(to, next);
    await apply();
    const preview = await place.pulumi("preview", "--expect-no-changes");
    expect(preview.output).not.toContain("error:");
    expect(preview.code).toBe(0);
    expect(await backend()).toBe(target.backend);
    expect(await names()).toEqual(expected);
    expect(listed(to)[`to-${to}.txt`]).toBe("after sync");
    const own = await sql(
      { ...place.platform.pg, database: "postgres" },
      `select datname from pg_database where datname = '${OWN}'`,
    );
    expect(own).toHaveLength(target.database === OWN ? 1 : 0);
    const claims = await place.kubectl("get", "pvc", "-n", "customer-carla", "-o", "name");
    expect(claims.stdout.trim() === "").toBe(to === "starter" || to === "professional");
    expect(await sharedRows("sam")).toBe(1);
    const platform = { ...place.platform.pg.platform, database: "postgres" };
    expect(await sql(platform, place.read("ops/isolation-assert.sql"))).toEqual([]);
  });
});

describe("a move that turns back", () => {
  const since = "2026-06-01T00:00:00Z";
  const later = "2026-07-01T00:00:00Z";
  const at = (phase: string, from: PlanName = "starter", more = ""): string =>
    `{ kind: placement, from: ${from}, phase: ${phase}${more} }`;
  let before: string[];

  it("before cutover leaves everything as it was", async () => {
    before = await names();
    write("professional", since, at("prepare"));
    await up();
    await createTables();
    write("professional", since, at("sync"));
    await up();
    write("professional", since, at("prepare"));
    await up();
    write("starter", since);
    await up();
    expect(await entered()).toEqual([SHARED]);
    expect(await names()).toEqual(before);
    expect(listed("professional")).toEqual({});
    expect((await place.pulumi("preview", "--expect-no-changes")).code).toBe(0);
  });

  it("at cutover serves the source again", async () => {
    write("professional", since, at("prepare"));
    await up();
    await createTables();
    write("professional", since, at("sync"));
    await up();
    write("professional", later, at("cutover"));
    await up();
    expect(await entered()).toEqual([]);
    write("professional", since, at("sync"));
    await up();
    expect(await backend()).toBe(HOME.starter.backend);
    expect(await entered()).toEqual([SHARED]);
    expect(await names()).toEqual(before);
  });

  it("in soak takes along what was written since", async () => {
    write("professional", later, at("cutover"));
    await up();
    write("professional", later, at("soak", "starter", `, checksum: "${await printed()}"`));
    await up();
    await add("in soak");
    put("professional", "in-soak.txt", "kept");
    const skipped = "2026-08-01T00:00:00Z";
    write("professional", skipped, at("sync"));
    const refused = await place.pulumi("preview");
    expect(refused.output).toContain(
      "carla.migration.phase: cannot go from soak to sync; apply cleanup or cutover next, or back without loss by plan: starter and migration: { kind: placement, from: professional, phase: cutover }",
    );
    write("starter", skipped, at("cutover", "professional"));
    await up();
    write("starter", skipped, at("soak", "professional", `, checksum: "${await printed()}"`));
    await up();
    expect(await backend()).toBe(HOME.starter.backend);
    expect(await names()).toEqual([...before, "in soak"]);
    expect(listed("starter")["in-soak.txt"]).toBe("kept");
    write("starter", skipped, at("cleanup", "professional", `, checksum: "${await printedBefore()}"`));
  });

  /** The checksum in the registry, which a later Job no longer prints. */
  const printedBefore = (): Promise<string> =>
    Promise.resolve(/checksum: "([0-9a-f]{64})"/.exec(place.read(REGISTRY))?.[1] ?? "");
});
