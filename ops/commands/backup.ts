import { z } from "zod";
import { backup } from "../backup/backup.ts";
import { BACKUP_KINDS } from "../backup/manifest.ts";
import { databaseEnvironment, databaseLogin } from "../environment.ts";
import { exportData } from "../export/export.ts";
import { Storage } from "../storage.ts";
import { command } from "./command.ts";
import { filesEnvironment, filesFolder, tenantOf } from "./environment.ts";

const environment = databaseEnvironment.extend({
  ...filesEnvironment.shape,
  FILES_FOLDER: filesEnvironment.shape.FILES_FOLDER.optional(),
  BACKUP_SCOPE: z
    .enum(["database", "rows"])
    .default("database")
    .describe("all of the database, or the tenant's rows of one that tenants share"),
  BACKUP_KIND: z.enum(BACKUP_KINDS).default("scheduled").describe("why the backup is taken"),
});

export const backupCommand = command(
  "Backs up a tenant's database, then its files, and writes the manifest last; result: the manifest.",
  environment,
  async (env, { log }) => {
    const { OPS_ROOT, FILES_FOLDER } = env;
    const manifest = await backup(
      {
        ...tenantOf(env),
        kind: env.BACKUP_KIND,
        scope: env.BACKUP_SCOPE,
        ...(FILES_FOLDER === undefined ? {} : { files: filesFolder({ OPS_ROOT, FILES_FOLDER }) }),
        database: databaseLogin(env),
      },
      new Storage(env.BACKUP_BUCKET),
      log,
    );
    const { database, files } = manifest;
    const sums = files === null ? "" : `, files sha256 ${files.sha256}`;
    log(`backup ${manifest.id} complete: database sha256 ${database.sha256}${sums}`);
    return manifest;
  },
);

export const exportCommand = command(
  "Exports a tenant's data in a form that others can read: tables as CSV, definitions, files; result: the manifest.",
  environment.omit({ BACKUP_KIND: true }),
  (env, { log }) => {
    const { OPS_ROOT, FILES_FOLDER } = env;
    return exportData(
      {
        ...tenantOf(env),
        scope: env.BACKUP_SCOPE,
        ...(FILES_FOLDER === undefined ? {} : { files: filesFolder({ OPS_ROOT, FILES_FOLDER }) }),
        database: databaseLogin(env),
      },
      new Storage(env.BACKUP_BUCKET),
      log,
    );
  },
);
