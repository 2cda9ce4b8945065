import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { backup, type BackupRequest } from "../../ops/backup/backup.ts";
import { manifestSchema, type Manifest } from "../../ops/backup/manifest.ts";
import { checkArchive } from "../../ops/files/archive.ts";
import { liftHold, placeHold } from "../../ops/legalHold.ts";
import { FolderStore } from "../support/folderStore.ts";
import { nextSecond } from "../support/nextSecond.ts";
import { createPool } from "../support/pool.ts";
import { PASSWORD, startPostgres, withPrograms, type PostgresServer } from "../support/postgres.ts";

jest.setTimeout(120_000);

const OWN = "warehouse_solo";

let server: PostgresServer;
let store: FolderStore;
const folder = mkdtempSync(join(tmpdir(), "warehouse-backup-"));
const uploads = join(folder, "uploads");

async function query(user: string, text: string): Promise<unknown[]> {
  const client = await server.connect(user, OWN);
  try {
    const result: unknown = await client.query(text);
    return (result as { rows?: unknown[] }).rows ?? [];
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  server = await startPostgres();
  await createPool(server);
  await query(
    "postgres",
    `CREATE SCHEMA app AUTHORIZATION ${OWN}_owner; GRANT USAGE ON SCHEMA app TO ${OWN}_backup;
     ALTER DEFAULT PRIVILEGES FOR ROLE ${OWN}_owner IN SCHEMA app GRANT SELECT ON TABLES TO ${OWN}_backup;
     ALTER DEFAULT PRIVILEGES FOR ROLE ${OWN}_owner IN SCHEMA app GRANT SELECT ON SEQUENCES TO ${OWN}_backup;
     SET ROLE ${OWN}_owner;
     CREATE TABLE app.orders (id serial PRIMARY KEY, item text);
     CREATE TABLE app.lines (id int PRIMARY KEY, order_id int REFERENCES app.orders);
     INSERT INTO app.orders (item) SELECT md5(n::text) FROM generate_series(1, 20000) n`,
  );
  mkdirSync(join(uploads, "2026", "01"), { recursive: true });
  writeFileSync(join(uploads, "2026", "01", "a b.txt"), "first");
  writeFileSync(join(uploads, "top.bin"), Buffer.alloc(300_000, 7));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.stop();
});
beforeEach(() => {
  store = new FolderStore();
});
afterEach(() => {
  store.remove();
});

/** Puts a script in the place of a program, which it finds as `$REAL`. */
function program(name: string, script: string): string {
  const bin = mkdtempSync(join(folder, "bin-"));
  const real = name === "tar" ? "/usr/bin/tar" : join(server.bin, name);
  writeFileSync(join(bin, name), `#!/bin/sh\nREAL=${real}\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
  return bin;
}

const requestOf = (files?: string): BackupRequest => ({
  tenantId: "solo",
  kind: "scheduled",
  prefix: "customers/solo/",
  retainDays: 30,
  scope: "database",
  ...(files === undefined ? {} : { files }),
  database: {
    host: server.host,
    port: String(server.port),
    name: OWN,
    user: `${OWN}_backup`,
    password: PASSWORD,
    sslmode: "disable",
  },
});
const run = (files?: string, ...programs: string[]): Promise<Manifest> =>
  withPrograms(server, () => backup(requestOf(files), store, () => undefined), ...programs);
/** Exit code and message of a backup that must fail, after which nothing looks complete. */
async function failing(files = uploads, ...programs: string[]): Promise<[number, string]> {
  const error = await run(files, ...programs).then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason as Error & { exitCode?: number },
  );
  expect(store.keys().filter((key) => key.endsWith(".manifest.json"))).toEqual([]);
  return ["exitCode" in error ? (error.exitCode ?? 0) : 0, error.message];
}
const restored = (key: string): string =>
  execFileSync(join(server.bin, "pg_restore"), ["--file=-", store.path(key)], {
    maxBuffer: 2 ** 28,
  }).toString();
const sha256 = (key: string): string =>
  createHash("sha256")
    .update(readFileSync(store.path(key)))
    .digest("hex");

describe("a backup", () => {
  it("holds database and files, counted and checksummed, and the manifest last", async () => {
    const manifest = await run(uploads);
    const time = manifest.id.slice("solo-".length);
    expect(store.keys()).toEqual([
      `customers/solo/db/${time}.dump`,
      `customers/solo/db/${time}.manifest.json`,
      `customers/solo/files/${time}.tar.zst`,
    ]);
    const written = readFileSync(store.path(`customers/solo/db/${time}.manifest.json`), "utf8");
    expect(manifestSchema.parse(JSON.parse(written))).toEqual(manifest);
    const { database, files, source } = manifest;
    expect(source).toMatchObject({
      database: OWN,
      scope: "database",
      serverVersion: expect.any(Number) as number,
    });
    expect(database.tables).toEqual([
      { name: "lines", rows: 0 },
      { name: "orders", rows: 20_000 },
    ]);
    expect(database.sha256).toBe(sha256(database.key));
    expect(restored(database.key).match(/^\d+\t[0-9a-f]{32}$/gm)).toHaveLength(20_000);
    expect(files).toMatchObject({ count: 2, sha256: sha256(files?.key ?? "") });
    const tar = zstdDecompressSync(readFileSync(store.path(files?.key ?? "")));
    expect(execFileSync("tar", ["--list", "--file=-"], { input: tar }).toString().split("\n").sort()).toEqual(
      ["", "./", "./2026/", "./2026/01/", "./2026/01/a b.txt", "./top.bin"],
    );
  });

  it("counts in the snapshot that it dumps, whatever is written meanwhile", async () => {
    const url = `postgres://postgres:${server.superuserPassword}@${server.host}:${server.port}/${OWN}`;
    const late = program(
      "pg_dump",
      `case "$1" in --version) ;; *) ${join(server.bin, "psql")} -q "${url}" -c "INSERT INTO app.orders (item) VALUES ('late')" ;; esac\nexec $REAL "$@"`,
    );
    const manifest = await run(uploads, late);
    const rows = restored(manifest.database.key).match(/^\d+\t[0-9a-f]{32}$/gm)?.length;
    expect(manifest.database.tables[1]).toEqual({ name: "orders", rows });
    expect(restored(manifest.database.key)).not.toContain("late");
    await query("postgres", "DELETE FROM app.orders WHERE item = 'late'");
  });

  it("counts the files that it holds, also those that come while it is made, and leaves links out", async () => {
    const late = program(
      "tar",
      `case "$1" in --create) echo late >${uploads}/late.txt ;; esac\nexec $REAL "$@"`,
    );
    symlinkSync("/etc/passwd", join(uploads, "2026", "a link"));
    const logged: string[] = [];
    try {
      const { files } = await withPrograms(
        server,
        () => backup(requestOf(uploads), store, (line) => void logged.push(line)),
        late,
      );
      if (files === null) throw new Error("no files");
      expect(files.count).toBe(3);
      await checkArchive(store, files);
      expect(logged).toContain(
        "1 links or special files are left out (./2026/a link); plain files and folders are kept",
      );
    } finally {
      rmSync(join(uploads, "2026", "a link"));
      rmSync(join(uploads, "late.txt"), { force: true });
    }
  });

  it("is held from the start while the tenant is under legal hold", async () => {
    await nextSecond();
    await run(uploads);
    const before = store.keys();
    expect(store.held).toEqual([]);
    expect(await placeHold(store, "customers/solo/", "case-1")).toBe(before.length + 1);
    await nextSecond();
    await run(uploads);
    const note = "customers/solo/legal-hold.json";
    expect(store.held).toEqual(store.keys());
    expect(store.keys()).toHaveLength(2 * before.length + 1);
    expect(await liftHold(store, "customers/solo/")).toBe(2 * before.length + 1);
    expect(store.held.filter((key) => key !== note)).toEqual([]);
    expect(store.keys()).not.toContain(note);
  });

  it("without files of its own says so", async () => {
    expect((await run()).files).toBeNull();
    expect(store.keys().filter((key) => key.includes("/files/"))).toEqual([]);
  });
});

describe("a backup that fails leaves no manifest", () => {
  it("when the dump is cut off", async () => {
    const cut = program(
      "pg_dump",
      `case "$1" in --version) exec $REAL "$@" ;; esac\n$REAL "$@" | head -c 200000`,
    );
    const [code, message] = await failing(uploads, cut);
    expect(code).toBe(50);
    expect(message).toContain("the dump cannot be read back");
  });

  it("when pg_dump dies half-way", async () => {
    const dying = program(
      "pg_dump",
      `$REAL "$@" | head -c 100000; echo "server closed the connection" >&2; exit 1`,
    );
    expect(await failing(uploads, dying)).toEqual([
      20,
      `pg_dump of ${OWN} failed: server closed the connection`,
    ]);
  });

  it("when its session is killed while it dumps", async () => {
    const url = `postgres://postgres:${server.superuserPassword}@${server.host}:${server.port}/${OWN}`;
    const kill = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${OWN}_backup'`;
    const killed = program(
      "pg_dump",
      `${join(server.bin, "psql")} -q "${url}" -c "${kill}" >/dev/null; exec $REAL "$@"`,
    );
    const [code] = await failing(uploads, killed);
    expect(code).toBe(20);
  });

  it.each([
    ["the dump", 0, 41],
    ["a part of it", 100_000, 41],
  ])("when the bucket refuses %s", async (_what, bytes, code) => {
    store.failAfter = bytes;
    const [found, message] = await failing();
    expect([found, message]).toEqual([code, expect.stringContaining("the connection was cut")]);
  });

  it("when the files cannot be read, or their archive cannot", async () => {
    expect((await failing(join(folder, "nowhere")))[1]).toContain("ENOENT");
    const broken = program(
      "tar",
      `case "$1" in --create) exec $REAL "$@" ;; esac\nhead -c 100 >/dev/null; echo "Unexpected EOF" >&2; exit 2`,
    );
    expect(await failing(uploads, broken)).toEqual([50, "the archive cannot be read back: Unexpected EOF"]);
    const denied = program(
      "tar",
      `case "$1" in --create) echo "Permission denied" >&2; exit 2 ;; esac\nexec $REAL "$@"`,
    );
    const [code, message] = await failing(uploads, denied);
    expect([code, message]).toEqual([30, `tar of ${uploads} failed: Permission denied`]);
  });

  it("when the manifest is there already", async () => {
    const first = await run();
    await expect(store.create(`customers/solo/db/${first.id.slice(5)}.manifest.json`, {})).rejects.toThrow(
      "PreconditionFailed",
    );
  });

  it("when a program is missing", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = folder;
    try {
      const error = await backup(requestOf(), store, () => undefined).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        exitCode: 10,
        message: expect.stringContaining("pg_dump cannot be started") as string,
      });
    } finally {
      process.env["PATH"] = path;
    }
  });
});
