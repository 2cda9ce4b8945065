import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../sandbox/lib/ports.ts";
import { databaseOf, openPlace, processesOf, type Place, type Ran } from "../support/faults.ts";
import { nextSecond } from "../support/nextSecond.ts";
import { POOL } from "../support/pool.ts";
import type { Asked, S3Fault } from "../support/s3Proxy.ts";

jest.setTimeout(180_000);

let place: Place;
const folder = mkdtempSync(join(tmpdir(), "warehouse-uploads-"));
const FILES = { OPS_ROOT: folder, FILES_FOLDER: "/uploads" };

/** What other tenants have in the bucket. */
const neighbours = async (tenantId: string): Promise<string[]> =>
  (await place.keys("customers/")).filter((key) => !key.startsWith(`customers/${tenantId}/`));

/**
 * A backup with a fault must fail and leave what was: no manifest but those of before, all intact, no parts, and nothing
 * of others touched. Without the fault, or with a passing one, the same run then succeeds.
 */
async function failing(
  tenantId: string,
  fault: () => void,
  env: Readonly<Record<string, string>> = {},
  run: () => Promise<Ran> = () => place.backup(tenantId, env),
  passing: () => void = () => undefined,
): Promise<Ran> {
  const before = await place.backups(tenantId);
  const others = await neighbours(tenantId);
  await nextSecond();
  fault();
  const ran = await run();
  mend();
  expect(ran.code).not.toBe(0);
  expect(await place.backups(tenantId)).toEqual(before);
  expect(await place.unfinished()).toBe(0);
  expect(await neighbours(tenantId)).toEqual(others);
  await nextSecond();
  passing();
  const again = await place.backup(tenantId);
  mend();
  expect(again).toMatchObject({ code: 0 });
  expect(await place.backups(tenantId)).toHaveLength(before.length + 1);
  return ran;
}

function mend(): void {
  place.database.fault = {};
  place.bucket.fault = () => undefined;
}

/** A fault of every request of an operation, or of the first few. */
const on =
  (operation: string, fault: S3Fault, times = Number.POSITIVE_INFINITY) =>
  (asked: Asked): S3Fault | undefined =>
    asked.operation === operation && asked.before < times ? fault : undefined;

beforeAll(async () => {
  mkdirSync(join(folder, "uploads"));
  writeFileSync(join(folder, "uploads", "scan.bin"), Buffer.alloc(100_000, 7));
  place = await openPlace();
  expect(await place.backup("solo", FILES)).toMatchObject({ code: 0 });
  expect(await place.backup("acme")).toMatchObject({ code: 0 });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await place.stop();
});

describe("a backup while the database", () => {
  const nothing = (): void => undefined;

  it("is down ends with 20", async () => {
    const [port = 0] = await freePorts(1);
    const ran = await failing("solo", nothing, { DATABASE_PORT: String(port) });
    expect(ran).toMatchObject({ code: 20, output: expect.stringContaining("ECONNREFUSED") as string });
  });

  it("does not answer ends with 20 in bounded time", async () => {
    const fault = (): void => void (place.database.fault = { silent: true });
    const ran = await failing("solo", fault, { OPS_WAIT_SECONDS: "1" });
    expect(ran.code).toBe(20);
    expect(ran.seconds).toBeLessThan(10);
  });

  it("refuses the login ends with 22, and is not there with 10", async () => {
    expect(await failing("solo", nothing, { DATABASE_PASSWORD: "other" })).toMatchObject({
      code: 22,
      output: expect.stringContaining("password authentication failed") as string,
    });
    expect((await place.backup("solo", { DATABASE_NAME: "warehouse_nowhere" })).code).toBe(10);
  });

  it("is cut off half-way ends with 20", async () => {
    const fault = (): void => void (place.database.fault = { cutAfter: 4_000_000 });
    const ran = await failing("solo-2", fault);
    expect(ran).toMatchObject({ code: 20, output: expect.stringContaining("pg_dump of") as string });
  });

  it("falls silent in the middle ends with 20 in bounded time", async () => {
    const fault = (): void => {
      place.database.fault = {
        before: ["COPY app.scans", () => void (place.database.fault = { silent: true })],
      };
    };
    const ran = await failing("solo-2", fault, { OPS_WAIT_SECONDS: "1" });
    expect(ran).toMatchObject({
      code: 20,
      output: expect.stringContaining("pg_dump of warehouse_solo_2 failed: nothing came for 10 s") as string,
    });
    expect(ran.seconds).toBeLessThan(30);
  });

  it("ends the session of the dump ends with 20", async () => {
    const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${databaseOf("solo-2")}_backup'`;
    const fault = (): void => {
      place.database.fault = {
        bytesPerSecond: 8_000_000,
        before: [
          "COPY app.scans",
          () => void setTimeout(() => void place.query("postgres", "postgres", kill), 500),
        ],
      };
    };
    const ran = await failing("solo-2", fault);
    expect(ran).toMatchObject({
      code: 20,
      output: expect.stringContaining("PQgetCopyData() failed") as string,
    });
  });

  it("holds a lock of DDL ends with 20 and says so", async () => {
    const migration = await place.server.connect(`${databaseOf("solo")}_migrate`, databaseOf("solo"));
    await migration.query("BEGIN; LOCK TABLE app.orders");
    const run = async (): Promise<Ran> => {
      const ran = await place.backup("solo", { OPS_WAIT_SECONDS: "1" });
      await migration.query("ROLLBACK");
      return ran;
    };
    const ran = await failing("solo", nothing, {}, run);
    expect(ran.code).toBe(20);
    expect(ran.output).toContain(
      "canceling statement due to lock timeout; another session holds the lock, e.g. of a migration",
    );
  });

  it("would hide rows of the tenant ends with 50 and names the table", async () => {
    await place.query(`${POOL}_migrate`, POOL, "CREATE TABLE app.bare (tenant_id text, id int)");
    const run = async (): Promise<Ran> => {
      const ran = await place.backup("acme");
      await place.query(`${POOL}_migrate`, POOL, "DROP TABLE app.bare");
      return ran;
    };
    expect(await failing("acme", nothing, {}, run)).toMatchObject({
      code: 50,
      output: expect.stringContaining("no policy shows a tenant its rows of: bare") as string,
    });
  });
});

describe("a backup whose program dies", () => {
  /** While the dump is under way. */
  const underWay = (action: () => void) => (): void => {
    place.database.fault = {
      bytesPerSecond: 8_000_000,
      before: ["COPY app.scans", () => void setTimeout(action, 500)],
    };
  };
  const dumps = (): number[] => processesOf("pg_dump", `PGPORT=${place.database.port}`);
  const readers = (): number[] => processesOf("pg_restore", `DATABASE_PORT=${place.database.port}`);

  it("ends with 20 when pg_dump is killed", async () => {
    const kill = underWay(() => {
      for (const pid of dumps()) process.kill(pid, "SIGKILL");
    });
    expect(await failing("solo-2", kill)).toMatchObject({
      code: 20,
      output: expect.stringContaining("pg_dump of warehouse_solo_2 failed") as string,
    });
  });

  it("ends what it started when its pod is evicted", async () => {
    const env = { ...place.backupEnv("solo-2"), DATABASE_PORT: String(place.database.port) };
    let evict = (): unknown => undefined;
    const ran = await failing(
      "solo-2",
      underWay(() => evict()),
      {},
      () => {
        const { child, ended } = place.start("backup", env);
        evict = () => child.kill("SIGTERM");
        return ended;
      },
    );
    expect(ran).toMatchObject({ code: 143, output: expect.stringContaining("asked to end") as string });
    expect([...dumps(), ...readers()]).toEqual([]);
  });

  it("leaves no manifest and no orphan when it is killed itself", async () => {
    const before = await place.backups("solo-2");
    underWay(() => child.kill("SIGKILL"))();
    const { child, ended } = place.start("backup", place.backupEnv("solo-2"));
    expect(await ended).toMatchObject({ code: null, signal: "SIGKILL" });
    mend();
    for (let tenths = 0; [...dumps(), ...readers()].length > 0 && tenths < 50; tenths += 1) await sleep(100);
    expect([...dumps(), ...readers()]).toEqual([]);
    expect(await place.backups("solo-2")).toEqual(before);
    expect((await place.backup("solo-2")).code).toBe(0);
  });
});

describe("a backup whose bucket", () => {
  it.each([
    ["refuses", 403, "AccessDenied", 40, "the role or its session tag does not allow this"],
    ["finds the clock wrong", 403, "RequestTimeTooSkewed", 40, "the clock of this machine"],
    ["finds the credentials expired", 400, "ExpiredToken", 40, "the credentials have expired"],
    ["is not there", 404, "NoSuchBucket", 40, "there is no such bucket: check BACKUP_BUCKET"],
    ["is overloaded", 503, "SlowDown", 41, "SlowDown"],
  ])("%s ends with its code and a sentence", async (_what, status, code, exit, sentence) => {
    const fault = (): void => void (place.bucket.fault = () => ({ answer: { status, code } }));
    const ran = await failing("solo", fault);
    expect([ran.code, ran.output]).toEqual([exit, expect.stringContaining(sentence)]);
  });

  it("refuses the manifest alone ends with 40", async () => {
    const fault = (): void => {
      place.bucket.fault = ({ url }) =>
        url.includes(".manifest.json") ? { answer: { status: 403, code: "AccessDenied" } } : undefined;
    };
    const ran = await failing("solo", fault, FILES);
    expect([ran.code, ran.output]).toEqual([40, expect.stringContaining("AccessDenied")]);
  });

  it("is unreachable, or silent, ends with 41 in bounded time", async () => {
    const [port = 0] = await freePorts(1);
    const gone = { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    expect(await failing("solo", () => undefined, gone)).toMatchObject({ code: 41 });
    const silent = (): void => void (place.bucket.fault = () => ({ silentAfter: 0 }));
    const ran = await failing("solo", silent, { OPS_WAIT_SECONDS: "1" });
    expect(ran.code).toBe(41);
    expect(ran.seconds).toBeLessThan(20);
  });

  it.each([
    ["is overloaded", "UploadPart", { answer: { status: 503, code: "SlowDown" } }],
    ["says an error in a 200", "CompleteMultipartUpload", { answer: { status: 200, code: "InternalError" } }],
    ["cuts the connection", "UploadPart", { cutUploadAfter: 100_000 }],
  ] as const)("%s recovers, or ends with 41 and no parts", async (_what, operation, fault) => {
    const ran = await failing(
      "solo-2",
      () => void (place.bucket.fault = on(operation, fault)),
      {},
      undefined,
      () => void (place.bucket.fault = on(operation, fault, 2)),
    );
    expect(ran.code).toBe(41);
    expect(ran.output).not.toContain("pg_dump of");
  });

  it.each([
    ["a part", "solo-2", "UploadPart"],
    ["an object", "solo", "PutObject"],
  ])("gets a flipped bit of %s ends with 41", async (_what, tenantId, operation) => {
    const fault = (): void => void (place.bucket.fault = on(operation, { flip: "upload" }));
    expect(await failing(tenantId, fault)).toMatchObject({
      code: 41,
      output: expect.stringContaining("BadDigest: as a test wants it; it was damaged on its way") as string,
    });
  });

  it("is slow takes its time", async () => {
    await nextSecond();
    place.bucket.fault = on("UploadPart", { bytesPerSecond: 4_000_000 });
    expect(await place.backup("solo-2", { OPS_WAIT_SECONDS: "5" })).toMatchObject({ code: 0 });
    mend();
  });
});

describe("two backups in the same second", () => {
  it("do not write over each other", async () => {
    await place.query("postgres", "postgres", `ALTER ROLE ${databaseOf("solo")}_backup CONNECTION LIMIT 4`);
    const before = (await place.backups("solo")).length;
    let ran: Ran[] = [];
    // They may miss the same second; then both succeed.
    for (let tries = 0; tries < 8 && !ran.some(({ code }) => code === 41); tries += 1) {
      await nextSecond();
      ran = await Promise.all([place.backup("solo"), place.backup("solo")]);
      // Compares every manifest with its objects.
      await place.backups("solo");
    }
    expect(ran.map(({ code }) => code).sort()).toEqual([0, 41]);
    // Not at the manifest: by then it would have written over the other's dump.
    expect(ran.find(({ code }) => code === 41)?.output).toContain(".dump: PreconditionFailed");
    expect((await place.backups("solo")).length).toBeGreaterThan(before);
  });
});
