import { InvalidArgumentError, Option, type Command } from "commander";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { runBesideBackup } from "../jobs/besideBackup.ts";
import type { EnvVar } from "../jobs/objects.ts";
import { choiceEnv, choosesBackup, runsJobs, type ChoiceOptions, type JobOptions } from "../jobs/options.ts";
import { untilStopped } from "../jobs/run.ts";
import { openTenantSite } from "../jobs/site.ts";
import { conclude, finish } from "../jobs/tell.ts";

export function registerBackup(program: Command, io: Io): void {
  const command = program
    .command("backup <id>")
    .summary("back a tenant up now")
    .description(
      "Backs a tenant up now, database and files, by a Job of its own on the cluster, and follows it. Scheduled backups go on as before.",
    )
    .addOption(
      new Option(
        "--from <host:port>",
        "read the database from this server, as one that was recovered to a point in time, with the same login",
      ).argParser(server),
    );
  runsJobs(command).action(async (id: string, options: JobOptions & { readonly from?: Server }) => {
    const { from } = options;
    await operate(io, options, id, "backup", [
      { name: "BACKUP_KIND", value: "manual" },
      ...(from === undefined
        ? []
        : [
            { name: "DATABASE_HOST", value: from.host },
            { name: "DATABASE_PORT", value: from.port },
          ]),
    ]);
  });
}

/** A database server in place of the cell's. */
interface Server {
  readonly host: string;
  readonly port: string;
}

function server(text: string): Server {
  const [, host, port] = /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || port === undefined) {
    throw new InvalidArgumentError("write the server as host:port, e.g. recovered.internal:5432");
  }
  return { host, port };
}

export function registerVerify(program: Command, io: Io): void {
  const command = program
    .command("verify <id>")
    .summary("read a tenant's backup to its end and compare it with its manifest")
    .description(
      "Reads a backup of a tenant from the bucket to its end and compares it with its manifest. `tenant drill` restores it besides.",
    );
  runsJobs(choosesBackup(command)).action(async (id: string, options: JobOptions & ChoiceOptions) => {
    await operate(io, options, id, "verify", choiceEnv(options));
  });
}

export function registerExport(program: Command, io: Io): void {
  const command = program
    .command("export <id>")
    .summary("export a tenant's data in a portable form")
    .description(
      "Exports the data of a tenant in a portable form into the bucket, as the customer has a right to (GDPR Art. 20).",
    );
  runsJobs(command).action(async (id: string, options: JobOptions) => {
    await operate(io, options, id, "export", []);
  });
}

/** Runs one command of the operations program where the tenant's files are. */
async function operate(
  io: Io,
  options: JobOptions,
  id: string,
  operation: "backup" | "verify" | "export",
  env: readonly EnvVar[],
): Promise<void> {
  const site = openTenantSite(io, options, id);
  if (operation !== "verify" && site.spec.move?.phase === "cutover")
    throw new Refusal(`${id} is cut over: its data is in two places; wait for soak`);
  const report = await untilStopped(io, options.timeout, (signal) =>
    runBesideBackup(io, options, { site, operation, env, signal }),
  );
  conclude(io, options, `${operation} of ${id}`, report, site.cluster);
  finish(io, options, report.exitCode, { tenantId: id, operation, ...report });
}
