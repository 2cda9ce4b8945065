import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import { backup } from "../../ops/backup/backup.ts";
import type { Manifest } from "../../ops/backup/manifest.ts";
import { verify } from "../../ops/backup/verify.ts";
import { exportData, type ExportManifest } from "../../ops/export/export.ts";
import { restoreFiles } from "../../ops/files/restore.ts";
import { BackupMetrics } from "../../ops/metrics/collect.ts";
import { serveMetrics } from "../../ops/metrics/serve.ts";
import { bootstrapPool } from "../../ops/pool/bootstrap.ts";
import type { DatabaseLogin } from "../../ops/postgres.ts";
import { METRICS } from "../../monitoring/metrics.ts";
import { FolderStore } from "../support/folderStore.ts";
import { createPool, POOL } from "../support/pool.ts";
import { PASSWORD, startPostgres, withPrograms, type PostgresServer } from "../support/postgres.ts";

jest.setTimeout(120_000);

const OWN = "warehouse_solo";
const PREFIX = "customers/solo/";
const NOW = new Date("2026-03-10T12:00:00Z");

let server: PostgresServer;
let store: FolderStore;
let root: string;
let uploads: string;
let manifest: Manifest;
let logged: string[];
const log = (line: string): void => void logged.push(line);

const login = (user: string, name: string): DatabaseLogin => ({
  host: server.host,
  port: String(server.port),
  name,
  user,
  password: PASSWORD,
  sslmode: "disable",
});
async function query(user: string, database: string, text: string): Promise<void> {
  const client = await server.connect(user, database);
  await client.query(text);
  await client.end();
}
function put(path: string, content: string): void {
  mkdirSync(join(uploads, path, ".."), { recursive: true });
  writeFileSync(join(uploads, path), content);
}
/** Files below a folder with what is in them, the operations program's own left out unless asked for. */
const contents = (folder = uploads): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .filter((path) => !path.startsWith(".warehouse-"))
      .sort()
      .map((path) => [path, readFileSync(join(folder, path), "utf8")]),
  );
const own = (): string[] => readdirSync(uploads).filter((name) => name.startsWith(".warehouse-"));
async function failure(run: Promise<unknown>): Promise<[number | undefined, string]> {
  const error = await run.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason as Error & { exitCode?: number },
  );
  return ["exitCode" in error ? error.exitCode : undefined, error.message];
}
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const verifying = (choice = {}) =>
  withPrograms(server, () => verify({ tenantId: "solo", prefix: PREFIX, choice }, store, log));
const restoring = (now = NOW) =>
  restoreFiles({ tenantId: "solo", prefix: PREFIX, folder: uploads, choice: {} }, store, now, log);

beforeAll(async () => {
  server = await startPostgres();
  await createPool(server);
  await bootstrapPool(login(`${POOL}_migrate`, POOL));
  await query(
    "postgres",
    OWN,
    `CREATE SCHEMA app AUTHORIZATION ${OWN}_owner; GRANT USAGE ON SCHEMA app TO ${OWN}_backup;
     ALTER DEFAULT PRIVILEGES FOR ROLE ${OWN}_owner IN SCHEMA app GRANT SELECT ON TABLES TO ${OWN}_backup;
     ALTER DEFAULT PRIVILEGES FOR ROLE ${OWN}_owner IN SCHEMA app GRANT SELECT ON SEQUENCES TO ${OWN}_backup;
     SET ROLE ${OWN}_owner;
     CREATE TABLE app.orders (id int PRIMARY KEY, item text);
     CREATE TABLE app.empty (id int PRIMARY KEY);
     INSERT INTO app.orders VALUES (1, 'a "b", c'), (2, NULL), (3, '')`,
  );
  await query(
    `${POOL}_migrate`,
    POOL,
    `CREATE TABLE app.orders (tenant_id text NOT NULL, id int, item text, PRIMARY KEY (tenant_id, id));
     SELECT tenancy.protect('app.orders')`,
  );
  for (const [tenant, user] of [
    ["acme", "warehouse_acme_app_a"],
    ["acme-2", "warehouse_acme_2_app_a"],
  ] as const)
    await query(
      user,
      POOL,
      `SET app.tenant_id = '${tenant}'; INSERT INTO app.orders VALUES ('${tenant}', 1, 'of ${tenant}')`,
    );
});
afterAll(() => server.stop());
beforeEach(async () => {
  logged = [];
  store = new FolderStore();
  root = mkdtempSync(join(tmpdir(), "warehouse-verify-"));
  uploads = join(root, "uploads");
  put("2026/01/ä b.txt", "first");
  put("top.bin", "x".repeat(50_000));
  put(".warehouse-kept-260101/old.txt", "old");
  manifest = await withPrograms(server, () =>
    backup(
      {
        tenantId: "solo",
        kind: "manual",
        prefix: PREFIX,
        retainDays: 30,
        scope: "database",
        files: uploads,
        database: login(`${OWN}_backup`, OWN),
      },
      store,
      log,
    ),
  );
  await store.replace(`${PREFIX}tenant.json`, {});
  rmSync(join(uploads, ".warehouse-kept-260101"), { recursive: true });
  logged = [];
});
afterEach(() => {
  store.remove();
  rmSync(root, { recursive: true });
});

/** Puts another archive in the place of the one that was backed up, and its facts into the manifest. */
function replaceArchive(tar: Buffer, count: number): void {
  const packed = zstdCompressSync(tar);
  const { files } = manifest;
  if (files === null) throw new Error("no files");
  writeFileSync(store.path(files.key), packed);
  const changed = { ...manifest, files: { ...files, count, bytes: packed.length, sha256: sha256(packed) } };
  writeFileSync(
    store.path(manifest.database.key.replace(".dump", ".manifest.json")),
    JSON.stringify(changed),
  );
}
const tarOf = (...args: string[]): Buffer =>
  execFileSync("tar", ["--create", "--file=-", `--directory=${root}`, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });

describe("verify", () => {
  it("reads a backup to its end, without what the program keeps on the volume", async () => {
    expect(await verifying()).toEqual(manifest);
    expect(manifest.files?.count).toBe(2);
    expect(logged.at(-1)).toBe(`${manifest.id} is whole`);
  });

  it("finds a flipped bit and a missing end, in the dump as in the files", async () => {
    for (const key of [manifest.database.key, manifest.files?.key ?? ""]) {
      const good = readFileSync(store.path(key));
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(100) ^ 1, 100);
      for (const content of [bad, good.subarray(0, good.length - 20)]) {
        writeFileSync(store.path(key), content);
        expect(await failure(verifying())).toEqual([
          50,
          `${key} is not what was backed up: its checksum is another`,
        ]);
      }
      writeFileSync(store.path(key), good);
    }
  });

  it("finds what the checksum does not tell: half a dump, an archive with other files", async () => {
    const { key } = manifest.database;
    const half = readFileSync(store.path(key)).subarray(0, 1500);
    writeFileSync(store.path(key), half);
    const changed = {
      ...manifest,
      database: { ...manifest.database, bytes: half.length, sha256: sha256(half) },
    };
    writeFileSync(store.path(key.replace(".dump", ".manifest.json")), JSON.stringify(changed));
    expect(await failure(verifying())).toEqual([
      50,
      expect.stringContaining(`${key} cannot be read: pg_restore`),
    ]);
  });

  it("counts the files", async () => {
    replaceArchive(tarOf("uploads/top.bin"), 2);
    expect(await failure(verifying())).toEqual([50, `${manifest.files?.key ?? ""} holds 1 files, not 2`]);
  });

  it("says so where an object or a backup is not there", async () => {
    rmSync(store.path(manifest.database.key));
    expect(await failure(verifying())).toEqual([40, `${manifest.database.key}: NoSuchKey`]);
    expect(await failure(verifying({ id: "solo-20200101T000000Z" }))).toEqual([
      50,
      `solo has no such backup (solo-20200101T000000Z); its newest is ${manifest.id}`,
    ]);
  });
});

describe("a restore of files", () => {
  it("brings back what was damaged and keeps what was there", async () => {
    const before = contents();
    put("top.bin", "damaged");
    put("new.txt", "new");
    rmSync(join(uploads, "2026"), { recursive: true });
    expect(await restoring()).toEqual({ backupId: manifest.id, count: 2, kept: ".warehouse-kept-260310" });
    expect(contents()).toEqual(before);
    expect(contents(join(uploads, ".warehouse-kept-260310"))).toEqual({
      "new.txt": "new",
      "top.bin": "damaged",
    });
    expect(own()).toEqual([".warehouse-kept-260310"]);
    // Again, on the same day: nothing that is kept is overwritten.
    put("top.bin", "again");
    await restoring();
    expect(contents(join(uploads, ".warehouse-kept-260310"))["top.bin~2"]).toBe("again");
    // What is kept goes with the next restore after a week.
    await restoring(new Date("2026-03-17T23:00:00Z"));
    expect(own()).toContain(".warehouse-kept-260310");
    await restoring(new Date("2026-03-18T00:00:01Z"));
    expect(own()).not.toContain(".warehouse-kept-260310");
  });

  it("converges from wherever a run was killed", async () => {
    const before = contents();
    // While it unpacked.
    put(".warehouse-arriving/half", "half");
    await restoring();
    expect(contents()).toEqual(before);
    // While it made way: one is kept already, another not.
    put(".warehouse-ready/top.bin", "complete, but begun anew");
    mkdirSync(join(uploads, ".warehouse-kept-260310"), { recursive: true });
    renameSync(join(uploads, "2026"), join(uploads, ".warehouse-kept-260310", "2026~9"));
    await restoring();
    expect(contents()).toEqual(before);
    // While it let in: what was let in stays, what is left follows, and what came meanwhile is kept.
    rmSync(join(uploads, ".warehouse-kept-260310"), { recursive: true });
    put(".warehouse-entering/late.txt", "late");
    put("late.txt", "came meanwhile");
    await restoring();
    expect(contents()).toEqual(before);
    const kept = contents(join(uploads, ".warehouse-kept-260310"));
    expect([kept["late.txt"], kept["late.txt~2"]]).toEqual(["came meanwhile", "late"]);
    expect(own()).toEqual([".warehouse-kept-260310"]);
  });

  it("refuses an archive that leads elsewhere or holds what is no file, and leaves what is there alone", async () => {
    const before = contents();
    const { key = "" } = manifest.files ?? {};
    symlinkSync("/etc/passwd", join(root, "link"));
    writeFileSync(join(root, "outside"), "x");
    replaceArchive(tarOf("link"), 1);
    expect(await failure(restoring())).toEqual([
      50,
      `${key}: "link -> /etc/passwd" is no plain file or folder`,
    ]);
    replaceArchive(tarOf("--absolute-names", "--transform=s,^,../,", "outside"), 1);
    expect(await failure(restoring())).toEqual([50, `${key}: "../outside" leads out of the tenant's folder`]);
    replaceArchive(tarOf("--absolute-names", join(root, "outside")), 1);
    expect((await failure(restoring()))[1]).toBe(
      `${key}: "${join(root, "outside")}" leads out of the tenant's folder`,
    );
    expect(contents()).toEqual(before);
    expect(own()).toEqual([]);
    expect(existsSync(join(root, "..", "outside"))).toBe(false);
  });

  it("refuses a backup without files, and one that is damaged", async () => {
    const { key = "" } = manifest.files ?? {};
    writeFileSync(store.path(key), readFileSync(store.path(key)).subarray(0, 100));
    expect(await failure(restoring())).toEqual([
      50,
      `${key} is not what was backed up: its checksum is another`,
    ]);
    const file = store.path(manifest.database.key.replace(".dump", ".manifest.json"));
    writeFileSync(file, JSON.stringify({ ...manifest, files: null }));
    expect(await failure(restoring())).toEqual([50, `${manifest.id} holds no files`]);
  });
});

describe("an export", () => {
  const exporting = (request: Partial<Parameters<typeof exportData>[0]> = {}): Promise<ExportManifest> =>
    withPrograms(server, () =>
      exportData(
        {
          tenantId: "solo",
          prefix: PREFIX,
          retainDays: 30,
          scope: "database",
          files: uploads,
          database: login(`${OWN}_backup`, OWN),
          ...request,
        },
        store,
        log,
      ),
    );
  const folderOf = (prefix = PREFIX): string => {
    const [key = ""] = store
      .keys()
      .filter((name) => name.startsWith(`${prefix}export/`) && name.endsWith("/manifest.json"));
    return key.replace("manifest.json", "");
  };

  it("holds tables as CSV, definitions, files and checksums that are true", async () => {
    const done = await exporting();
    const below = folderOf();
    const read = (name: string): Buffer => readFileSync(store.path(`${below}${name}`));
    expect(gunzipSync(read("data/orders.csv.gz")).toString()).toBe('id,item\n1,"a ""b"", c"\n2,\n3,""\n');
    expect(gunzipSync(read("data/empty.csv.gz")).toString()).toBe("id\n");
    expect(read("schema.sql").toString()).toContain("CREATE TABLE app.orders");
    const target = join(root, "files");
    mkdirSync(target);
    execFileSync("tar", ["-xzf", store.path(`${below}files.tar.gz`), "-C", target]);
    expect(contents(target)).toEqual(contents());
    expect(JSON.parse(read("manifest.json").toString())).toEqual(done);
    expect(done.objects.map(({ name, rows, files }) => [name, rows ?? files])).toEqual([
      ["data/empty.csv.gz", 0],
      ["data/orders.csv.gz", 3],
      ["schema.sql", undefined],
      ["files.tar.gz", 2],
    ]);
    for (const { name, bytes, sha256: sum } of done.objects)
      expect([name, read(name).length, sha256(read(name))]).toEqual([name, bytes, sum]);
    expect(done.readme).toContain("RFC 4180");
  });

  it("of a pooled tenant holds its rows and nobody else's", async () => {
    await exporting({
      tenantId: "acme",
      prefix: "customers/acme/",
      scope: "rows",
      database: login("warehouse_acme_backup", POOL),
    });
    const file = store.path(`${folderOf("customers/acme/")}data/orders.csv.gz`);
    expect(gunzipSync(readFileSync(file)).toString()).toBe("tenant_id,id,item\nacme,1,of acme\n");
  });

  it("that was interrupted has no manifest", async () => {
    store.failAfter = 10;
    expect((await failure(exporting()))[0]).toBe(41);
    expect(folderOf()).toBe("");
    store.failAfter = Number.POSITIVE_INFINITY;
    expect((await failure(exporting({ files: join(root, "nowhere") })))[0]).toBe(30);
    expect(folderOf()).toBe("");
    expect((await failure(exporting({ database: login("warehouse_solo_2_backup", OWN) })))[0]).toBe(22);
  });
});

describe("metrics", () => {
  it("tell of each tenant what the bucket says, under the names that alerts use", async () => {
    const metrics = new BackupMetrics(store);
    await store.create(`${PREFIX}drills/20260309T000000Z.json`, {
      tenantId: "solo",
      backupId: manifest.id,
      finishedAt: "2026-03-09T00:00:00Z",
      seconds: 1.5,
      bytes: 9,
      tables: [],
    });
    await store.replace("customers/acme/tenant.json", {});
    await metrics.refresh(NOW, log);
    const samples = metrics
      .text()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    const taken = Date.parse(manifest.source.snapshotAt) / 1000;
    expect(samples).toEqual([
      `${METRICS.exporter.backupVerified}{tenant="solo"} ${taken}`,
      `${METRICS.exporter.backupSize}{tenant="solo",part="database"} ${manifest.database.bytes}`,
      `${METRICS.exporter.backupSize}{tenant="solo",part="files"} ${manifest.files?.bytes ?? 0}`,
      expect.stringMatching(/^warehouse_backup_duration_seconds\{tenant="solo"\} \d+$/),
      `${METRICS.exporter.drillSucceeded}{tenant="solo"} ${Date.parse("2026-03-09T00:00:00Z") / 1000}`,
      `${METRICS.exporter.drillDuration}{tenant="solo"} 1.5`,
      `warehouse_metrics_last_refresh_timestamp_seconds ${NOW.getTime() / 1000}`,
    ]);
    expect(samples[3]).toContain(METRICS.exporter.backupDuration);
  });

  it("read each manifest once, and of a tenant whose is damaged tell nothing but in the log", async () => {
    const metrics = new BackupMetrics(store);
    await metrics.refresh(NOW, log);
    const file = store.path(manifest.database.key.replace(".dump", ".manifest.json"));
    writeFileSync(file, "{");
    await metrics.refresh(NOW, log);
    expect(metrics.text()).toContain(`${METRICS.exporter.backupVerified}{tenant="solo"}`);
    const fresh = new BackupMetrics(store);
    await fresh.refresh(NOW, log);
    expect(fresh.text()).not.toContain('tenant="solo"');
    expect(logged).toEqual([
      `${manifest.database.key.replace(".dump", ".manifest.json")} is no manifest of a backup`,
    ]);
  });

  it("are served, also while the bucket does not answer", async () => {
    const broken = Object.assign(Object.create(store) as FolderStore, {
      folders: () => Promise.reject(new Error("no answer")),
    });
    const { server: http, address } = await serveMetrics(
      new BackupMetrics(broken),
      { listen: "127.0.0.1:0", refreshSeconds: 60 },
      log,
    );
    try {
      const answer = await fetch(`http://${address}/metrics`);
      expect(answer.headers.get("content-type")).toContain("version=0.0.4");
      expect(await answer.text()).toContain("warehouse_metrics_last_refresh_timestamp_seconds 0\n");
      expect((await fetch(`http://${address}/health`)).status).toBe(200);
      expect((await fetch(`http://${address}/other`)).status).toBe(404);
      expect(logged).toEqual(["the bucket was not read: no answer"]);
    } finally {
      http.close();
    }
  });
});
