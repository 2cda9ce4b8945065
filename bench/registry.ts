// Loads and resolves a registry of 10,000 tenants: `node bench/registry.ts [tenants]`. Prints time and memory.
import { mkdirSync, mkdtempSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadRegistry } from "../registry/load.ts";
import { manyTenants } from "../test/support/manyTenants.ts";

const count = Number(process.argv[2] ?? 10_000);
const project = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "warehouse-bench-"));
mkdirSync(join(folder, "tenants"));
copyFileSync(join(project, "tenants/plans.yaml"), join(folder, "tenants/plans.yaml"));
const real = readFileSync(join(project, "tenants/tenants.yaml"), "utf8");
const text = manyTenants(count, real.slice(0, real.indexOf("tenants:\n")));
writeFileSync(join(folder, "tenants/tenants.yaml"), text);

const start = performance.now();
const loaded = loadRegistry(folder, { baseDomain: "yourwarehousesaas.com" });
const milliseconds = performance.now() - start;
rmSync(folder, { recursive: true });
if (!loaded.ok) throw new Error(loaded.issues[0]?.message ?? "invalid");
const { maxRSS } = process.resourceUsage();
const report = {
  tenants: loaded.value.tenants.length,
  megabytesOfYaml: Number((Buffer.byteLength(text) / 1e6).toFixed(1)),
  milliseconds: Math.round(milliseconds),
  cpuMilliseconds: Math.round(process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000),
  peakMegabytes: Math.round(maxRSS / 1024),
};
process.stdout.write(`${JSON.stringify(report)}\n`);
