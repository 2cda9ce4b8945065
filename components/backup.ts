import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import type { Output, Resource } from "@pulumi/pulumi";
import { BACKUP, backupAccountName, backupJobOf, backupPrefix } from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase } from "../registry/placement.ts";
import { JOB_POD } from "../registry/resolve.ts";
import { bucketEnv } from "./bucketEnv.ts";
import { failurePolicy, FINAL_EXIT_CODES, loginEnv } from "./job.ts";
import { VOLUME_PATH, type TenantVolume } from "./move.ts";
import { CONTAINER_SECURITY, hardenedPod, resourceRequirements } from "./pod.ts";
import type { TenantScope } from "./scope.ts";

/**
 * The scheduled backup (see ops/). The bucket's lifecycle rules do retention; the Job has no right to delete. It runs
 * where the tenant's files are, as no pod can mount the volume of another namespace: so that one manifest covers database
 * and files.
 * @param volume that holds the tenant's files, alone or in a folder of its id
 * @param secret of its namespace, with the backup login
 */
export function createBackup(
  { spec, labels, cell, parent }: TenantScope,
  { namespace, claim, account }: TenantVolume,
  secret: Output<string>,
  guards: readonly Resource[],
): void {
  const { id } = spec;
  const { name } = backupJobOf(spec);
  const folder = hasOwnApp(spec.placement) ? {} : { subPath: id };
  new CronJob(
    `${id}-backup`,
    {
      metadata: { name, namespace, labels },
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
                volumes: [{ name: "uploads", persistentVolumeClaim: { claimName: claim } }],
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
                      { name: "FILES_FOLDER", value: VOLUME_PATH },
                    ],
                    securityContext: CONTAINER_SECURITY,
                    resources: resourceRequirements(JOB_POD.requests, JOB_POD.limits),
                    volumeMounts: [{ name: "uploads", mountPath: VOLUME_PATH, readOnly: true, ...folder }],
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
