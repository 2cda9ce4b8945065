import { z } from "zod";
import { text } from "../environment.ts";
import { selectBackup } from "../restore/select.ts";
import { Storage } from "../storage.ts";
import { command } from "./command.ts";
import { tenantEnvironment } from "./environment.ts";

const environment = tenantEnvironment.extend({
  RESTORE_ID: text.optional().describe("id of the backup, acme-20260101T020304Z; default: the newest"),
  RESTORE_AT: z.iso
    .datetime()
    .optional()
    .describe("the newest backup that was begun not after this time, RFC 3339 UTC"),
});

export const describeCommand = command(
  "Tells which backup of a tenant is meant, and reads nothing of it but its manifest; result: the manifest.",
  environment.omit({ BACKUP_RETAIN_DAYS: true }),
  async (env, { log }) => {
    const choice = {
      ...(env.RESTORE_ID === undefined ? {} : { id: env.RESTORE_ID }),
      ...(env.RESTORE_AT === undefined ? {} : { at: env.RESTORE_AT }),
    };
    const manifest = await selectBackup(
      new Storage(env.BACKUP_BUCKET),
      env.TENANT_ID,
      env.BACKUP_PREFIX,
      choice,
    );
    log(`${manifest.id}: ${manifest.kind}, begun ${manifest.startedAt}`);
    return manifest;
  },
);
