import type { Command } from "commander";
import { backupPrefix, OPERATIONS } from "../../registry/naming.ts";
import { UsageError } from "../failures.ts";
import { table, type Io } from "../io.ts";
import { jobFrom, type JobChanges } from "../jobs/objects.ts";
import { runsJobs, type JobOptions } from "../jobs/options.ts";
import { untilStopped, unwatched, watchJob, type JobReport } from "../jobs/run.ts";
import { deployedCronJob, openSite, openTenantSite, type Site } from "../jobs/site.ts";
import { conclude, finish, sayOn } from "../jobs/tell.ts";

interface DrillOptions extends JobOptions {
  readonly all?: boolean;
}

/** How long a drill's Job stays after its end, seconds: a day. */
const KEEP_SECONDS = 86_400;

export function registerDrill(program: Command, io: Io): void {
  const command = program
    .command("drill")
    .summary("restore a tenant's newest backup into a database of its own, and measure how long it takes")
    .description(
      "Restores the newest backup of a tenant, or of every tenant, into a database of its own, compares it with what was backed up, drops it and tells how long that took. What serves is not touched.",
    )
    .argument("[id]")
    .option("--all", "every tenant that has a backup, one after the other");
  runsJobs(command).action(async (id: string | undefined, options: DrillOptions) => {
    if ((id === undefined) === (options.all !== true)) throw new UsageError("name a tenant, or --all");
    const report = await untilStopped(io, options.timeout, (signal) =>
      id === undefined
        ? run(io, options, openSite(io, options), { args: ["drills", "--all", "--json"], env: [] }, signal)
        : run(io, options, openTenantSite(io, options, id), drillOf(id), signal),
    );
    if (id !== undefined && options.wait) measured(id, report).forEach(sayOn(io, options));
    finish(io, options, report.exitCode, { tenantId: id ?? null, operation: "drill", ...report });
  });
}

/** What is run, and for whom. */
type Drill = Required<Pick<JobChanges, "args" | "env">>;

const drillOf = (id: string): Drill => ({
  args: ["drill", "--json"],
  env: [
    { name: "TENANT_ID", value: id },
    { name: "BACKUP_PREFIX", value: backupPrefix(id) },
  ],
});

async function run(
  io: Io,
  options: DrillOptions,
  site: Site,
  drill: Drill,
  signal: AbortSignal,
): Promise<JobReport> {
  const { cluster } = site;
  const [id = "all"] = drill.env.map(({ value }) => value);
  const cronJob = await deployedCronJob(site, { namespace: OPERATIONS.namespace, name: OPERATIONS.drills });
  const metadata = { generateName: `drill-${id}-` };
  const created = await cluster.create(jobFrom(cronJob, { ...drill, metadata, keepSeconds: KEEP_SECONDS }));
  const { namespace = "", name = "" } = created.metadata;
  const say = sayOn(io, options);
  if (options.wait) say(`drill of ${id}: ${namespace}/${name}`);
  const report = options.wait ? await watchJob(cluster, created, { say, signal }) : unwatched(created);
  conclude(io, options, `drill of ${id}`, report, cluster);
  return report;
}

/** The recovery time that was measured, as the Job that drills every tenant prints it. */
function measured(id: string, { state, result }: JobReport): string[] {
  const { backupId, seconds } = result ?? {};
  const cells = [backupId, typeof seconds === "number" ? `${seconds} s` : undefined];
  return table([
    ["tenant", "backup", "RTO", "result"],
    [id, ...cells.map((cell) => (typeof cell === "string" ? cell : "-")), state],
  ]);
}
