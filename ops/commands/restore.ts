import { databaseEnvironment, databaseLogin } from "../environment.ts";
import { restoreFiles } from "../files/restore.ts";
import { isEnding } from "../program.ts";
import { drill } from "../restore/drill.ts";
import { drills } from "../restore/drills.ts";
import { janitor } from "../restore/janitor.ts";
import { restore } from "../restore/restore.ts";
import { Storage } from "../storage.ts";
import { command } from "./command.ts";
import {
  bucketEnvironment,
  choiceEnvironment,
  choiceOf,
  filesEnvironment,
  filesFolder,
  sharedEnvironment,
  tenantEnvironment,
  tenantOf,
} from "./environment.ts";

const environment = databaseEnvironment.extend({ ...tenantEnvironment.shape, ...choiceEnvironment.shape });

export const restoreCommand = command(
  "Brings a tenant's rows back to a backup, beside and then swapped, as the platform's role; result: its manifest.",
  environment.extend(sharedEnvironment.shape),
  (env, { log }) =>
    restore(
      {
        ...tenantOf(env),
        platform: databaseLogin(env),
        sharedDatabase: env.SHARED_DATABASE,
        choice: choiceOf(env),
      },
      new Storage(env.BACKUP_BUCKET),
      log,
    ),
);

export const drillCommand = command(
  "Restores a backup into a database of its own, compares, measures and drops it; result: the report.",
  environment.omit({ BACKUP_RETAIN_DAYS: true }),
  (env, { log }) =>
    drill(
      {
        tenantId: env.TENANT_ID,
        prefix: env.BACKUP_PREFIX,
        login: databaseLogin(env),
        choice: choiceOf(env),
      },
      new Storage(env.BACKUP_BUCKET),
      log,
    ),
);

const ALL = "--all";

export const drillsCommand = command(
  "Drills the newest backups of the tenants whose turn it is; result: how each ended, also where some failed.",
  databaseEnvironment.extend(bucketEnvironment.shape),
  (env, { log, flags }) =>
    drills(
      { login: databaseLogin(env), all: flags.has(ALL), ending: isEnding },
      new Storage(env.BACKUP_BUCKET),
      log,
    ),
  { [ALL]: "every tenant, not only those whose turn it is" },
);

export const janitorCommand = command(
  "Drops the databases that restores kept more than 7 days ago and those that dead runs left; result: which.",
  databaseEnvironment,
  (env, { log }) => janitor(databaseLogin(env), new Date(), log),
);

export const filesRestore = command(
  "Brings a tenant's files back to a backup, beside and then swapped, where their volume is mounted; result: what was kept.",
  filesEnvironment.omit({ BACKUP_RETAIN_DAYS: true }).extend(choiceEnvironment.shape),
  (env, { log }) =>
    restoreFiles(
      {
        tenantId: env.TENANT_ID,
        prefix: env.BACKUP_PREFIX,
        folder: filesFolder(env),
        choice: choiceOf(env),
      },
      new Storage(env.BACKUP_BUCKET),
      new Date(),
      log,
    ),
);
