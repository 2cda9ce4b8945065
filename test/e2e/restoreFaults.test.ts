import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { postgresUser } from "../../sandbox/services/postgresHome.ts";
import { databaseOf, openPlace, type Place, type Ran } from "../support/faults.ts";
import { nextSecond } from "../support/nextSecond.ts";
import { POOL } from "../support/pool.ts";
import { PASSWORD } from "../support/postgres.ts";
import type { Asked, S3Fault } from "../support/s3Proxy.ts";
import { mountSmallDisk, type SmallDisk } from "../support/smallDisk.ts";

jest.setTimeout(180_000);

const OWN = databaseOf("solo");
const ENDED =
  /administrator command|does not exist|Connection terminated|connection error|connection to server was lost/;

let place: Place;
let disk: SmallDisk | undefined;
/** The backup that is restored, and what the application sees after it. */
let id: string;
let good: object[];

/** What a tenant's application sees, over a new connection. */
const served = (tenantId = "solo"): Promise<object[]> =>
  place.query(
    `${databaseOf(tenantId)}_app_a`,
    databaseOf(tenantId),
    `SELECT count(*), md5(string_agg(item, ',' ORDER BY id)) AS sum,
       (SELECT count(*) FROM app.scans WHERE length(content) = 2 ^ 20) AS scans FROM app.orders`,
  );
const pooled = (tenantId: string): Promise<object[]> =>
  place.query("postgres", POOL, `SELECT * FROM app.orders WHERE tenant_id = '${tenantId}' ORDER BY id`);
/** Databases beside those that serve; `__r` is one that is being restored into. */
const beside = async (): Promise<string[]> =>
  (
    await place.query<{ datname: string }>(
      "postgres",
      "postgres",
      "SELECT datname FROM pg_database WHERE datname ~ '__' ORDER BY 1",
    )
  ).map(({ datname }) => datname);

let damages = 0;
const damage = (): Promise<object[]> =>
  place.query(`${OWN}_app_a`, OWN, `UPDATE app.orders SET item = 'damage ${(damages += 1)}'`);
const restore = (tenantId = "solo", backupId = id, env = {}): Promise<Ran> =>
  place.start("restore", { ...place.restoreEnv(tenantId, backupId), ...env }).ended;

function mend(): void {
  place.database.fault = {};
  place.bucket.fault = () => undefined;
}

/** A restore without a fault, whatever an earlier one has left, brings back what was backed up, for the tenant alone. */
async function converges(): Promise<void> {
  await nextSecond();
  expect(await restore()).toMatchObject({ code: 0 });
  expect(await served()).toEqual(good);
  const kept = await beside();
  expect(kept.filter((name) => !name.includes("__o"))).toEqual([]);
  await expect(place.server.connect(`${databaseOf("solo-2")}_app_a`, OWN)).rejects.toThrow(
    "permission denied for database",
  );
  for (const name of kept) await place.query("postgres", "postgres", `DROP DATABASE ${name}`);
}

/** A restore with a fault must fail and leave what serves as it was; the next one converges. */
async function failing(
  fault: () => void,
  env: Readonly<Record<string, string>> = {},
  run: () => Promise<Ran> = () => restore("solo", id, env),
): Promise<Ran> {
  await damage();
  const before = [await served(), await served("solo-2"), await pooled("acme")];
  await nextSecond();
  fault();
  const ran = await run();
  mend();
  expect(ran.code).not.toBe(0);
  expect([await served(), await served("solo-2"), await pooled("acme")]).toEqual(before);
  await converges();
  return ran;
}

const on =
  (operation: string, fault: S3Fault, times = Number.POSITIVE_INFINITY) =>
  (asked: Asked): S3Fault | undefined =>
    asked.operation === operation && asked.before < times ? fault : undefined;
const onDump = (fault: S3Fault) => (): void => {
  place.bucket.fault = ({ operation, url }) =>
    operation === "GetObject" && url.includes(".dump") ? fault : undefined;
};

beforeAll(async () => {
  place = await openPlace();
  expect(await place.backup("solo")).toMatchObject({ code: 0 });
  id = (await place.backups("solo"))[0]?.id ?? "";
  good = await served();
});
afterAll(async () => {
  await place.stop();
  disk?.remove();
});

describe("a restore whose backup", () => {
  const key = (): string => `customers/solo/db/${id.slice("solo-".length)}.manifest.json`;

  it("is cut off on its way ends with 41", async () => {
    expect((await failing(onDump({ cutDownloadAfter: 4_000 }))).code).toBe(41);
  });

  it("stops coming ends with 41 in bounded time", async () => {
    const ran = await failing(onDump({ silentAfter: 4_000 }), { OPS_WAIT_SECONDS: "2" });
    expect(ran).toMatchObject({
      code: 41,
      output: expect.stringContaining("nothing came for 2 s") as string,
    });
    expect(ran.seconds).toBeLessThan(30);
  });

  it("has a flipped bit ends with 50", async () => {
    expect((await failing(onDump({ flip: "download" }))).code).toBe(50);
  });

  it("may not be read ends with 40, and with an overloaded bucket with 41 unless it recovers", async () => {
    expect((await failing(onDump({ answer: { status: 403, code: "AccessDenied" } }))).code).toBe(40);
    const busy = { answer: { status: 503, code: "SlowDown" } };
    expect((await failing(onDump(busy))).code).toBe(41);
    place.bucket.fault = on("GetObject", busy, 2);
    await converges();
  });

  it("has the manifest of another tenant ends with 50", async () => {
    const own = await place.read(key());
    expect(await place.backup("solo-2")).toMatchObject({ code: 0 });
    const [other] = await place.backups("solo-2");
    const run = async (): Promise<Ran> => {
      await place.write(key(), Buffer.from(JSON.stringify(other)));
      const ran = await restore();
      await place.write(key(), own);
      return ran;
    };
    const ran = await failing(() => undefined, {}, run);
    expect([ran.code, ran.output]).toEqual([
      50,
      expect.stringContaining(`is the manifest of ${other?.id ?? ""}, not of ${id}`),
    ]);
  });
});

describe("a restore while the database", () => {
  it("is cut off ends with 20", async () => {
    const fault = (): void => {
      place.database.fault = { before: ["FROM stdin", () => void (place.database.fault = { cutAfter: 1 })] };
    };
    expect((await failing(fault)).code).toBe(20);
  });

  it("holds a lock of DDL ends with 20 and says so", async () => {
    const run = async (): Promise<Ran> => {
      const migration = await place.server.connect(`${OWN}_migrate`, OWN);
      await migration.query("BEGIN; LOCK TABLE app.orders");
      const ran = await restore("solo", id, { OPS_WAIT_SECONDS: "1" });
      await migration.query("ROLLBACK");
      return ran;
    };
    expect(await failing(() => undefined, {}, run)).toMatchObject({
      code: 20,
      output: expect.stringContaining("another session holds the lock") as string,
    });
  });

  it("is in use by a client that reconnects succeeds, and the client sees what was restored", async () => {
    await damage();
    let stopped = false;
    let answered = performance.now();
    let outage = 0;
    const reasons = new Set<string>();
    const client = async (): Promise<void> => {
      while (!stopped) {
        const login = { host: "127.0.0.1", port: place.server.port, user: `${OWN}_app_b`, database: OWN };
        const session = new Client({ ...login, password: PASSWORD });
        session.on("error", () => undefined);
        try {
          await session.connect();
          while (!stopped) {
            await session.query("SELECT count(*) FROM app.orders");
            outage = Math.max(outage, performance.now() - answered);
            answered = performance.now();
          }
        } catch (error) {
          reasons.add((error as Error).message);
        }
        await session.end().catch(() => undefined);
      }
    };
    const clients = [client(), client(), client()];
    await converges();
    stopped = true;
    await Promise.all(clients);
    expect([...reasons].filter((reason) => !ENDED.test(reason))).toEqual([]);
    expect(reasons.size).toBeGreaterThan(0);
    expect(outage).toBeLessThan(10_000);
  });
});

describe("a restore that is killed", () => {
  const kept = `${OWN}__o`;
  it.each([
    ["while it backs up what is there", "pg_export_snapshot"],
    ["before it makes the database beside", `CREATE DATABASE ${OWN}__r`],
    ["while it fills the database beside", "FROM stdin"],
    ["before it hands over the limits", `ALTER DATABASE ${OWN}__r CONNECTION LIMIT`],
    ["before it ends sessions", "pg_terminate_backend"],
    ["before it renames", `RENAME TO ${kept}`],
    ["between the two renames", `ALTER DATABASE ${OWN}__r RENAME TO ${OWN}`],
    ["before it commits", "ALLOW_CONNECTIONS false"],
  ])("%s leaves what serves open, and the next one converges", async (_when, text) => {
    const run = async (): Promise<Ran> => {
      // Of two texts alike, the later is meant: the database beside is made closed too.
      const { child, ended } = place.start("restore", place.restoreEnv("solo", id));
      const kill = async (): Promise<void> => {
        child.kill("SIGKILL");
        await ended;
      };
      const later = text === "ALLOW_CONNECTIONS false";
      const armed = (): void => void (place.database.fault = { before: [text, kill] });
      if (later) place.database.fault = { before: [`${OWN}__r RENAME TO`, armed] };
      else armed();
      return ended;
    };
    const ran = await failing(() => undefined, {}, run);
    expect(ran.signal).toBe("SIGKILL");
  });

  it("after it has swapped has restored", async () => {
    await damage();
    await nextSecond();
    const { child, ended } = place.start("restore", place.restoreEnv("solo", id));
    const armed = (): void => {
      place.database.fault = { before: ["REVOKE", () => void child.kill("SIGKILL")] };
    };
    place.database.fault = { before: [`${OWN}__r RENAME TO`, armed] };
    expect((await ended).signal).toBe("SIGKILL");
    mend();
    expect(await served()).toEqual(good);
    await converges();
  });

  it("by an eviction cleans up", async () => {
    const run = (): Promise<Ran> => {
      const { child, ended } = place.start("restore", place.restoreEnv("solo", id));
      place.database.fault = {
        before: ["FROM stdin", () => void child.kill("SIGTERM")],
        bytesPerSecond: 200_000,
      };
      return ended.then(async (ran) => {
        expect(await beside()).toEqual([]);
        return ran;
      });
    };
    expect((await failing(() => undefined, {}, run)).code).toBe(143);
  });

  it("with rows of a pool leaves all rows as they were", async () => {
    expect(await place.backup("acme")).toMatchObject({ code: 0 });
    const [backup] = await place.backups("acme");
    const restored = await pooled("acme");
    await place.query(
      `${databaseOf("acme")}_app_a`,
      POOL,
      "SET app.tenant_id = 'acme'; DELETE FROM app.orders WHERE id > 10",
    );
    const before = [await pooled("acme"), await pooled("acme-2")];
    await nextSecond();
    const { child, ended } = place.start("restore", place.restoreEnv("acme", backup?.id));
    place.database.fault = { before: ["DROP TABLE pg_temp.stage", () => void child.kill("SIGKILL")] };
    expect((await ended).signal).toBe("SIGKILL");
    mend();
    expect([await pooled("acme"), await pooled("acme-2")]).toEqual(before);
    await nextSecond();
    expect(await restore("acme", backup?.id)).toMatchObject({ code: 0 });
    expect([await pooled("acme"), await pooled("acme-2")]).toEqual([restored, before[1]]);
  });
});

describe("two restores at once", () => {
  it("take turns", async () => {
    await damage();
    await nextSecond();
    const first = restore();
    // One of them would take the other's name for the backup before.
    await sleep(1_100);
    const ran = await Promise.all([first, restore()]);
    expect(ran.map(({ code }) => code)).toEqual([0, 0]);
    expect(await served()).toEqual(good);
    await converges();
  });
});

describe("a drill", () => {
  const drill = (): Promise<Ran> => place.start("drill", place.restoreEnv("solo", id)).ended;
  const reports = async (): Promise<number> => (await place.keys("customers/solo/drills/")).length;

  it("of a damaged backup ends with 50, without a report or anything left, and passes when it is whole", async () => {
    onDump({ flip: "download" })();
    expect((await drill()).code).toBe(50);
    expect([await reports(), await beside()]).toEqual([0, []]);
    mend();
    expect((await drill()).code).toBe(0);
    expect([await reports(), await beside()]).toEqual([1, []]);
  });
});

describe("a full disk", () => {
  it("of the server ends a restore with 30, and what serves stays", async () => {
    disk = mountSmallDisk(10, await postgresUser());
    if (disk === undefined) {
      console.warn("no small disk can be mounted here: neither root nor sudo without a password");
      return;
    }
    const admin = (text: string): Promise<object[]> => place.query("postgres", "postgres", text);
    await admin(`CREATE TABLESPACE small LOCATION '${disk.folder}'`);
    // New databases are where their template is.
    await admin("ALTER DATABASE template0 SET TABLESPACE small");
    const large = (await place.backups("solo-2"))[0]?.id ?? "";
    const before = await served("solo-2");
    const run = async (): Promise<Ran> => {
      await nextSecond();
      return restore("solo-2", large);
    };
    // Too small for a new database, then for its contents.
    for (const megabytes of [10, 24]) {
      disk.resize(megabytes);
      expect(await run()).toMatchObject({
        code: 30,
        output: expect.stringContaining("No space left on device") as string,
      });
      expect(await beside()).toEqual([]);
      expect(await served("solo-2")).toEqual(before);
    }
    disk.resize(200);
    expect(await run()).toMatchObject({ code: 0 });
    expect(await served("solo-2")).toEqual(before);
  });

  it("of a volume ends the arrival of files with 30, and the next try brings them", async () => {
    const small = mountSmallDisk(1);
    if (small === undefined) {
      console.warn("no small disk can be mounted here: neither root nor sudo without a password");
      return;
    }
    const root = mkdtempSync(join(tmpdir(), "warehouse-volume-"));
    mkdirSync(join(root, "uploads"));
    writeFileSync(join(root, "uploads", "large.bin"), randomBytes(3_000_000));
    const files = (command: string, at: string): Promise<Ran> =>
      place.start(command, { ...place.backupEnv("solo"), OPS_ROOT: at, FILES_FOLDER: "/uploads" }).ended;
    try {
      expect((await files("files-push", root)).code).toBe(0);
      expect(await files("files-pull", small.folder)).toMatchObject({
        code: 30,
        output: expect.stringContaining("ENOSPC: no space left on device") as string,
      });
      small.resize(8);
      expect((await files("files-pull", small.folder)).code).toBe(0);
      expect((await files("files-verify", small.folder)).code).toBe(0);
    } finally {
      small.remove();
      rmSync(root, { recursive: true });
    }
  });

  it("of a volume ends a restore of files with 30, what is there stays, and the next try brings them", async () => {
    const small = mountSmallDisk(5);
    if (small === undefined) {
      console.warn("no small disk can be mounted here: neither root nor sudo without a password");
      return;
    }
    const uploads = join(small.folder, "uploads");
    const files = (command: string): Promise<Ran> =>
      place.start(command, {
        ...place.backupEnv("solo"),
        OPS_ROOT: small.folder,
        FILES_FOLDER: "/uploads",
      }).ended;
    try {
      mkdirSync(uploads);
      const large = randomBytes(3_000_000);
      writeFileSync(join(uploads, "large.bin"), large);
      await nextSecond();
      expect((await files("backup")).code).toBe(0);
      writeFileSync(join(uploads, "large.bin"), "changed since");
      writeFileSync(join(uploads, "filler.bin"), Buffer.alloc(3_500_000, 1));
      expect(await files("files-restore")).toMatchObject({
        code: 30,
        output: expect.stringContaining(`tar into ${uploads} failed`) as string,
      });
      expect(readFileSync(join(uploads, "large.bin"), "utf8")).toBe("changed since");
      small.resize(12);
      expect((await files("files-restore")).code).toBe(0);
      expect(readFileSync(join(uploads, "large.bin")).equals(large)).toBe(true);
    } finally {
      small.remove();
    }
  });
});
