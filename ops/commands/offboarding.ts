import { z } from "zod";
import { withConnection } from "../connection.ts";
import { databaseEnvironment, databaseLogin, text } from "../environment.ts";
import { purgeShared } from "../move/move.ts";
import { emptyFolder } from "../offboarding/archive.ts";
import { noteEmptied, type EmptiedPart } from "../offboarding/emptied.ts";
import { requireEvidence } from "../offboarding/evidence.ts";
import { verifyFinal } from "../offboarding/final.ts";
import { shutOut } from "../sessions.ts";
import { Storage } from "../storage.ts";
import { command } from "./command.ts";
import { filesEnvironment, filesFolder, sharedEnvironment, tenantEnvironment } from "./environment.ts";

/** Nothing is written that would have to be kept. */
const tenant = tenantEnvironment.omit({ BACKUP_RETAIN_DAYS: true });

export const shutOutCommand = command(
  "Ends what a leaving tenant's application still does in its database, which it can enter no more.",
  databaseEnvironment.extend({ TENANT_ID: tenantEnvironment.shape.TENANT_ID }),
  async (env, { log }) => {
    const login = databaseLogin(env);
    await withConnection(login, (client) => shutOut(client, env.TENANT_ID, login.name, log));
    log(`${env.TENANT_ID} is shut out of ${login.name}`);
    return undefined;
  },
);

export const finalVerify = command(
  "Proves that a tenant can be restored from its final backup; result: the evidence for the registry.",
  databaseEnvironment.extend(tenant.shape),
  (env, { log }) =>
    verifyFinal(
      { tenantId: env.TENANT_ID, prefix: env.BACKUP_PREFIX, login: databaseLogin(env) },
      new Storage(env.BACKUP_BUCKET),
      log,
    ),
);

/** What the registry says of the final backup: compared with the bucket before anything is deleted. */
const evidenceEnvironment = z.object({
  FINAL_BACKUP_ID: text.describe("id of the final backup, as the registry has it"),
  FINAL_BACKUP_SHA256: text.describe("SHA-256 of its manifest, likewise"),
  FINAL_BACKUP_VERIFIED_AT: text.describe("when it was verified, likewise"),
});

/** Makes sure that a part may be deleted, and notes that it is. */
async function mayEmpty(
  env: z.output<typeof evidenceEnvironment> & z.output<typeof tenant>,
  part: EmptiedPart,
): Promise<void> {
  const store = new Storage(env.BACKUP_BUCKET);
  await requireEvidence(store, env.TENANT_ID, env.BACKUP_PREFIX, {
    id: env.FINAL_BACKUP_ID,
    sha256: env.FINAL_BACKUP_SHA256,
    verifiedAt: env.FINAL_BACKUP_VERIFIED_AT,
  });
  await noteEmptied(store, env.BACKUP_PREFIX, part, env.FINAL_BACKUP_ID);
}

export const archiveRows = command(
  "Deletes an archived tenant's rows from the database that tenants share, if its final backup is proven.",
  databaseEnvironment.extend({
    ...tenant.shape,
    ...evidenceEnvironment.shape,
    ...sharedEnvironment.shape,
  }),
  async (env, { log }) => {
    await mayEmpty(env, "rows");
    await purgeShared(
      { tenantId: env.TENANT_ID, login: databaseLogin(env), sharedDatabase: env.SHARED_DATABASE },
      log,
    );
    return undefined;
  },
);

export const archiveFiles = command(
  "Deletes an archived tenant's files from their volume, if its final backup is proven.",
  filesEnvironment.omit({ BACKUP_RETAIN_DAYS: true }).extend(evidenceEnvironment.shape),
  async (env, { log }) => {
    await mayEmpty(env, "files");
    await emptyFolder(filesFolder(env), log);
    return undefined;
  },
);
