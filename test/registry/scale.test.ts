import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PROJECT } from "../support/registry.ts";

describe("a registry of 10,000 tenants", () => {
  it("is loaded and resolved within 500 MB and a few seconds (bench/registry.ts measures them)", () => {
    const output = execFileSync(process.execPath, [join(PROJECT, "bench/registry.ts")], { encoding: "utf8" });
    const report = JSON.parse(output) as { tenants: number; cpuMilliseconds: number; peakMegabytes: number };
    expect(report.tenants).toBe(10_000);
    // Processor time, about twice what an idle machine takes: a slow machine is no defect, a quadratic step is.
    expect(report.cpuMilliseconds).toBeLessThan(10_000);
    expect(report.peakMegabytes).toBeLessThan(500);
  }, 60_000);
});
