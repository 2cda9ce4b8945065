import type { Input, Resource } from "@pulumi/pulumi";
import {
  ARCHIVE,
  archiveJobName,
  backupAccountName,
  backupPrefix,
  exportJobName,
  finalJobName,
  OPERATIONS,
  sharedDatabaseName,
  SHUT_OUT,
} from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase } from "../registry/placement.ts";
import { BACKUP_DEADLINE_SECONDS, backupRun, type BackupSource } from "./backup.ts";
import { bucketEnv, type EnvVar } from "./bucketEnv.ts";
import { createJob, FINAL_EXIT_CODES, loginEnv, type JobArgs } from "./job.ts";
import type { LoginRef } from "./login.ts";
import { VOLUME_PATH, type TenantVolume } from "./move.ts";
import type { TenantScope } from "./scope.ts";

/** How the Jobs in the tenant's own namespace reach bucket and database. */
export interface OwnLogin {
  /** The tenant's ServiceAccount. */
  readonly account: Input<string>;
  /** Its migration login. */
  readonly login: LoginRef;
}

/** A Job of a tenant that leaves. With another image of the operations program it runs again, which is as good. */
const createFinalJob = (
  scope: TenantScope,
  namespace: Input<string>,
  args: Omit<JobArgs, "finalExitCodes" | "deadlineSeconds">,
): Resource =>
  createJob(
    { ...scope, namespace },
    { ...args, finalExitCodes: FINAL_EXIT_CODES, deadlineSeconds: BACKUP_DEADLINE_SECONDS },
  );

/**
 * The Jobs of state offboarding, one after the other: the application's sessions are ended, then a final backup is taken
 * that no lifecycle rule deletes, the data exported if the customer gets it, and the backup restored into a scratch
 * database. The last leaves the evidence that state archived asks for.
 * @param after when nobody can come in any more
 */
export function createFinalJobs(
  scope: TenantScope,
  { login }: OwnLogin,
  source: BackupSource,
  after: readonly Resource[],
): void {
  const { spec, cell } = scope;
  const { id, leaving } = spec;
  const { namespace } = source.volume;
  const shut = createFinalJob(scope, scope.namespace, {
    name: SHUT_OUT,
    container: {
      image: cell.backup.image,
      args: ["shut-out"],
      env: [{ name: "TENANT_ID", value: id }, ...loginEnv(scope, login)],
    },
    after,
  });
  const backup = createFinalJob(scope, namespace, {
    name: finalJobName(id),
    suffix: "final-backup",
    ...backupRun(scope, source, {
      args: ["backup"],
      retainDays: 0,
      env: [{ name: "BACKUP_KIND", value: "final" }],
    }),
    after: [shut],
  });
  if (leaving?.exports === true) {
    createFinalJob(scope, namespace, {
      name: exportJobName(id),
      suffix: "export",
      ...backupRun(scope, source, { args: ["export"], retainDays: 0 }),
      after: [backup],
    });
  }
  createFinalJob(scope, OPERATIONS.namespace, {
    name: finalJobName(id),
    suffix: "final-verify",
    container: {
      image: cell.backup.image,
      args: ["final-verify"],
      env: [
        ...tenantEnv(scope, OPERATIONS.account),
        ...loginEnv(scope, { secret: OPERATIONS.secret, prefix: "" }),
      ],
    },
    serviceAccountName: OPERATIONS.account,
    after: [backup],
  });
}

/**
 * The Jobs of state archived: they compare the evidence with the bucket and empty what is not the tenant's own database,
 * as nothing could do that when the entry has become a tombstone: rows in a shared database, and files.
 * @param after when nobody can come in any more
 */
export function createArchiveJobs(
  scope: TenantScope,
  { account, login }: OwnLogin,
  volume: TenantVolume,
  after: readonly Resource[],
): void {
  const { spec, cell } = scope;
  const { id, placement, leaving } = spec;
  if (leaving?.finalBackup === undefined) throw new Error(`${id} is archived without a final backup`);
  const env = [
    ...tenantEnv(scope, backupAccountName(id)),
    { name: "FINAL_BACKUP_ID", value: leaving.finalBackup.id },
    { name: "FINAL_BACKUP_SHA256", value: leaving.finalBackup.sha256 },
    { name: "FINAL_BACKUP_VERIFIED_AT", value: leaving.finalBackup.verifiedAt },
    { name: "SHARED_DATABASE", value: sharedDatabaseName(cell.qualifier) },
  ];
  if (!hasOwnDatabase(placement)) {
    createFinalJob(scope, scope.namespace, {
      name: ARCHIVE,
      suffix: "archive-rows",
      container: {
        image: cell.backup.image,
        args: ["archive-rows"],
        env: [...env, ...loginEnv(scope, login)],
      },
      serviceAccountName: account,
      after,
    });
  }
  createFinalJob(scope, volume.namespace, {
    name: archiveJobName(id),
    suffix: "archive-files",
    container: {
      image: cell.backup.image,
      args: ["archive-files"],
      env: [...env, { name: "FILES_FOLDER", value: VOLUME_PATH }],
      volumeMounts: [
        { name: "uploads", mountPath: VOLUME_PATH, ...(hasOwnApp(placement) ? {} : { subPath: id }) },
      ],
    },
    volumes: [{ name: "uploads", persistentVolumeClaim: { claimName: volume.claim } }],
    serviceAccountName: volume.account,
    after,
  });
}

/** The tenant and the bucket, which is used with the keys of an account where it wants keys. */
const tenantEnv = ({ spec: { id }, cell }: TenantScope, account: string): EnvVar[] => [
  { name: "TENANT_ID", value: id },
  { name: "BACKUP_PREFIX", value: backupPrefix(id) },
  ...bucketEnv(cell, account),
];
