import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPlatform, type Platform } from "../../sandbox/platform.ts";
import { commandEnvironment, run, sql } from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const root = mkdtempSync(join(tmpdir(), "warehouse-faults-"));
const dir = join(root, "sandbox");
let said: string[] = [];
let platform: Platform;

const start = (): Promise<Platform> =>
  startPlatform({ dir, projectDir: root, owned: true, log: (line) => said.push(line) });

beforeAll(async () => {
  platform = await start();
}, 40 * MINUTE);
beforeEach(() => {
  said = [];
});
afterAll(async () => {
  await platform.remove();
  rmSync(root, { recursive: true, force: true });
});

const pid = (server: string): number =>
  (JSON.parse(readFileSync(join(dir, "run", `${server}.json`), "utf8")) as { pid: number }).pid;

const exists = (process_: number): boolean => {
  try {
    process.kill(process_, 0);
    return true;
  } catch {
    return false;
  }
};

/** Waits until a condition holds; fails after 30 seconds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("the condition did not come to hold in 30 s");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const down = async (): Promise<string[]> =>
  (await platform.status()).filter(({ running }) => !running).map(({ name }) => name);

/** Kubernetes and PostgreSQL answer, with what was put into them before. */
async function works(): Promise<void> {
  const env = commandEnvironment(platform);
  const kept = await run("kubectl", ["get", "configmap", "kept", "-n", "ops", "-o", "jsonpath={.data.by}"], {
    cwd: root,
    env,
  });
  expect(kept.output).toBe("etcd");
  expect(await sql({ ...platform.pg.platform, database: "postgres" }, "select by from kept")).toEqual([
    { by: "postgres" },
  ]);
}

describe("the platform", () => {
  it("holds what is put into it", async () => {
    const env = commandEnvironment(platform);
    await run("kubectl", ["create", "configmap", "kept", "-n", "ops", "--from-literal=by=etcd"], {
      cwd: root,
      env,
    });
    await sql(
      { ...platform.pg.platform, database: "postgres" },
      "create table kept (by text); insert into kept values ('postgres')",
    );
    await works();
  });

  it("names a killed API server and a killed PostgreSQL, and starts them again", async () => {
    process.kill(pid("kube-apiserver"), "SIGKILL");
    process.kill(pid("postgres"), "SIGKILL");
    await until(async () => (await down()).length === 2);
    expect((await down()).sort()).toEqual(["kube-apiserver", "postgres"]);
    platform = await start();
    expect(await down()).toEqual([]);
    await works();
  });

  it("leaves no server behind when its supervisor is killed, and starts again", async () => {
    const servers = (await platform.status()).map(({ name }) => pid(name));
    expect(servers).toHaveLength(6);
    process.kill(pid("supervisor"), "SIGKILL");
    await until(() => !servers.some(exists));
    platform = await start();
    await works();
  });

  it("says which port was taken meanwhile, and moves", async () => {
    const { postgres: port } = platform.ports;
    await platform.stop();
    const squatter = await new Promise<Server>((resolve) => {
      const server = createServer().listen(port, "127.0.0.1", () => {
        resolve(server);
      });
    });
    try {
      platform = await start();
      expect(said.join("\n")).toContain(`port ${port} of postgres is taken by`);
      expect(platform.ports.postgres).not.toBe(port);
      await works();
    } finally {
      squatter.close();
    }
  });

  it("lets two starts at once share one platform, one after the other", async () => {
    await platform.stop();
    const [one, two] = await Promise.all([start(), start()]);
    expect(said.join("\n")).toContain("Waiting: ");
    expect(one.ports).toEqual(two.ports);
    platform = two;
    await works();
  });
});
