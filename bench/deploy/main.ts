// Deploys registries of several sizes on a sandbox, beside kubectl with the same objects and Terraform with as many
// resources: `npm run --silent bench -- --tenants 10,100 --runs 3`. Prints Markdown; what it does, on standard error.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { zstdDecompressSync } from "node:zlib";
import { stringify } from "yaml";
import { newStack } from "../../cli/cells/newStack.ts";
import { loadRegistry } from "../../registry/load.ts";
import { plainReport } from "../../sandbox/lib/report.ts";
import { startPlatform } from "../../sandbox/platform.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { obtainGoTool } from "../../sandbox/toolchain/goTools.ts";
import { commandEnvironment, openWorkplace, type Workplace } from "../../test/support/e2e.ts";
import { openFloor } from "./floor.ts";
import { measure, type Measured } from "./measure.ts";
import { kubeObjects, type StateResource } from "./objects.ts";
import { cellCount, cellNames, cellOf, entry, mixedRegistry } from "./registry.ts";
import { load, markdown, timesTable, type Series } from "./report.ts";

const REGISTRY = "tenants/tenants.yaml";
/**
 * Above so many tenants Terraform is left out, as one plan of 345 takes most of a minute and grows faster than they do, and what
 * has no goal and takes minutes is measured once.
 */
const LARGE = 400;

const { values: options } = parseArgs({
  options: { tenants: { type: "string", default: "10,100" }, runs: { type: "string", default: "3" } },
});
const sizes = options.tenants.split(",").map(Number);
const runs = Number(options.runs);
if (![...sizes, runs].every((value) => Number.isInteger(value) && value > 0))
  throw new Error("--tenants takes numbers separated by commas, --runs a number");

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const terraform = (await obtainGoTool(toolchainContext(process.env, plainReport(say)), "terraform", say)).bin;

const times = new Map<
  string,
  { readonly beside: readonly string[]; readonly bySize: Map<number, number[]> }
>();
const facts: (() => string[])[] = [];

/** Notes what a step took. */
function note(size: number, step: string, seconds: number, ...beside: readonly string[]): void {
  const series = times.get(step) ?? { beside, bySize: new Map<number, number[]>() };
  times.set(step, series);
  series.bySize.set(size, [...(series.bySize.get(size) ?? []), seconds]);
  say(`${size} tenants, ${step}: ${seconds.toFixed(1)} s (${load()})`);
}

const begun = load();
const print = (): void =>
  void process.stdout.write(
    `${[
      `Node ${process.version}, ${begun} before and ${load()} after; least and median of ${runs} runs.`,
      timesTable(
        [...times].map(([step, series]): Series => ({ step, ...series })),
        sizes,
      ),
      markdown(
        [
          ...["tenants", "cells", "resources", "state", "stored", "Terraform's state", "program, peak"],
          ...["engine, peak", "objects of Kubernetes"],
        ],
        facts.map((row) => row()),
      ),
    ].join("\n\n")}\n`,
  );
// A thousand tenants take an hour: what was measured until then is not lost.
process.once("SIGINT", () => {
  print();
  process.exit(130);
});
for (const size of sizes) await bench(size);
print();

async function bench(size: number): Promise<void> {
  const place = await openWorkplace();
  try {
    await deployed(place, size);
  } finally {
    await place.close();
  }
}

async function deployed(place: Workplace, size: number): Promise<void> {
  const env = commandEnvironment(place.platform);
  const peaks = { program: 0, engine: 0 };
  const tenant = async (...args: readonly string[]): Promise<Measured> => {
    const done = await measure([process.execPath, join(place.project, "cli/main.ts"), ...args], {
      cwd: place.project,
      env,
    });
    for (const kind of ["program", "engine"] as const) peaks[kind] = Math.max(peaks[kind], done.peaks[kind]);
    return done;
  };
  const git = (...args: readonly string[]): void =>
    void execFileSync("git", ["-c", "user.name=bench", "-c", "user.email=bench@example.com", ...args], {
      cwd: place.project,
    });
  const commit = (): void => {
    git("add", ".");
    git("commit", "--quiet", "--message=edit");
  };

  makeStacks(place, size, env);
  const real = place.read(REGISTRY);
  const head = real.slice(0, real.indexOf("tenants:\n"));
  place.write(REGISTRY, mixedRegistry(size, head));
  place.write(".gitignore", "node_modules\n");
  git("init", "--quiet", "--initial-branch=main");
  commit();

  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    if (!loadRegistry(place.project, { baseDomain: "yourwarehousesaas.com" }).ok) throw new Error("invalid");
    note(size, "load and resolve", (performance.now() - start) / 1000);
  }

  const first = await tenant("up", "--all", "--yes", "--parallel", "2");
  const resources = statesOf(place, size, env);
  const objects = join(place.project, "..", "objects.json");
  writeFileSync(objects, JSON.stringify({ apiVersion: "v1", kind: "List", items: kubeObjects(resources) }));
  const { kubectl, close } = await openCluster(objects);
  note(size, "kubectl apply, first", (await kubectl("apply")).seconds);
  note(size, "first up", first.seconds, "kubectl apply, first");

  const floor =
    size > LARGE
      ? undefined
      : await openFloor(
          join(place.project, "..", "floor"),
          join(terraform, "terraform"),
          Math.round(resources.length / size),
          place.read(REGISTRY),
          env,
        );

  for (let run = 0; run < runs; run++) {
    note(size, "kubectl diff", (await kubectl("diff")).seconds);
    const isShort = size <= LARGE || run === 0;
    if (isShort) note(size, "kubectl apply, no change", (await kubectl("apply")).seconds);
    if (floor !== undefined) note(size, "terraform plan, no change", (await floor.plan()).seconds);
    note(
      size,
      "preview, no change",
      (await tenant("preview", "--all", "--parallel", "2", "--json")).seconds,
      "kubectl diff",
      "terraform plan, no change",
    );
    note(
      size,
      "preview, no change, one cell",
      (await tenant("preview", "--cell", cellOf(size - 1), "--json")).seconds,
    );
    if (isShort)
      note(
        size,
        "up, no change",
        (await tenant("up", "--all", "--yes", "--parallel", "2")).seconds,
        "kubectl apply, no change",
      );

    const text = place.read(REGISTRY);
    // tenant-3 has an application of its own.
    place.edit(REGISTRY, "displayName: tenant-3 & Sons", `displayName: tenant-3 & Daughters ${run}`);
    note(size, "preview of one tenant's edit", (await tenant("preview", "--json")).seconds, "kubectl diff");
    place.write(REGISTRY, text);

    for (const [step, plan] of [
      ["onboarding, own application", "ai_enhanced"],
      ["onboarding into a pool", "starter"],
    ] as const) {
      const added = entry(`new-${plan.replace("_", "-")}-${run}`, plan, cellOf(size - 1));
      place.write(REGISTRY, `${place.read(REGISTRY)}${added}`);
      const { seconds } = await tenant("up", "--yes");
      commit();
      if (floor !== undefined)
        note(size, "terraform apply of one tenant", (await floor.apply(place.read(REGISTRY))).seconds);
      note(size, step, seconds, "terraform apply of one tenant");
    }
  }

  const { plain, stored } = stateBytes(place, size);
  const sizesOfState = [plain, stored, floor?.stateBytes()];
  facts.push(() => [
    ...[size, cellCount(size), resources.length].map(String),
    ...sizesOfState.map((bytes) => (bytes === undefined ? "-" : `${(bytes / 1e6).toFixed(1)} MB`)),
    `${peaks.program} MiB`,
    `${peaks.engine} MiB`,
    String(kubeObjects(resources).length),
  ]);
  place.edit(REGISTRY, '"2": { name: general, version: v2.1.0 }', '"2": { name: general, version: v2.0.5 }');
  note(size, "release of ring 2", (await tenant("up", "--yes", "--parallel", "2")).seconds);
  await close();
}

/** Stack files of the cells, all on the one sandbox. */
function makeStacks(place: Workplace, size: number, env: NodeJS.ProcessEnv): void {
  const text = place.read("Pulumi.sandbox.yaml");
  for (const [n, cell] of cellNames(size).entries()) {
    const made = newStack(text, { cell, qualifier: n === 0 ? "" : `c${n}` });
    const own = { "warehouse:operations": String(n === 0), "warehouse:maxTenants": "100" };
    const backup = { ...(JSON.parse(made.config["warehouse:backup"] ?? "{}") as object), manage: n === 0 };
    const config = Object.fromEntries(
      Object.entries({ ...made.config, ...own }).map(([key, value]) => [
        key,
        key === "warehouse:backup" ? backup : /^[[{]/.test(value) ? (JSON.parse(value) as unknown) : value,
      ]),
    );
    place.write(`Pulumi.${cell}.yaml`, stringify({ config }));
    execFileSync("pulumi", ["stack", "init", cell, "--non-interactive"], { cwd: place.project, env });
  }
  // The stack that the workplace came with is no cell of this registry.
  place.write("Pulumi.sandbox.yaml", "config: {}\n");
}

/** Resources of all stacks, components and providers left out. */
function statesOf(place: Workplace, size: number, env: NodeJS.ProcessEnv): StateResource[] {
  return cellNames(size).flatMap((cell) => {
    const args = ["stack", "export", "--show-secrets", "--stack", cell, "--non-interactive"];
    const text = execFileSync("pulumi", args, {
      cwd: place.project,
      env,
      maxBuffer: 2 ** 30,
      encoding: "utf8",
    });
    const { deployment } = JSON.parse(text) as {
      readonly deployment: { readonly resources: readonly StateResource[] };
    };
    return deployment.resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:"));
  });
}

/** The states of all cells, as JSON and as they are stored. */
function stateBytes(place: Workplace, size: number): { readonly plain: number; readonly stored: number } {
  const folder = join(place.platform.paths.state, ".pulumi/stacks/warehouse");
  const files = cellNames(size).map((cell) => readFileSync(join(folder, `${cell}.json.zst`)));
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, bytes) => total + bytes, 0);
  return {
    plain: sum(files.map((file) => zstdDecompressSync(file).length)),
    stored: sum(files.map((file) => file.length)),
  };
}

/** A cluster of its own for the same objects: on one cluster kubectl and Pulumi would fight over their fields. */
async function openCluster(objects: string): Promise<{
  readonly kubectl: (command: "apply" | "diff") => Promise<Measured>;
  readonly close: () => Promise<void>;
}> {
  const root = join(tmpdir(), `warehouse-bench-${process.pid}`);
  mkdirSync(root, { recursive: true });
  const platform = await startPlatform({ dir: join(root, "sandbox"), owned: true });
  const place = { cwd: root, env: { ...process.env, ...platform.env } };
  const kubectl = (command: "apply" | "diff"): Promise<Measured> =>
    measure(["kubectl", command, "--server-side", "--field-manager=bench", "-f", objects], place);
  return {
    // Where many objects come at once a quota may be overtaken, which kubectl does not try again.
    kubectl: async (command) => {
      const begun = performance.now();
      const done = await kubectl(command).catch((error: unknown) => {
        if (!String(error).includes("the object has been modified")) throw error;
        return kubectl(command);
      });
      return { ...done, seconds: (performance.now() - begun) / 1000 };
    },
    close: () => platform.remove(),
  };
}
