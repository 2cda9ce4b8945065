import { z } from "zod";
import { databaseEnvironment, databaseLogin, text } from "../environment.ts";
import { drill } from "../restore/drill.ts";
import { restore, type RestoreRequest } from "../restore/restore.ts";
import { Storage } from "../storage.ts";
import { command } from "./command.ts";
import { tenantEnvironment, tenantOf } from "./environment.ts";

const choiceEnvironment = z.object({
  RESTORE_ID: text.optional().describe("id of the backup, acme-20260101T020304Z; default: the newest"),
  RESTORE_AT: z.iso
    .datetime()
    .optional()
    .describe("the newest backup that was begun not after this time, RFC 3339 UTC"),
});

const environment = databaseEnvironment.extend({ ...tenantEnvironment.shape, ...choiceEnvironment.shape });

const requestOf = (env: z.output<typeof environment>): RestoreRequest => ({
  ...tenantOf(env),
  platform: databaseLogin(env),
  choice: {
    ...(env.RESTORE_ID === undefined ? {} : { id: env.RESTORE_ID }),
    ...(env.RESTORE_AT === undefined ? {} : { at: env.RESTORE_AT }),
  },
});

export const restoreCommand = command(
  "Brings a tenant's rows back to a backup, beside and then swapped, as the platform's role; result: its manifest.",
  environment,
  (env, { log }) => restore(requestOf(env), new Storage(env.BACKUP_BUCKET), log),
);

export const drillCommand = command(
  "Restores a backup into a database of its own, compares, measures and drops it; result: the report.",
  environment,
  (env, { log }) => drill(requestOf(env), new Storage(env.BACKUP_BUCKET), log),
);
