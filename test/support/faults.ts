import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { manifestSchema, type Manifest } from "../../ops/backup/manifest.ts";
import { bootstrapPool } from "../../ops/pool/bootstrap.ts";
import { prepareSchema } from "../../ops/schema.ts";
import { BACKUP_BUCKET } from "../../sandbox/stackConfig.ts";
import { startMoto } from "./moto.ts";
import { createPool, POOL } from "./pool.ts";
import { PASSWORD, startPostgres, type PostgresServer } from "./postgres.ts";
import { startTcpProxy, type TcpProxy } from "./proxy.ts";
import { PROJECT } from "./registry.ts";
import { startS3Proxy, type S3Proxy } from "./s3Proxy.ts";

/** How a run of the operations program ended. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly seconds: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

/**
 * The operations program as a plain process, between it and a real PostgreSQL and S3 endpoint a proxy each. Tenants:
 * `solo` (1,000 orders), `solo-2` (17 MB that do not compress), `acme` and `acme-2` (50 orders each in the pool).
 */
export interface Place {
  readonly server: PostgresServer;
  readonly database: TcpProxy;
  readonly bucket: S3Proxy;
  /** Straight to the endpoint. */
  readonly s3: S3Client;
  start(command: string, env: Readonly<Record<string, string>>): Running;
  /** A run with both proxies passing everything on is one without `fault`. */
  backup(tenantId: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
  backupEnv(tenantId: string): Record<string, string>;
  restoreEnv(tenantId: string, id?: string): Record<string, string>;
  query<Row extends object>(user: string, database: string, text: string): Promise<Row[]>;
  keys(prefix: string): Promise<string[]>;
  read(key: string): Promise<Buffer>;
  write(key: string, body: Buffer): Promise<void>;
  /** The manifests of a tenant, oldest first; each names objects that are there as it says. */
  backups(tenantId: string): Promise<Manifest[]>;
  /** Uploads that were begun and neither completed nor aborted. */
  unfinished(): Promise<number>;
  stop(): Promise<void>;
}

export const databaseOf = (tenantId: string): string => `warehouse_${tenantId.replaceAll("-", "_")}`;
const isPooled = (tenantId: string): boolean => tenantId.startsWith("acme");

export async function openPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "warehouse-faults-"));
  const [server, moto] = await Promise.all([startPostgres(), startMoto()]);
  const [database, bucket] = await Promise.all([startTcpProxy(server.port), startS3Proxy(moto.port)]);
  const s3 = new S3Client({
    endpoint: moto.env["AWS_ENDPOINT_URL"] ?? "",
    region: "us-west-2",
    forcePathStyle: true,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const common = (tenantId: string): Record<string, string> => ({
    PATH: `${server.bin}:${process.env["PATH"] ?? ""}`,
    ...moto.env,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${bucket.port}`,
    NODE_COMPILE_CACHE: join(folder, "compiled"),
    OPS_WAIT_SECONDS: "20",
    DATABASE_HOST: "127.0.0.1",
    DATABASE_PORT: String(database.port),
    DATABASE_PASSWORD: PASSWORD,
    DATABASE_SSLMODE: "disable",
    TENANT_ID: tenantId,
    BACKUP_BUCKET,
    BACKUP_PREFIX: `customers/${tenantId}/`,
    BACKUP_RETAIN_DAYS: "30",
  });
  /** SHA-256 of objects by their version. */
  const compared = new Map<string, string>();
  const place: Place = {
    server,
    database,
    bucket,
    s3,
    start(command, env) {
      const begun = performance.now();
      const child = spawn(process.execPath, [join(PROJECT, "ops", "main.ts"), command], {
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const chunks: Buffer[] = [];
      for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      }
      const ended = new Promise<Ran>((resolve) => {
        child.once("close", (code, signal) => {
          const seconds = (performance.now() - begun) / 1000;
          resolve({ code, signal, output: Buffer.concat(chunks).toString(), seconds });
        });
      });
      return { child, ended };
    },
    backup: (tenantId, env = {}) => place.start("backup", { ...place.backupEnv(tenantId), ...env }).ended,
    backupEnv: (tenantId) => ({
      ...common(tenantId),
      DATABASE_NAME: isPooled(tenantId) ? POOL : databaseOf(tenantId),
      DATABASE_USER: `${databaseOf(tenantId)}_backup`,
      BACKUP_SCOPE: isPooled(tenantId) ? "rows" : "database",
    }),
    restoreEnv: (tenantId, id) => ({
      ...common(tenantId),
      DATABASE_NAME: "postgres",
      DATABASE_USER: "platform",
      ...(id === undefined ? {} : { RESTORE_ID: id }),
    }),
    async query<Row extends object>(user: string, name: string, text: string): Promise<Row[]> {
      const client = await server.connect(user, name);
      try {
        const result: unknown = await client.query(text);
        return (result as { rows?: Row[] }).rows ?? [];
      } finally {
        await client.end();
      }
    },
    async keys(prefix) {
      const { Contents: found = [] } = await s3.send(
        new ListObjectsV2Command({ Bucket: BACKUP_BUCKET, Prefix: prefix }),
      );
      return found.flatMap(({ Key: key }) => (key === undefined ? [] : [key]));
    },
    async read(key) {
      const { Body: body } = await s3.send(new GetObjectCommand({ Bucket: BACKUP_BUCKET, Key: key }));
      return Buffer.from((await body?.transformToByteArray()) ?? []);
    },
    async write(key, body) {
      await s3.send(new PutObjectCommand({ Bucket: BACKUP_BUCKET, Key: key, Body: body }));
    },
    async backups(tenantId) {
      const keys = await place.keys(`customers/${tenantId}/db/`);
      const manifests: Manifest[] = [];
      for (const key of keys.filter((each) => each.endsWith(".manifest.json"))) {
        const manifest = manifestSchema.parse(JSON.parse((await place.read(key)).toString()));
        for (const object of [manifest.database, manifest.files]) {
          if (object === null) continue;
          // What was compared once is compared again only if it was written again.
          const { VersionId: version = "" } = await s3.send(
            new HeadObjectCommand({ Bucket: BACKUP_BUCKET, Key: object.key }),
          );
          if (compared.get(version) !== object.sha256) {
            expect(sha256(await place.read(object.key))).toBe(object.sha256);
          }
          compared.set(version, object.sha256);
        }
        manifests.push(manifest);
      }
      return manifests;
    },
    async unfinished() {
      const { Uploads: uploads = [] } = await s3.send(
        new ListMultipartUploadsCommand({ Bucket: BACKUP_BUCKET }),
      );
      return uploads.length;
    },
    async stop() {
      s3.destroy();
      await Promise.all([database.stop(), bucket.stop()]);
      await Promise.all([server.stop(), moto.stop()]);
      rmSync(folder, { recursive: true });
    },
  };
  await seed(place);
  return place;
}

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

const loginTo = ({ server }: Place) => ({
  host: "127.0.0.1",
  port: String(server.port),
  password: PASSWORD,
  sslmode: "disable",
});

/** Fills the databases as their applications would. */
async function seed(place: Place): Promise<void> {
  await createPool(place.server);
  for (const tenantId of ["solo", "solo-2"]) await seedOwn(place, tenantId);
  const large = await place.server.connect(`${databaseOf("solo-2")}_app_a`, databaseOf("solo-2"));
  for (let megabytes = 0; megabytes < 17; megabytes += 1) {
    await large.query("INSERT INTO app.scans (content) VALUES ($1)", [randomBytes(2 ** 20)]);
  }
  await large.end();
  await bootstrapPool({ ...loginTo(place), name: POOL, user: `${POOL}_migrate` });
  await place.query(
    `${POOL}_migrate`,
    POOL,
    `CREATE TABLE app.orders (tenant_id text NOT NULL, id int, item text, PRIMARY KEY (tenant_id, id));
     SELECT tenancy.protect('app.orders')`,
  );
  for (const tenantId of ["acme", "acme-2"]) {
    await place.query(
      `${databaseOf(tenantId)}_app_a`,
      POOL,
      `SET app.tenant_id = '${tenantId}';
       INSERT INTO app.orders SELECT '${tenantId}', n, 'item ' || n FROM generate_series(1, 50) n`,
    );
  }
}

async function seedOwn(place: Place, tenantId: string): Promise<void> {
  const own = databaseOf(tenantId);
  await place.query("postgres", own, `CREATE SCHEMA app AUTHORIZATION ${own}_owner`);
  await prepareSchema({ ...loginTo(place), name: own, user: `${own}_migrate` }, tenantId);
  await place.query(
    `${own}_migrate`,
    own,
    `CREATE TABLE app.orders (id serial PRIMARY KEY, item text NOT NULL);
     CREATE TABLE app.scans (id serial PRIMARY KEY, content bytea);
     INSERT INTO app.orders (item) SELECT 'item ' || n FROM generate_series(1, 1000) n`,
  );
}

/** Process ids of a program whose environment contains a text, e.g. the port of a proxy. */
export function processesOf(program: string, text: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const command = readFileSync(`/proc/${name}/comm`, "utf8").trim();
      const environment = readFileSync(`/proc/${name}/environ`, "utf8");
      return command === program && environment.includes(text) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
