// The operations program, configured by its environment: `backup` runs in a tenant's Job, `restore` and `drill` with the
// platform's role, `maintenance` serves the
// hosts of a suspended tenant, `move` takes a tenant's rows to another database and `files-…` its files to another
// volume, `pool-bootstrap` and `pool-check` run in the database that tenants share, and `isolation-assert` anywhere on a
// server.
import { join } from "node:path";
import { z } from "zod";
import { backup } from "./backup/backup.ts";
import { BACKUP_KINDS } from "./backup/manifest.ts";
import { databaseEnvironment, databaseLogin, readEnvironment, text } from "./environment.ts";
import { OpsFailure } from "./failure.ts";
import { assertIsolation } from "./isolation.ts";
import { MAINTENANCE_STATUS, serveMaintenance } from "./maintenance.ts";
import { pullFiles, purgeFiles, pushFiles, verifyFiles } from "./move/files.ts";
import { move, MOVE_STEPS } from "./move/move.ts";
import { readRecord, SIDES } from "./move/record.ts";
import { bootstrapPool } from "./pool/bootstrap.ts";
import { checkPool } from "./pool/check.ts";
import type { DatabaseLogin } from "./postgres.ts";
import { endPrograms } from "./program.ts";
import { drill } from "./restore/drill.ts";
import { restore } from "./restore/restore.ts";
import { Storage } from "./storage.ts";

const log = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`);

const bucketEnvironment = z.object({
  TENANT_ID: text,
  BACKUP_BUCKET: text,
  BACKUP_PREFIX: text.endsWith("/"),
  BACKUP_RETAIN_DAYS: z.coerce.number().int().positive(),
  /** Folder that stands for the container's root where the program runs as a plain process. */
  OPS_ROOT: text.default("/"),
});

const filesEnvironment = bucketEnvironment.extend({
  /** Where the tenant's files are in the container. */
  FILES_FOLDER: text,
  /** The side that the move leads to, for files-verify. */
  MOVE_TO: z.enum(SIDES).optional(),
});

const backupEnvironment = databaseEnvironment.extend({
  ...bucketEnvironment.shape,
  BACKUP_SCOPE: z.enum(["database", "rows"]).default("database"),
  BACKUP_KIND: z.enum(BACKUP_KINDS).default("scheduled"),
  /** Where the tenant's files are in the container. Default: they are not its alone. */
  FILES_FOLDER: text.optional(),
});

const moveEnvironment = databaseEnvironment.extend({
  ...bucketEnvironment.shape,
  MOVE_STEP: z.enum(MOVE_STEPS),
  MOVE_FROM: z.enum(SIDES),
  MOVE_TO: z.enum(SIDES),
  MOVE_CHECKSUM: z.string().default(""),
});

/** The platform's role restores; which backup is meant is the newest unless said. */
const restoreEnvironment = databaseEnvironment.extend({
  ...bucketEnvironment.shape,
  RESTORE_ID: text.optional(),
  RESTORE_AT: z.iso.datetime().optional(),
});

const maintenanceEnvironment = z.object({
  MAINTENANCE_MODE: z.enum(["maintenance", "payment_required"]),
  OPS_LISTEN: z
    .string()
    .regex(/^.+:\d+$/)
    .default("0.0.0.0:8080"),
});

async function runBackup(): Promise<void> {
  const env = readEnvironment(backupEnvironment);
  const manifest = await backup(
    {
      tenantId: env.TENANT_ID,
      prefix: env.BACKUP_PREFIX,
      retainDays: env.BACKUP_RETAIN_DAYS,
      kind: env.BACKUP_KIND,
      scope: env.BACKUP_SCOPE,
      ...(env.FILES_FOLDER === undefined ? {} : { files: join(env.OPS_ROOT, env.FILES_FOLDER) }),
      database: databaseLogin(env),
    },
    new Storage(env.BACKUP_BUCKET),
    log,
  );
  const { database, files } = manifest;
  const sums = files === null ? "" : `, files sha256 ${files.sha256}`;
  log(`backup ${manifest.id} complete: database sha256 ${database.sha256}${sums}`);
}

async function runMaintenance(): Promise<void> {
  const data = readEnvironment(maintenanceEnvironment);
  const { server, address } = await serveMaintenance(data.MAINTENANCE_MODE, data.OPS_LISTEN);
  log(`answering ${MAINTENANCE_STATUS[data.MAINTENANCE_MODE]} on ${address}`);
  process.once("SIGTERM", () => {
    server.close();
    server.closeIdleConnections();
  });
}

const loginOfEnvironment = (): DatabaseLogin => databaseLogin(readEnvironment(databaseEnvironment));

async function runPoolBootstrap(): Promise<void> {
  const login = loginOfEnvironment();
  await bootstrapPool(login);
  log(`${login.name} is ready for the application's migrations`);
}

async function runPoolCheck(): Promise<void> {
  const login = loginOfEnvironment();
  await checkPool(login);
  log(`row-level security covers ${login.name}`);
}

async function runIsolationAssert(): Promise<void> {
  await assertIsolation(loginOfEnvironment());
  log("tenants' databases are isolated");
}

async function runMove(): Promise<void> {
  const env = readEnvironment(moveEnvironment);
  const request = {
    tenantId: env.TENANT_ID,
    step: env.MOVE_STEP,
    from: env.MOVE_FROM,
    to: env.MOVE_TO,
    checksum: env.MOVE_CHECKSUM,
    login: databaseLogin(env),
    prefix: env.BACKUP_PREFIX,
  };
  await move(request, new Storage(env.BACKUP_BUCKET), log);
}

async function runFiles(step: "push" | "pull" | "verify" | "purge"): Promise<void> {
  const env = readEnvironment(filesEnvironment);
  const folder = join(env.OPS_ROOT, env.FILES_FOLDER);
  if (step === "purge") return purgeFiles({ folder }, log);
  const store = new Storage(env.BACKUP_BUCKET);
  const request = {
    tenantId: env.TENANT_ID,
    folder,
    prefix: env.BACKUP_PREFIX,
    retainDays: env.BACKUP_RETAIN_DAYS,
  };
  if (step === "verify" && (await readRecord(store, request.prefix)).opened === env.MOVE_TO) {
    log("the target is open already");
    return;
  }
  await { push: pushFiles, pull: pullFiles, verify: verifyFiles }[step](request, store, log);
}

async function runRestore(action: typeof restore | typeof drill): Promise<void> {
  const env = readEnvironment(restoreEnvironment);
  const request = {
    tenantId: env.TENANT_ID,
    prefix: env.BACKUP_PREFIX,
    retainDays: env.BACKUP_RETAIN_DAYS,
    platform: databaseLogin(env),
    choice: {
      ...(env.RESTORE_ID === undefined ? {} : { id: env.RESTORE_ID }),
      ...(env.RESTORE_AT === undefined ? {} : { at: env.RESTORE_AT }),
    },
  };
  await action(request, new Storage(env.BACKUP_BUCKET), log);
}

const commands: Readonly<Record<string, () => Promise<void>>> = {
  backup: runBackup,
  restore: () => runRestore(restore),
  drill: () => runRestore(drill),
  maintenance: runMaintenance,
  move: runMove,
  "files-push": () => runFiles("push"),
  "files-pull": () => runFiles("pull"),
  "files-verify": () => runFiles("verify"),
  "files-purge": () => runFiles("purge"),
  "pool-bootstrap": runPoolBootstrap,
  "pool-check": runPoolCheck,
  "isolation-assert": runIsolationAssert,
};

async function main(): Promise<void> {
  const name = process.argv[2] ?? "";
  const command = commands[name];
  if (command === undefined) {
    throw new OpsFailure(
      "configuration",
      `"${name}" is no command; use one of: ${Object.keys(commands).join(", ")}`,
    );
  }
  await command();
}

/** After a SIGTERM, below the 30 s that a pod is given. */
const END_SECONDS = 25;
const EXIT_TERMINATED = 143;

let terminated = false;
process.once("SIGTERM", () => {
  terminated = true;
  log("asked to end");
  endPrograms();
  setTimeout(() => process.exit(EXIT_TERMINATED), END_SECONDS * 1000).unref();
});

main().catch((error: unknown) => {
  if (error instanceof OpsFailure) {
    log(`failed (${error.exitCode}): ${error.message}`);
    process.exitCode = error.exitCode;
  } else {
    log(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1; // A bug: neither retried for ever nor mistaken for a known fault.
  }
  if (terminated) process.exitCode = EXIT_TERMINATED;
});
