import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { OPERATIONS } from "../../registry/naming.ts";
import {
  acting,
  commandEnvironment,
  connectionOf,
  contentOf,
  filesOf,
  loginOf,
  openWorkplace,
  run,
  sql,
  tenantLogin,
  writeFile,
  type Outcome,
  type Workplace,
} from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(10 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";

/** One tenant of each placement, and a neighbour of each kind that shares something. */
const PLANS = { carla: "starter", sam: "starter", dora: "professional", acme: "enterprise" } as const;
type Id = keyof typeof PLANS;
const IDS = Object.keys(PLANS) as Id[];
const TABLE =
  "create table app.items (tenant_id text not null, id int, name text, primary key (tenant_id, id))";

/** Files of each tenant, by their paths. */
const FILES = { "2026/logo.txt": "a logo", "2026/a file.txt": "content" };

/** The Secrets of operators that are there all the time. */
const STANDING =
  "secret/warehouse-metrics-backup-keys-secret\nsecret/warehouse-ops-secret\nsecret/warehouse-restore-backup-keys-secret\n";

let place: Workplace;

/** Runs `npx tenant` in the project's copy. */
const tenant = (...args: string[]): Promise<Outcome> =>
  run(process.execPath, ["cli/main.ts", ...args], {
    cwd: place.project,
    env: commandEnvironment(place.platform),
  });

interface Report {
  readonly state: string;
  readonly exitCode: number;
  readonly result: { readonly id: string; readonly startedAt: string; readonly seconds?: number };
}

/** The document of a command that must succeed. */
async function done(...args: string[]): Promise<Report> {
  const { code, stdout, output } = await tenant(...args, "--json");
  if (code !== 0) throw new Error(output);
  return JSON.parse(stdout) as Report;
}

const app = async (id: Id) => connectionOf(place, await tenantLogin(place, id));
const platform = (database: string): pg.ClientConfig => ({ ...place.platform.pg.platform, database });
const change = async (id: Id, text: string): Promise<void> => {
  await acting(id, await app(id), text);
};

/** Count and checksum of a tenant's rows, as the application sees them. */
async function rows(id: Id): Promise<unknown> {
  const text = "select count(*)::int, md5(string_agg(items::text, ',' order by id)) from items";
  return (await acting(id, await app(id), text))[0];
}

/** Who may enter the tenant's database, how often, and with which settings. */
const access = (id: Id): Promise<unknown> =>
  sql(
    platform("postgres"),
    `select (select array_agg(item::text order by item::text) from unnest(datacl) item) as grants,
       datconnlimit, datallowconn,
       (select array_agg(format('%s %s', setrole::regrole, setconfig) order by setrole)
        from pg_db_role_setting where setdatabase = pg_database.oid) as settings
     from pg_database where datname = 'warehouse_${id}'`,
  );

/** Which tenants' logins enter the database of a tenant. */
async function entered(id: Id): Promise<Id[]> {
  const inside: Id[] = [];
  const { database } = await app(id);
  for (const other of IDS) {
    await sql({ ...(await app(other)), database }, "select 1").then(
      () => inside.push(other),
      () => undefined,
    );
  }
  return inside;
}

const secretsOf = async (namespace: string): Promise<string> =>
  (await place.kubectl("get", "secrets", "-n", namespace, "-o", "name")).stdout;

beforeAll(async () => {
  place = await openWorkplace();
  const text = place.read(REGISTRY);
  const entries = IDS.map(
    (id) => `\n  - id: ${id}\n    plan: ${PLANS[id]}\n    since: "2026-01-01T00:00:00Z"\n`,
  );
  place.write(REGISTRY, `${text.slice(0, text.indexOf("tenants:\n"))}tenants:${entries.join("")}`);
  const { code, output } = await place.pulumi("up", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(output);
  // What the application's migrations do.
  const shared = await loginOf(place, "warehouse-shared", "warehouse-shared-migrate-secret");
  await sql(connectionOf(place, shared), `${TABLE}; select tenancy.protect('app.items')`);
  for (const id of IDS) {
    if (PLANS[id] !== "starter")
      await sql(connectionOf(place, await tenantLogin(place, id, "migrate")), TABLE);
    await change(id, `insert into items select '${id}', n, 'item ' || n from generate_series(1, 100) n`);
  }
}, 20 * MINUTE);
afterAll(() => place.close());

describe.each(["carla", "dora", "acme"] as const)("a backup of %s", (id) => {
  it("is taken and restored by the command: rows, access and limits are as they were, others stay out", async () => {
    const [folder, beside] = [filesOf(place, id, PLANS[id]), filesOf(place, "sam", PLANS.sam)];
    for (const [path, content] of Object.entries(FILES)) writeFile(folder, path, content);
    writeFile(beside, "2026/logo.txt", "sam's");
    const [before, rights, inside, neighbour] = [
      await rows(id),
      await access(id),
      await entered(id),
      await rows("sam"),
    ];
    const backup = await done("backup", id);
    expect(backup).toMatchObject({ state: "succeeded", result: { kind: "manual", tenantId: id } });
    await change(id, "delete from items where id > 10; update items set name = 'damaged'");
    expect(await rows(id)).not.toEqual(before);
    writeFile(folder, "2026/logo.txt", "damaged");
    writeFile(folder, "2026/virus.php", "added");
    rmSync(join(folder, "2026/a file.txt"));
    await done("restore", id, "--backup", backup.result.id, "--yes");
    expect(await rows(id)).toEqual(before);
    expect(contentOf(folder)).toEqual(FILES);
    expect(contentOf(beside)).toEqual({ "2026/logo.txt": "sam's" });
    expect(await access(id)).toEqual(rights);
    expect(await entered(id)).toEqual(inside);
    expect(await rows("sam")).toEqual(neighbour);
    expect(await sql(platform("postgres"), place.read("ops/isolation-assert.sql"))).toEqual([]);
    expect(await secretsOf(OPERATIONS.namespace)).toBe(STANDING);
  });

  it("is chosen by time: the newest that was begun not after it", async () => {
    const before = await rows(id);
    const { result } = await done("backup", id);
    await sleep(1_100); // Backups are named by the second.
    await change(id, "update items set name = 'later'");
    await done("backup", id);
    await done("restore", id, "--at", result.startedAt, "--yes", "--only", "database");
    expect(await rows(id)).toEqual(before);
  });
});

describe("a restore", () => {
  it("is survived by a client that connects again", async () => {
    const { result } = await done("backup", "acme");
    const as = await app("acme");
    const seen: string[] = [];
    let stop = false;
    const client = (async () => {
      while (!stop) {
        await sql(as, "select count(*) from items").then(
          () => seen.push("ok"),
          (error: unknown) => seen.push((error as { code?: string }).code ?? String(error)),
        );
        await sleep(20);
      }
    })();
    await done("restore", "acme", "--backup", result.id, "--yes", "--only", "database");
    await sleep(500);
    stop = true;
    await client;
    expect(seen.at(-1)).toBe("ok");
    // Refused or ended by the swap, and never let into another database.
    expect(
      new Set(seen.filter((each) => each !== "ok" && !/^(?:57P01|55000|3D000|08006)$/.test(each))),
    ).toEqual(new Set());
  });

  it("that is interrupted goes on without its password in the cluster", async () => {
    const { result } = await done("backup", "dora");
    const child = spawn(
      process.execPath,
      ["cli/main.ts", "restore", "dora", "--backup", result.id, "--yes", "--only", "database"],
      { cwd: place.project, env: commandEnvironment(place.platform), stdio: ["ignore", "pipe", "pipe"] },
    );
    let output = "";
    let asked = false;
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        // Once: the second would not be answered in order.
        if (!asked && output.includes("restoring dora")) asked = child.kill("SIGINT");
      });
    expect(await ended).toBe(130);
    expect(output).toContain("interrupted; the Job goes on");
    expect(await secretsOf(OPERATIONS.namespace)).toBe(STANDING);
    const waited = await place.kubectl(
      ...["wait", "job/warehouse-restore-dora", "-n", OPERATIONS.namespace],
      ...["--for=condition=complete", "--timeout=90s"],
    );
    expect(waited.output).toContain("condition met");
  });

  it("of a backup that there is not ends with the operation's exit code", async () => {
    const { code, stderr } = await tenant("restore", "acme", "--at", "2020-01-01", "--yes");
    expect(stderr).toContain("acme has no such backup (one not after 2020-01-01T00:00:00Z)");
    expect(code).toBe(50);
  });
});

describe("a Job that cannot start", () => {
  it("is given up with the quota's message", async () => {
    const quota = '{"spec":{"hard":{"pods":"0"}}}';
    const at = ["resourcequota", "tenant-quota", "-n", "customer-acme"];
    const { stdout } = await place.kubectl("get", ...at, "-o", "jsonpath={.spec.hard.pods}");
    await place.kubectl("patch", ...at, "-p", quota);
    const { code, stderr } = await tenant("backup", "acme", "--timeout", "20s");
    await place.kubectl("patch", ...at, "-p", `{"spec":{"hard":{"pods":"${stdout}"}}}`);
    expect(stderr).toMatch(/exceeded quota: tenant-quota/);
    expect(stderr).toContain("nothing ran, the Job is deleted");
    expect(code).toBe(1);
  });
});

describe("the drill of a tenant", () => {
  it("ends with the time that it measured", async () => {
    await done("backup", "acme");
    const { code, stdout } = await tenant("drill", "acme");
    expect(stdout).toMatch(/tenant {2}backup {17}RTO {2,}result\nacme {4}acme-\S+ {2}[\d.]+ s +succeeded/);
    expect(code).toBe(0);
  });
});
