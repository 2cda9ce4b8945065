import { verify } from "../backup/verify.ts";
import { choiceAfterArchive } from "../offboarding/emptied.ts";
import { selectBackup } from "../restore/select.ts";
import { Storage } from "../storage.ts";
import { command } from "./command.ts";
import { choiceEnvironment, choiceOf, tenantEnvironment } from "./environment.ts";

const environment = tenantEnvironment.omit({ BACKUP_RETAIN_DAYS: true }).extend(choiceEnvironment.shape);

export const describeCommand = command(
  "Tells which backup of a tenant would be restored, and reads nothing of it but its manifest; result: the manifest.",
  environment,
  async (env, { log }) => {
    const store = new Storage(env.BACKUP_BUCKET);
    const choice = await choiceAfterArchive(store, env.BACKUP_PREFIX, choiceOf(env));
    const manifest = await selectBackup(store, env.TENANT_ID, env.BACKUP_PREFIX, choice);
    log(`${manifest.id}: ${manifest.kind}, begun ${manifest.startedAt}`);
    return manifest;
  },
);

export const verifyCommand = command(
  "Reads a backup of a tenant to its end and compares it with its manifest; result: the manifest.",
  environment,
  (env, { log }) =>
    verify(
      { tenantId: env.TENANT_ID, prefix: env.BACKUP_PREFIX, choice: choiceOf(env) },
      new Storage(env.BACKUP_BUCKET),
      log,
    ),
);
