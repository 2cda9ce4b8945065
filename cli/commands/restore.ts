import { Option, type Command } from "commander";
import { backupJobOf, OPERATIONS, restoreFilesJobName, restoreJobName } from "../../registry/naming.ts";
import { Ended, Refusal, UsageError } from "../failures.ts";
import type { Io } from "../io.ts";
import { requireNone } from "../jobs/alone.ts";
import { PARTS, readSummary, restorePlan, type BackupSummary, type Part } from "../jobs/backupSummary.ts";
import { runBesideBackup } from "../jobs/besideBackup.ts";
import { choiceEnv, choosesBackup, runsJobs, type ChoiceOptions, type JobOptions } from "../jobs/options.ts";
import { platformPassword } from "../jobs/platformPassword.ts";
import { restoreDatabase } from "../jobs/restoreDatabase.ts";
import { untilStopped, type JobReport } from "../jobs/run.ts";
import { openTenantSite, type TenantSite } from "../jobs/site.ts";
import { conclude, finish, sayOn } from "../jobs/tell.ts";

interface RestoreOptions extends JobOptions, ChoiceOptions {
  readonly only?: Part;
  readonly yes?: boolean;
}

export function registerRestore(program: Command, io: Io): void {
  const command = program
    .command("restore <id>")
    .summary("bring a tenant's data back to a backup")
    .description(
      "Brings a tenant's database and files back to a backup, after showing which and asking for the tenant's id. What is there now is backed up and kept. Takes the password of the platform's database role: PGPASSWORD, else the stack's secret.",
    )
    .addOption(new Option("--only <part>", "restore this part alone").choices(PARTS))
    .option("-y, --yes", "do not ask");
  runsJobs(choosesBackup(command)).action(async (id: string, options: RestoreOptions) => {
    if (!options.wait && options.only === undefined)
      throw new UsageError("--no-wait needs --only: files are restored after the database");
    if (options.yes !== true && io.askFor === undefined)
      throw new UsageError("this needs a confirmation: --yes gives it");
    const site = openTenantSite(io, options, id);
    if (site.spec.move !== undefined)
      throw new Refusal(
        `${id} is being moved (${site.spec.move.phase}); end its move or take it back before restoring`,
      );
    const password = options.only === "files" ? "" : await platformPassword(io, site.stack);
    await untilStopped(io, options.timeout, (signal) => restore(io, options, site, password, signal));
  });
}

async function restore(
  io: Io,
  options: RestoreOptions,
  site: TenantSite,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, spec } = site;
  const { id } = spec;
  await requireNone(cluster, OPERATIONS.namespace, restoreJobName(id), id);
  await requireNone(
    cluster,
    backupJobOf(spec, site.stack.cell.qualifier).namespace,
    restoreFilesJobName(id),
    id,
  );
  const backup = await chosenBackup(io, options, site, signal);
  const parts = partsOf(backup, options.only);
  const say = sayOn(io, options);
  restorePlan(id, backup, parts, io.now()).forEach(say);
  await requireConfirmation(io, options, id);

  const steps: JobReport[] = [];
  for (const part of parts) {
    const report =
      part === "database"
        ? await restoreDatabase(site, { backup: backup.id, password, say, signal, wait: options.wait })
        : await restoreFiles(io, options, site, backup, signal);
    conclude(io, options, `restore of ${id}, ${part}`, report, cluster);
    steps.push(report);
    if (report.exitCode !== 0) break;
  }
  const exitCode = steps.at(-1)?.exitCode ?? 0;
  const left = parts.slice(exitCode === 0 ? parts.length : steps.length);
  if (left.length > 0)
    io.err(
      `not begun: ${left.join(", ")}; when the database is restored: npx tenant restore ${id} --backup ${backup.id} --only files`,
    );
  finish(io, options, exitCode, {
    ...{ tenantId: id, operation: "restore", backup },
    parts: steps.map((report, index) => ({ part: parts[index], ...report })),
  });
}

/** The manifest of the backup that is meant: what is confirmed is what will be restored, also if a newer one comes. */
async function chosenBackup(
  io: Io,
  options: RestoreOptions,
  site: TenantSite,
  signal: AbortSignal,
): Promise<BackupSummary> {
  const env = choiceEnv(options);
  const report = await runBesideBackup(
    io,
    { ...options, wait: true },
    { site, operation: "describe", env, signal },
  );
  if (report.state === "succeeded") return readSummary(report.result);
  conclude(io, options, `looking for the backup of ${site.spec.id}`, report, site.cluster);
  throw new Ended(report.exitCode);
}

function partsOf({ id, files }: BackupSummary, only: Part | undefined): readonly Part[] {
  if (only === "files" && files === null) throw new Refusal(`${id} has no files`);
  if (only !== undefined) return [only];
  return files === null ? ["database"] : PARTS;
}

async function requireConfirmation(io: Io, { yes }: RestoreOptions, id: string): Promise<void> {
  if (yes === true) return;
  const answer = await io.askFor?.(`Type ${id} to restore it:`);
  if (answer !== id) throw new Refusal("nothing was restored");
}

const restoreFiles = (
  io: Io,
  options: RestoreOptions,
  site: TenantSite,
  { id: backup }: BackupSummary,
  signal: AbortSignal,
): Promise<JobReport> =>
  runBesideBackup(io, options, {
    ...{ site, operation: "files-restore", signal, writable: true },
    name: restoreFilesJobName(site.spec.id),
    env: [{ name: "RESTORE_ID", value: backup }],
  });
