// What it costs the engine to write its state after each change: `node bench/checkpoints.ts [sizes] [runs]`, sizes being
// numbers of resources, e.g. 240,620. A program of nothing but components that carry as much state as a tenant's
// resources do is created in a file backend, with the engine's checkpoints and without. Prints processor
// seconds of the engine and the program, least and median.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { plainReport } from "../sandbox/lib/report.ts";
import { toolchainContext } from "../sandbox/toolchain/context.ts";
import { obtainGoTool } from "../sandbox/toolchain/goTools.ts";

const sizes = (process.argv[2] ?? "240,620").split(",").map(Number);
const runs = Number(process.argv[3] ?? 3);
/** Bytes of state of a resource, about the average of a tenant's. */
const STATE_BYTES = 5_000;

const context = toolchainContext(process.env, plainReport(console.log));
const { bin: engine } = await obtainGoTool(context, "pulumi", () => undefined);
const folder = mkdtempSync(join(tmpdir(), "warehouse-bench-"));
const [bin, project, state] = ["bin", "project", "state"].map((name) => {
  mkdirSync(join(folder, name));
  return join(folder, name);
}) as [string, string, string];

const host = join(import.meta.dirname, "..", "sandbox", "language-host", "main.ts");
writeFileSync(join(bin, "pulumi-language-nodejs"), `#!/bin/sh\nexec "${process.execPath}" "${host}" "$@"\n`, {
  mode: 0o755,
});
writeFileSync(
  join(project, "Pulumi.yaml"),
  "name: bench\nmain: index.ts\nruntime: { name: nodejs, options: { typescript: false, packagemanager: npm } }\n",
);
writeFileSync(join(project, "package.json"), '{ "name": "bench", "type": "module" }\n');
writeFileSync(
  join(project, "index.ts"),
  `import { ComponentResource } from "@pulumi/pulumi";
class Part extends ComponentResource {
  constructor(name) {
    super("bench:index:Part", name, {}, {});
    this.registerOutputs({ text: "x".repeat(${STATE_BYTES}) });
  }
}
for (let n = 0; n < Number(process.env["BENCH_RESOURCES"]); n += 1) new Part("part-" + n);
`,
);
symlinkSync(join(import.meta.dirname, "..", "node_modules"), join(project, "node_modules"));

function pulumi(env: Readonly<Record<string, string>>, ...args: string[]): number {
  const { status, stdout, stderr } = spawnSync(
    "sh",
    // What the children of the shell took is the second line of `times`.
    ["-c", '"$0" "$@" && times', join(engine, "pulumi"), ...args, "--stack", "bench", "--non-interactive"],
    {
      cwd: project,
      encoding: "utf8",
      env: {
        ...process.env,
        PATH: [bin, engine, process.env["PATH"]].join(delimiter),
        PULUMI_HOME: join(folder, "home"),
        PULUMI_BACKEND_URL: `file://${state}`,
        PULUMI_CONFIG_PASSPHRASE: "bench",
        PULUMI_SKIP_UPDATE_CHECK: "true",
        ...env,
      },
    },
  );
  if (status !== 0) throw new Error(stdout + stderr);
  const taken = stdout.trimEnd().split("\n").at(-1) ?? "";
  return [...taken.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, each) => sum + Number(each[1]) * 60 + Number(each[2]),
    0,
  );
}

/** Processor seconds of one `up` that creates so many resources. */
function create(resources: number, env: Readonly<Record<string, string>>): number {
  pulumi({}, "stack", "init");
  const seconds = pulumi(
    { ...env, BENCH_RESOURCES: String(resources) },
    ...["up", "--yes", "--skip-preview", "--suppress-outputs"],
  );
  pulumi({}, "stack", "rm", "--yes", "--force");
  return seconds;
}

const VARIANTS = {
  "each change": {},
  "each change, zstd": { PULUMI_DIY_BACKEND_ZSTD: "true" },
  "at the end": { PULUMI_SKIP_CHECKPOINTS: "true" },
} as const;

try {
  console.log(`${runs} runs, load ${loadavg()[0]?.toFixed(1) ?? ""}; processor seconds, least (median)`);
  for (const resources of sizes)
    for (const [name, env] of Object.entries(VARIANTS)) {
      const seen = Array.from({ length: runs }, () => create(resources, env)).sort((a, b) => a - b);
      const [least = 0, median = 0] = [seen[0], seen[Math.floor(seen.length / 2)]];
      console.log(
        `${String(resources).padStart(5)} resources, state written ${name.padEnd(18)} ${least.toFixed(1)} (${median.toFixed(1)})`,
      );
    }
} finally {
  rmSync(folder, { recursive: true });
}
