import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import type { types } from "@pulumi/kubernetes";
import type { Resource } from "@pulumi/pulumi";
import { BACKUP, backupAccountName, backupJobOf, backupPrefix, BUCKET_LABELS } from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase } from "../registry/placement.ts";
import { JOB_POD } from "../registry/resolve.ts";
import { bucketEnv, type EnvVar } from "./bucketEnv.ts";
import { failurePolicy, FINAL_EXIT_CODES, loginEnv, type JobArgs } from "./job.ts";
import type { LoginRef } from "./login.ts";
import { VOLUME_PATH, type TenantVolume } from "./move.ts";
import { CONTAINER_SECURITY, hardenedPod, resourceRequirements, SAYS_WHY } from "./pod.ts";
import type { TenantScope } from "./scope.ts";

type Volume = types.input.core.v1.Volume;

/** The longest that a backup may take. */
export const BACKUP_DEADLINE_SECONDS = 6 * 3600;

/** What a Job of the tenant reads and writes. */
export interface BackupSource {
  /** Holds the tenant's files, alone or in a folder of its id. The Job runs in its namespace. */
  readonly volume: TenantVolume;
  /** The backup login in a Secret of that namespace. */
  readonly login: LoginRef;
}

/**
 * What a Job runs that reads a tenant's database and files and writes to its prefix in the bucket.
 * @param retainDays of what it writes; 0: until the tenant is erased
 */
export function backupRun(
  { spec, cell }: TenantScope,
  { volume, login }: BackupSource,
  { args, retainDays, env = [] }: { args: string[]; retainDays: number; env?: EnvVar[] },
): Pick<JobArgs, "container" | "serviceAccountName"> & { readonly volumes: Volume[] } {
  const { id, placement } = spec;
  const folder = hasOwnApp(placement) ? {} : { subPath: id };
  return {
    container: {
      image: cell.backup.image,
      args,
      env: [
        { name: "TENANT_ID", value: id },
        ...bucketEnv(cell, backupAccountName(id)),
        { name: "BACKUP_PREFIX", value: backupPrefix(id) },
        { name: "BACKUP_RETAIN_DAYS", value: String(retainDays) },
        { name: "BACKUP_SCOPE", value: hasOwnDatabase(placement) ? "database" : "rows" },
        ...loginEnv({ cell }, login),
        { name: "FILES_FOLDER", value: VOLUME_PATH },
        ...env,
      ],
      volumeMounts: [{ name: "uploads", mountPath: VOLUME_PATH, readOnly: true, ...folder }],
    },
    serviceAccountName: volume.account,
    volumes: [{ name: "uploads", persistentVolumeClaim: { claimName: volume.claim } }],
  };
}

/**
 * The scheduled backup (see ops/). The bucket's lifecycle rules do retention; the Job has no right to delete.
 * It runs where the tenant's files are, as no pod can mount the volume of another namespace: so that one manifest covers
 * database and files.
 */
export function createBackup(scope: TenantScope, source: BackupSource, guards: readonly Resource[]): void {
  const { spec, labels, parent } = scope;
  const { namespace } = source.volume;
  const { retainDays, schedule } = spec.backup;
  const { container, serviceAccountName, volumes } = backupRun(scope, source, {
    args: ["backup"],
    retainDays,
  });
  new CronJob(
    `${spec.id}-backup`,
    {
      metadata: { name: backupJobOf(spec, scope.cell.qualifier).name, namespace, labels },
      spec: {
        schedule,
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        // While a move cuts over, the database that will serve is half filled; a leaving tenant has its final backup.
        suspend: spec.move?.phase === "cutover" || spec.leaving !== undefined,
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels },
          spec: {
            backoffLimit: 3,
            activeDeadlineSeconds: BACKUP_DEADLINE_SECONDS,
            podFailurePolicy: failurePolicy(BACKUP, FINAL_EXIT_CODES),
            template: {
              metadata: { labels: { ...labels, ...BUCKET_LABELS } },
              spec: {
                serviceAccountName,
                ...hardenedPod(scope, "batch"),
                restartPolicy: "Never",
                volumes,
                containers: [
                  {
                    ...container,
                    name: BACKUP,
                    terminationMessagePolicy: SAYS_WHY,
                    securityContext: CONTAINER_SECURITY,
                    resources: resourceRequirements(JOB_POD.requests, JOB_POD.limits),
                  },
                ],
              },
            },
          },
        },
      },
    },
    { parent, dependsOn: [...guards] },
  );
}
