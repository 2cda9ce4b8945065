import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { identify, signal, waitForExit, type ProcessIdentity } from "../../sandbox/lib/process.ts";
import { heal } from "../../sandbox/stack.ts";
import { changes, commandEnvironment, openWorkplace, run, sql, type Workplace } from "../support/e2e.ts";
import { descendants } from "../support/processes.ts";

/** Runs that bring tenants, killed where the state knows least. */

const MINUTE = 60_000;
jest.setTimeout(8 * MINUTE);

const PLANS = ["starter", "ai_enhanced", "professional"];
const IDS = Array.from({ length: 12 }, (_, n) => `bulk-${n}`);
const ENTRIES = IDS.map(
  (id, n) => `
  - id: ${id}
    plan: ${PLANS[n % PLANS.length] ?? ""}
    since: "2026-01-01T00:00:00Z"
    billing: { subscriptionRef: sub_${id} }
`,
);

interface Exported {
  readonly deployment: {
    readonly resources: readonly {
      readonly type: string;
      readonly urn: string;
      readonly inputs?: { readonly name?: string };
    }[];
    readonly pending_operations?: readonly unknown[];
  };
}

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace();
  place.write(".gitignore", "node_modules\nPulumi.sandbox.yaml\n");
  await git("init", "--quiet", "--initial-branch=main");
  await commit();
  place.write("tenants/tenants.yaml", place.read("tenants/tenants.yaml") + ENTRIES.join(""));
}, 5 * MINUTE);
afterAll(() => place.close());

const tenant = (...args: readonly string[]): readonly string[] => [
  join(place.project, "cli/main.ts"),
  ...args,
];
const environment = () => ({ cwd: place.project, env: commandEnvironment(place.platform) });
const git = (...args: readonly string[]) =>
  run("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], environment());
const commit = async (): Promise<void> => {
  await git("add", ".");
  await git("commit", "--quiet", "--message=edit");
};

async function exported(): Promise<Exported["deployment"]> {
  const { stdout } = await place.pulumi("stack", "export");
  return (JSON.parse(stdout) as Exported).deployment;
}

/** Names of objects of a kind on the API server that hold a word. */
async function onServer(kind: string, prefix: string): Promise<string[]> {
  const { stdout } = await place.kubectl("get", kind, "--all-namespaces", "--output=name");
  return stdout.split("\n").filter((line) => line.includes(prefix));
}

/** Names that PostgreSQL has. */
async function named(query: string): Promise<string[]> {
  const rows = await sql<{ name: string }>({ ...place.platform.pg, database: "postgres" }, query);
  return rows.map(({ name }) => name);
}
const rolesOf = (pattern: string): Promise<string[]> =>
  named(`SELECT rolname AS name FROM pg_roles WHERE rolname LIKE '${pattern}' ORDER BY 1`);
const databasesOf = (pattern: string): Promise<string[]> =>
  named(`SELECT datname AS name FROM pg_database WHERE datname LIKE '${pattern}' ORDER BY 1`);

/**
 * Starts an `up` and ends it as soon as something holds.
 * @returns its exit code, or the signal that it ended by
 */
async function endedOnce(
  holds: () => Promise<boolean>,
  end: (pid: number) => void,
): Promise<number | NodeJS.Signals | null> {
  const child = spawn(process.execPath, tenant("up", "--yes"), { ...environment(), stdio: "ignore" });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once("close", (code, signal) => {
      resolve(code ?? signal);
    }),
  );
  const over = new AbortController();
  void ended.then(() => {
    over.abort();
  });
  while (!(await holds()) && !over.signal.aborted) await sleep(50);
  end(child.pid ?? 0);
  return ended;
}

/** Kills all of an `up`, the engine and its plugins too, and waits until they are gone. */
async function killedOnce(holds: () => Promise<boolean>): Promise<void> {
  let killed: readonly ProcessIdentity[] = [];
  const ended = endedOnce(holds, (pid) => {
    killed = [pid, ...descendants(pid)].flatMap((each) => identify(each) ?? []);
    for (const { pid: each } of killed) signal(each, "SIGKILL");
  });
  expect(await ended).toBe("SIGKILL");
  // The largest of them take a moment to give back their memory.
  expect(await Promise.all(killed.map((each) => waitForExit(each, MINUTE)))).not.toContain(false);
}

/** What the state knows of tenants whose ids begin alike. */
async function known(prefix: string): Promise<string[]> {
  const { resources, pending_operations: pending = [] } = await exported();
  expect(pending).toEqual([]);
  return resources.flatMap(({ urn }) => (urn.includes(`::${prefix}`) ? [urn.split("::").at(-1) ?? ""] : []));
}

const up = () => run(process.execPath, tenant("up", "--yes"), environment());

/** All that is there of tenants is in the state, and the registry asks for nothing else. */
async function expectConverged(prefix: string): Promise<void> {
  expect(changes(await place.pulumi("preview", "--json"))).toEqual([]);
  const { resources } = await exported();
  const text = JSON.stringify(resources);
  for (const kind of ["secrets", "configmaps", "jobs", "cronjobs", "deployments", "httproutes"])
    for (const name of await onServer(kind, prefix)) expect(text).toContain(name.split("/")[1]);
  const names = resources.map(({ inputs }) => inputs?.name);
  const pattern = `warehouse_${prefix.replaceAll("-", "_")}%`;
  expect(names).toEqual(expect.arrayContaining(await rolesOf(pattern)));
  expect(names).toEqual(expect.arrayContaining(await databasesOf(pattern)));
  await commit();
}

const TAKEN_OVER = "was killed: took over what it had made";

describe("many tenants in one edit", () => {
  it("leave the state as it was before them when the run is killed in its last pass", async () => {
    await killedOnce(async () => (await databasesOf("warehouse_bulk%")).length > 2);
    expect((await rolesOf("warehouse_bulk%")).length).toBeGreaterThan(IDS.length * 2);
    expect((await onServer("secrets", "bulk-")).length).toBeGreaterThan(IDS.length / 2);
    // A first pass makes of tenants no more than the components.
    expect([...new Set(await known("bulk-"))].sort()).toEqual([...IDS].sort());
  });

  it("are taken over by the next run, and complete after it", async () => {
    await place.pulumi("cancel", "--yes");
    const again = await up();
    expect([again.code, again.output]).toEqual([0, expect.stringContaining(TAKEN_OVER)]);
    await expectConverged("bulk-");
  });
});

const add = (id: string, plan: string): void => {
  place.write(
    `tenants/${id}.yaml`,
    `id: ${id}\nplan: ${plan}\nsince: "2026-01-01T00:00:00Z"\nbilling: { subscriptionRef: sub_${id} }\n`,
  );
};

describe("a tenant that comes to a cell", () => {
  it.each([
    // With each as soon as something else of it is there.
    ["late-base", "enterprise", () => databasesOf("warehouse_late_base")],
    ["late-pool", "starter", () => onServer("cronjobs", "late-pool")],
  ])("is completed by the next run after one that was killed: %s", async (id, plan, made) => {
    add(id, plan);
    await killedOnce(async () => (await made()).length > 0);
    expect(await known(id)).toEqual([]);
    await place.pulumi("cancel", "--yes");
    const again = await up();
    expect([again.code, again.output]).toEqual([0, expect.stringContaining(TAKEN_OVER)]);
    await expectConverged(id);
  });

  it("is known to the state after Ctrl-C, as far as it has come", async () => {
    add("late-end", "enterprise");
    const made = async (): Promise<boolean> => (await databasesOf("warehouse_late_end")).length > 0;
    expect(await endedOnce(made, (pid) => process.kill(pid, "SIGINT"))).toBe(130);
    expect(await known("late-end")).toContain("late-end-database");
    const { code, output } = await up();
    expect([code, output]).toEqual([0, expect.not.stringContaining(TAKEN_OVER)]);
    await expectConverged("late-end");
  });

  it("is settled by `tenant recover` after a `pulumi up` by hand that failed on it", async () => {
    add("late-hand", "professional");
    await killedOnce(async () => (await databasesOf("warehouse_late_hand")).length > 0);
    await place.pulumi("cancel", "--yes");
    const failed = await place.pulumi("up", "--yes", "--skip-preview");
    expect([failed.code, failed.output]).not.toEqual([0, expect.anything()]);
    expect(failed.output).toMatch(/creation of \w+ \S*late-hand\S* failed: it already exists/);
    const recovered = await run(process.execPath, tenant("recover", "sandbox"), environment());
    expect([recovered.code, recovered.output]).toEqual([0, expect.stringContaining(TAKEN_OVER)]);
    expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    await expectConverged("late-hand");
  });

  it("is settled by the sandbox", async () => {
    add("late-sandbox", "enterprise");
    await killedOnce(async () => (await rolesOf("warehouse_late_sandbox%")).length > 3);
    const said: string[] = [];
    await heal(place.platform.paths, commandEnvironment(place.platform), (line) => said.push(line));
    expect(said.join("\n")).toContain(TAKEN_OVER);
    expect((await place.pulumi("up", "--yes", "--skip-preview")).code).toBe(0);
    await expectConverged("late-sandbox");
  });

  it("does not get a database of its name that no run of the cell has made", async () => {
    await sql({ ...place.platform.pg, database: "postgres" }, "CREATE DATABASE warehouse_late_other");
    add("late-other", "professional");
    for (let tries = 0; tries < 2; tries += 1) {
      const { code, output } = await up();
      expect([code, output]).toEqual([1, expect.stringContaining("already exists")]);
      expect(output).not.toContain(TAKEN_OVER);
    }
    expect(await known("late-other")).not.toContain("late-other-database");
    await sql({ ...place.platform.pg, database: "postgres" }, "DROP DATABASE warehouse_late_other");
    expect((await up()).code).toBe(0);
    await expectConverged("late-other");
  });
});

describe("a kill that cuts off what the engine writes beside the state", () => {
  it("makes it unreadable until `tenant recover` takes that away", async () => {
    const state = join(place.platform.paths.state, ".pulumi/stacks/warehouse/sandbox.json.zst");
    writeFileSync(`${state}.attrs`, "");
    expect((await place.pulumi("stack", "export")).output).toContain("failed to load checkpoint: EOF");
    const recovered = await run(process.execPath, tenant("recover", "sandbox"), environment());
    expect([recovered.code, recovered.output]).toEqual([0, expect.stringContaining("half-written")]);
    expect((await place.pulumi("stack", "export")).code).toBe(0);
  });
});
