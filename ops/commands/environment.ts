import { join } from "node:path";
import { z } from "zod";
import { sharedDatabaseName } from "../../registry/naming.ts";
import { text } from "../environment.ts";
import type { Choice } from "../restore/select.ts";

/** The bucket; where it is and how to get in comes from the standard AWS variables. */
export const bucketEnvironment = z.object({
  BACKUP_BUCKET: text.describe("name of the bucket"),
});

/** The tenant that a command is about, and its prefix in the bucket. */
export const tenantEnvironment = bucketEnvironment.extend({
  TENANT_ID: text.describe("id of the tenant"),
  BACKUP_PREFIX: text.endsWith("/").describe("the tenant's prefix in the bucket, `customers/<id>/`"),
  BACKUP_RETAIN_DAYS: z.coerce
    .number()
    .int()
    .nonnegative()
    .describe("days after which lifecycle rules delete what is written; 0: until the tenant is erased"),
});

/** For commands that enter the database that tenants share, beside the tenant's own. */
export const sharedEnvironment = z.object({
  SHARED_DATABASE: text
    .default(sharedDatabaseName(""))
    .describe("database that the tenants of placement pool of the cell share"),
});

/** Folder that stands for the container's root where the program runs as a plain process. */
const rootEnvironment = z.object({
  OPS_ROOT: text.default("/").describe("folder that stands for the container's root in a plain process"),
});

/** The tenant's files. */
export const filesEnvironment = tenantEnvironment.extend({
  ...rootEnvironment.shape,
  FILES_FOLDER: text.describe("where the tenant's files are in the container"),
});

/** Which backup is meant; neither: the newest. */
export const choiceEnvironment = z.object({
  RESTORE_ID: text.optional().describe("id of the backup, acme-20260101T020304Z; default: the newest"),
  RESTORE_AT: z.iso
    .datetime()
    .optional()
    .describe("the newest backup that was begun not after this time, RFC 3339 UTC"),
});

export const choiceOf = (env: z.output<typeof choiceEnvironment>): Choice => ({
  ...(env.RESTORE_ID === undefined ? {} : { id: env.RESTORE_ID }),
  ...(env.RESTORE_AT === undefined ? {} : { at: env.RESTORE_AT }),
});

/** The folder of the tenant's files on this machine. */
export const filesFolder = (env: { readonly OPS_ROOT: string; readonly FILES_FOLDER: string }): string =>
  join(env.OPS_ROOT, env.FILES_FOLDER);

/** What a command of a tenant asks for. */
export const tenantOf = (env: z.output<typeof tenantEnvironment>) => ({
  tenantId: env.TENANT_ID,
  prefix: env.BACKUP_PREFIX,
  retainDays: env.BACKUP_RETAIN_DAYS,
});
