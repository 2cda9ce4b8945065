import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { hasOwnApp, hasOwnDatabase } from "../../registry/placement.ts";
import { backupJobOf } from "../../registry/naming.ts";
import {
  acting,
  connectionOf,
  loginOf,
  openWorkplace,
  sql,
  tenantLogin,
  type Workplace,
} from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";

/** Tenants of every placement, two of the pool. */
const TENANTS = [
  { id: "acme", plan: "enterprise", placement: "silo" },
  { id: "carla", plan: "starter", placement: "pool" },
  { id: "carla-2", plan: "starter", placement: "pool" },
  { id: "dora", plan: "professional", placement: "bridge" },
] as const;
/** Rows of each, so that a table of another would be noticed. */
const ROWS: Readonly<Record<string, number>> = { acme: 1000, carla: 30, "carla-2": 40, dora: 500 };

let place: Workplace;
let bucket: S3Client;

/** Runs a Job by the pattern of a CronJob, and returns what it logged when it has ended as it must. */
async function run(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  as: string,
  args?: readonly string[],
): Promise<string> {
  const made = await place.kubectl(
    ...["create", "job", as, `--from=cronjob/${name}`, "-n", namespace, "--dry-run=client", "-o", "json"],
  );
  const job = JSON.parse(made.stdout) as {
    spec: { template: { spec: { containers: [{ args: unknown }] } } };
  };
  if (args !== undefined) job.spec.template.spec.containers[0].args = args;
  place.write("job.json", JSON.stringify(job));
  await place.kubectl("create", "-f", "job.json");
  const done = await place.kubectl(
    ...["wait", `job/${as}`, "-n", namespace, "--for=condition=complete", "--timeout=120s"],
  );
  const { stdout } = await place.kubectl("logs", `job/${as}`, "-n", namespace);
  if (!done.output.includes("condition met")) throw new Error(`${done.output}\n${stdout}`);
  return stdout;
}

beforeAll(async () => {
  place = await openWorkplace();
  const text = place.read(REGISTRY);
  const head = text.slice(0, text.indexOf("tenants:\n"));
  const entries = TENANTS.map(
    ({ id, plan }) => `\n  - id: ${id}\n    plan: ${plan}\n    since: "2026-01-01T00:00:00Z"\n`,
  );
  place.write(REGISTRY, `${head}tenants:${entries.join("")}`);
  const { code, output } = await place.pulumi("up", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(output);
  bucket = new S3Client({
    endpoint: place.platform.aws.endpoint,
    region: "us-west-2",
    forcePathStyle: true,
    credentials: { accessKeyId: "sandbox", secretAccessKey: "sandbox" },
  });
  const shared = await loginOf(place, "warehouse-shared", "warehouse-shared-migrate-secret");
  await sql(
    connectionOf(place, shared),
    `create table app.items (tenant_id text not null, id int, name text, primary key (tenant_id, id));
     select tenancy.protect('app.items')`,
  );
  for (const tenant of TENANTS) {
    const { id, plan, placement } = tenant;
    if (hasOwnDatabase(placement)) {
      await sql(
        connectionOf(place, await tenantLogin(place, id, "migrate")),
        "create table app.items (tenant_id text not null, id int, name text, primary key (tenant_id, id))",
      );
    }
    await acting(
      id,
      connectionOf(place, await tenantLogin(place, id)),
      `insert into items select '${id}', n, 'item ' || n from generate_series(1, ${ROWS[id] ?? 0}) n`,
    );
    const volume = hasOwnApp(placement)
      ? join(`customer-${id}`, "warehouse-uploads")
      : join(`pool-${plan}`, "warehouse-uploads", id);
    const folder = join(place.platform.paths.volumes, volume);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `of ${id}.txt`), id);
    await run(backupJobOf(tenant, ""), `now-${id}`);
  }
}, 20 * MINUTE);
afterAll(async () => {
  bucket.destroy();
  await place.close();
});

describe("the backup of a tenant whose files are on a volume that it shares", () => {
  it.each(["carla", "carla-2"])("of %s holds its files and none of its neighbour's", async (id) => {
    const { Contents = [] } = await bucket.send(
      new ListObjectsV2Command({ Bucket: "warehouse-backups", Prefix: `customers/${id}/files/` }),
    );
    const { Body: body } = await bucket.send(
      new GetObjectCommand({ Bucket: "warehouse-backups", Key: Contents[0]?.Key ?? "" }),
    );
    const archive = zstdDecompressSync((await body?.transformToByteArray()) ?? new Uint8Array());
    expect(execFileSync("tar", ["--list"], { input: archive }).toString()).toBe(`./\n./of ${id}.txt\n`);
  });
});

describe("a drill of every tenant", () => {
  it("restores each backup, and ends with the recovery times that were measured", async () => {
    const drills = { namespace: "warehouse-ops", name: "warehouse-drills" };
    const lines = (await run(drills, "all", ["drills", "--all"])).split("\n");
    const table = lines
      .slice(lines.findIndex((line) => line.startsWith("tenant ")))
      .filter((line) => line !== "");
    process.stderr.write(`\n${table.join("\n")}\n`);
    expect(table[0]).toMatch(/^tenant +backup +bytes +rows +RTO$/);
    const cells = table.slice(1).map((line) => line.split(/ {2,}/));
    expect(cells.map(([id, , , rows]) => [id, Number(rows)])).toEqual(
      TENANTS.map(({ id }) => [id, ROWS[id]]),
    );
    for (const [, backup, , , took] of cells) {
      expect(backup).toMatch(/^[a-z0-9-]+-\d{8}T\d{6}Z$/);
      expect(took).toMatch(/^\d+\.\d s$/);
    }
    const left = await sql(
      { ...place.platform.pg.platform, database: "postgres" },
      "select datname from pg_database where datname ~ '__'",
    );
    expect(left).toEqual([]);
  });
});

describe("the metrics of backups and drills", () => {
  it("are served by a pod that reads the bucket", async () => {
    // Begun anew, it reads what is there now.
    await place.kubectl("rollout", "restart", "deployment/warehouse-metrics", "-n", "warehouse-ops");
    await place.kubectl(
      ...["rollout", "status", "deployment/warehouse-metrics", "-n", "warehouse-ops", "--timeout=90s"],
    );
    const read = async (): Promise<string> => {
      const pods = await place.kubectl(
        ...["get", "pods", "-n", "warehouse-ops", "-l", "app=warehouse-metrics", "-o", "name"],
        ...["--sort-by=.metadata.creationTimestamp"],
      );
      const pod = pods.stdout.trim().split("\n").at(-1) ?? "";
      const { stdout } = await place.kubectl("logs", pod, "-n", "warehouse-ops");
      const address = /answering \/metrics on (\S+)/.exec(stdout)?.[1];
      if (address === undefined) return "";
      return fetch(`http://${address}/metrics`).then(
        (answer) => answer.text(),
        () => "",
      );
    };
    let text = "";
    for (let tenths = 0; tenths < 600 && !text.includes("duration_seconds{"); tenths += 5) {
      text = await read();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    for (const { id } of TENANTS) {
      for (const name of ["backup_last_verified_timestamp_seconds", "drill_last_success_timestamp_seconds"]) {
        const value = new RegExp(`^warehouse_${name}\\{tenant="${id}"\\} (\\S+)$`, "m").exec(text)?.[1];
        expect([id, name, Math.abs(Date.now() / 1000 - Number(value)) < 1800]).toEqual([id, name, true]);
      }
    }
  });
});
