import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import type { Input, Output, Resource } from "@pulumi/pulumi";
import { BACKUP, backupAccountName, backupPrefix } from "../registry/naming.ts";
import { hasOwnDatabase } from "../registry/placement.ts";
import { JOB_POD } from "../registry/resolve.ts";
import { bucketEnv } from "./bucketEnv.ts";
import { failurePolicy, FINAL_EXIT_CODES, loginEnv } from "./job.ts";
import { VOLUME_PATH, type Volume } from "./move.ts";
import { CONTAINER_SECURITY, hardenedPod, resourceRequirements } from "./pod.ts";
import type { TenantScope } from "./scope.ts";

/**
 * The scheduled backup (see ops/). The bucket's lifecycle rules do retention; the Job has no right to delete.
 * @param account that may write to the prefix
 * @param volume the volume that holds the tenant's files alone; undefined: it shares one, and its files are left out
 */
export function createBackup(
  { spec, labels, cell, parent, namespace }: TenantScope,
  account: Input<string>,
  secret: Output<string>,
  volume: Volume | undefined,
  guards: readonly Resource[],
): void {
  const { id } = spec;
  new CronJob(
    `${id}-backup`,
    {
      metadata: { name: BACKUP, namespace, labels },
      spec: {
        schedule: spec.backup.schedule,
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        // While a move cuts over, the database that will serve is half filled.
        suspend: spec.move?.phase === "cutover",
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels },
          spec: {
            backoffLimit: 3,
            activeDeadlineSeconds: 6 * 3600,
            podFailurePolicy: failurePolicy(BACKUP, FINAL_EXIT_CODES),
            template: {
              metadata: { labels },
              spec: {
                serviceAccountName: account,
                ...hardenedPod(cell, "batch"),
                restartPolicy: "Never",
                ...(volume === undefined
                  ? {}
                  : { volumes: [{ name: "uploads", persistentVolumeClaim: { claimName: volume.claim } }] }),
                containers: [
                  {
                    name: BACKUP,
                    image: cell.backup.image,
                    args: ["backup"],
                    env: [
                      { name: "TENANT_ID", value: id },
                      ...bucketEnv(cell, backupAccountName(id)),
                      { name: "BACKUP_PREFIX", value: backupPrefix(id) },
                      { name: "BACKUP_RETAIN_DAYS", value: String(spec.backup.retainDays) },
                      { name: "BACKUP_SCOPE", value: hasOwnDatabase(spec.placement) ? "database" : "rows" },
                      ...loginEnv({ cell }, secret),
                      ...(volume === undefined ? [] : [{ name: "FILES_FOLDER", value: VOLUME_PATH }]),
                    ],
                    securityContext: CONTAINER_SECURITY,
                    resources: resourceRequirements(JOB_POD.requests, JOB_POD.limits),
                    ...(volume === undefined
                      ? {}
                      : { volumeMounts: [{ name: "uploads", mountPath: VOLUME_PATH, readOnly: true }] }),
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
