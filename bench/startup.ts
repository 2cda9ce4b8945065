// How soon the program registers its first resource, and what each resource costs it, beside a program that only imports
// the SDK and one that registers the same resources without working anything out:
// `node bench/startup.ts [tenants] [runs]`. Programs run as `pulumi up` runs them, with the options of Pulumi.yaml,
// against something that agrees to everything at once. Prints least and median.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { commandLine, environment } from "../sandbox/language-host/program.ts";
import { startMonitor } from "./startup/monitor.ts";

const tenants = Number(process.argv[2] ?? 50);
const runs = Number(process.argv[3] ?? 5);

const project = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "warehouse-bench-"));
const script = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run");
const { runtime } = parse(readFileSync(join(project, "Pulumi.yaml"), "utf8")) as {
  runtime: { options: { nodeargs: string } };
};

/** A program as the engine finds it: its folder and entry point, and the options that it is run with. */
interface Program {
  readonly folder: string;
  readonly entryPoint: string;
  readonly options: Readonly<Record<string, unknown>>;
}

interface Measured {
  /** Seconds until the first resource. */
  readonly first: number;
  /** Seconds of processor time in all. */
  readonly cpu: number;
  readonly megabytes: number;
  readonly resources: number;
}

/** A cell's configuration, as the engine passes it. */
const config = Object.fromEntries(
  Object.entries({
    cell: "bench",
    region: "us-west-2",
    baseDomain: "yourwarehousesaas.com",
    kubernetes: { context: "bench" },
    database: { host: "db.internal", port: 5432, user: "platform", sslmode: "verify-full" },
    backup: {
      bucket: "warehouse-backups",
      manage: true,
      image: `registry.example.com/warehouse-ops@sha256:${"0".repeat(64)}`,
      identity: { kind: "podIdentity", cluster: "bench" },
    },
    edge: { mode: "gateway", gateway: { name: "platform", namespace: "gateway-system" } },
    network: { clusterCidrs: ["10.0.0.0/16"], databaseCidrs: ["10.0.64.0/20"] },
    storage: { uploadsClass: "uploads" },
  }).map(([key, value]) => [`warehouse:${key}`, typeof value === "string" ? value : JSON.stringify(value)]),
);

const monitor = await startMonitor();
const resources = join(folder, "resources.json");

async function measure({ folder: where, entryPoint, options }: Program): Promise<Measured> {
  monitor.reset();
  const usage = join(folder, "usage.json");
  const run = {
    monitor: monitor.address,
    engine: monitor.address,
    project: "warehouse",
    stack: "bench",
    organization: "organization",
    pwd: where,
    dryRun: false,
    parallel: 32,
    folder: where,
    entryPoint,
    args: [],
    config,
    secretKeys: [],
    options,
  };
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ["--import", join(import.meta.dirname, "startup", "usage.mjs"), ...commandLine(run, script)],
    {
      cwd: where,
      env: {
        ...process.env,
        ...environment(run),
        PGPASSWORD: "bench",
        BENCH_USAGE: usage,
        BENCH_RESOURCES: resources,
      },
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  const [code] = (await once(child, "exit")) as [number | null];
  const first = monitor.first();
  if (code !== 0 || first === undefined) throw new Error(`${entryPoint} ended with ${String(code)}`);
  const { cpu, megabytes } = JSON.parse(readFileSync(usage, "utf8")) as { cpu: number; megabytes: number };
  return {
    first: (first - started) / 1000,
    cpu: cpu / 1000,
    megabytes,
    resources: monitor.registered.length,
  };
}

/** The program with a registry of so many tenants of every placement. */
function prepare(count: number): Program {
  const copy = join(folder, "project");
  mkdirSync(copy);
  for (const source of [
    "index.ts",
    "package.json",
    "tsconfig.json",
    "billing",
    "components",
    "monitoring",
    "ops",
    "registry",
    "tenants",
  ])
    cpSync(join(project, source), join(copy, source), { recursive: true });
  symlinkSync(join(project, "node_modules"), join(copy, "node_modules"));
  const registry = readFileSync(join(project, "tenants", "tenants.yaml"), "utf8");
  const plans = ["starter", "starter", "professional", "ai_enhanced", "enterprise"];
  const entries = Array.from(
    { length: count },
    (_, n) =>
      `  - { id: tenant-${n}, plan: ${plans[n % plans.length] ?? ""}, since: "2026-01-01T00:00:00Z" }\n`,
  );
  writeFileSync(
    join(copy, "tenants", "tenants.yaml"),
    `${registry.slice(0, registry.indexOf("tenants:\n"))}tenants:\n${entries.join("")}`,
  );
  return { folder: copy, entryPoint: "index.ts", options: runtime.options };
}

/** A program to compare with. It takes no stack traces either, but nothing is cached for it. */
const beside = (entryPoint: string): Program => ({
  folder: join(import.meta.dirname, "startup"),
  entryPoint,
  options: {
    ...runtime.options,
    nodeargs: runtime.options.nodeargs.replace(/--import=\S+/, "--stack-trace-limit=0"),
  },
});
const programs = { bare: beside("bare.ts"), minimal: beside("minimal.ts"), warehouse: prepare(tenants) };

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

try {
  // The first run also fills Node's compile cache, and says what the minimal program is to register.
  const { resources: count } = await measure(programs.warehouse);
  writeFileSync(resources, JSON.stringify(monitor.registered));
  const seen: Record<keyof typeof programs, Measured[]> = { bare: [], minimal: [], warehouse: [] };
  for (let run = 0; run < runs; run += 1)
    for (const name of ["bare", "minimal", "warehouse"] as const)
      seen[name].push(await measure(programs[name]));
  const summary = (name: keyof typeof programs, field: keyof Measured) => {
    const values = seen[name].map((each) => each[field]);
    return { least: Math.min(...values), median: median(values) };
  };
  const shown = ({ least, median: middle }: { least: number; median: number }): string =>
    `${least.toFixed(2)} (${middle.toFixed(2)})`;
  const ratio = (field: "first" | "cpu", to: "bare" | "minimal"): string => {
    const [own, other] = [summary("warehouse", field), summary(to, field)];
    return shown({ least: own.least / other.least, median: own.median / other.median });
  };
  console.log(
    `${tenants} tenants, ${count} resources, ${runs} runs, load ${loadavg()[0]?.toFixed(1) ?? ""}; least (median)`,
  );
  for (const name of ["bare", "minimal", "warehouse"] as const)
    console.log(
      `${name.padEnd(10)} first ${shown(summary(name, "first"))} s   CPU ${shown(summary(name, "cpu"))} s   ${Math.round(summary(name, "megabytes").median)} MB`,
    );
  console.log(`first resource, beside bare: ${ratio("first", "bare")}`);
  console.log(`CPU, beside minimal: ${ratio("cpu", "minimal")}`);
} finally {
  monitor.stop();
  rmSync(folder, { recursive: true });
}
