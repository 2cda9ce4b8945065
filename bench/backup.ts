// Backs a generated database up by the operations program and, for comparison, by `pg_dump -Fc` piped to a streaming
// upload, in turns: `node bench/backup.ts [megabytes] [runs]`. Prints seconds, throughput and peak memory.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { PASSWORD, startPostgres } from "../test/support/postgres.ts";

const megabytes = Number(process.argv[2] ?? 200);
const runs = Number(process.argv[3] ?? 3);
const NAME = "warehouse_bench";
/** Bytes that one generated row takes in the database, about. */
const ROW_BYTES = 320;

/** Peak resident memory by program, MiB. */
type Peaks = Record<string, number>;
interface Measured {
  readonly seconds: number;
  readonly peaks: Peaks;
}

const server = await startPostgres();
const sink = spawn(process.execPath, [join(import.meta.dirname, "sink.ts")], {
  stdio: ["ignore", "pipe", "inherit"],
});
const [port] = (await once(sink.stdout, "data")) as [Buffer];
const env = {
  ...process.env,
  PATH: `${server.bin}:${process.env["PATH"] ?? ""}`,
  AWS_ENDPOINT_URL: `http://127.0.0.1:${port.toString().trim()}`,
  AWS_REGION: "us-west-2",
  AWS_ACCESS_KEY_ID: "bench",
  AWS_SECRET_ACCESS_KEY: "bench",
  PGHOST: server.host,
  PGPORT: String(server.port),
  PGDATABASE: NAME,
  PGUSER: "platform",
  PGPASSWORD: PASSWORD,
  DATABASE_HOST: server.host,
  DATABASE_PORT: String(server.port),
  DATABASE_NAME: NAME,
  DATABASE_USER: "platform",
  DATABASE_PASSWORD: PASSWORD,
  DATABASE_SSLMODE: "disable",
  TENANT_ID: "bench",
  BACKUP_BUCKET: "bench",
  BACKUP_PREFIX: "customers/bench/",
  BACKUP_RETAIN_DAYS: "1",
};

/** Fills a database: three quarters words that repeat, as orders have them, one quarter hashes that do not compress. */
async function generate(): Promise<number> {
  const admin = await server.connect("platform", "postgres");
  await admin.query(`CREATE DATABASE ${NAME} TEMPLATE template0`);
  const client = await server.connect("platform", NAME);
  await client.query("CREATE SCHEMA app; CREATE TABLE app.orders (id int PRIMARY KEY, item text, note text)");
  const rows = Math.ceil((megabytes * 2 ** 20) / ROW_BYTES);
  const step = 200_000;
  for (let from = 0; from < rows; from += step) {
    await client.query(
      `INSERT INTO app.orders SELECT n, 'pallet of article ' || n % 977 || ' in aisle ' || n % 53,
         'customer ' || n % 7919 || repeat(' please deliver to the gate at the back', 4) || md5(n::text) || md5((-n)::text)
       FROM generate_series($1::int, $2::int) n`,
      [from, Math.min(from + step, rows) - 1],
    );
  }
  await client.query("VACUUM (ANALYZE) app.orders");
  const { rows: sizes } = await client.query<{ bytes: string }>("SELECT pg_database_size($1) AS bytes", [
    NAME,
  ]);
  return Number(sizes[0]?.bytes);
}

/** Runs a program of the project to its end, and looks at its memory and its children's on the way. */
async function measure(...args: readonly string[]): Promise<Measured> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const peaks: Peaks = {};
  const look = setInterval(() => {
    for (const pid of [child.pid ?? 0, ...childrenOf(child.pid ?? 0)]) notePeak(pid, peaks);
  }, 100);
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(look);
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code ?? "a signal"}`);
  return { seconds: (performance.now() - begun) / 1000, peaks };
}

function notePeak(pid: number, peaks: Peaks): void {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const name = /^Name:\s+(\S+)/m.exec(status)?.[1] ?? "";
    const peak = Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
    peaks[name] = Math.max(peaks[name] ?? 0, peak);
  } catch {
    // It has ended.
  }
}

/** Processes whose parent is this one. */
const childrenOf = (parent: number): number[] =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === parent ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

function summary(measured: readonly Measured[], bytes: number): Record<string, unknown> {
  const seconds = measured.map((each) => each.seconds).sort((a, b) => a - b);
  const [least = 0] = seconds;
  const median = seconds[Math.floor(seconds.length / 2)] ?? 0;
  const peaks: Peaks = {};
  for (const each of measured)
    for (const [name, peak] of Object.entries(each.peaks)) peaks[name] = Math.max(peaks[name] ?? 0, peak);
  const round = (value: number): number => Math.round(value * 10) / 10;
  return {
    leastSeconds: round(least),
    medianSeconds: round(median),
    megabytesPerSecond: round(bytes / 1e6 / median),
    peakMebibytes: peaks,
  };
}

try {
  const bytes = await generate();
  const plain: Measured[] = [];
  const ops: Measured[] = [];
  for (let run = 0; run < runs; run += 1) {
    plain.push(await measure(join(import.meta.dirname, "plainBackup.ts")));
    ops.push(await measure(join(import.meta.dirname, "..", "ops", "main.ts"), "backup"));
    process.stderr.write(
      `run ${run + 1} of ${runs}, load ${loadavg()
        .map((each) => each.toFixed(1))
        .join(" ")}\n`,
    );
  }
  const ratios = plain
    .map(({ seconds }, index) => seconds / (ops[index]?.seconds ?? Number.NaN))
    .sort((a, b) => a - b);
  const report = {
    databaseMegabytes: Math.round(bytes / 1e6),
    runs,
    load: loadavg(),
    plain: summary(plain, bytes),
    ops: summary(ops, bytes),
    ratios: ratios.map((ratio) => Math.round(ratio * 100) / 100),
  };
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  sink.kill();
  await server.stop();
}
