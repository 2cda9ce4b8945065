// Loaded before a program that is measured: says at its end what it took.
import { writeFileSync } from "node:fs";

process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  const usage = { cpu: (user + system) / 1000, megabytes: process.resourceUsage().maxRSS / 1024 };
  writeFileSync(process.env.BENCH_USAGE ?? "", JSON.stringify(usage));
});
