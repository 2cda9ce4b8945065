import { BucketObjectv2 } from "@pulumi/aws/s3/bucketObjectv2.js";
import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import type { Output, Resource } from "@pulumi/pulumi";
import { BACKUP, backupPrefix, databaseName, namespaceName, tenantLabels } from "../registry/naming.ts";
import { JOB_POD } from "../registry/resolve.ts";
import { CONTAINER_SECURITY, POD_SECURITY, resourceRequirements, secretEnv } from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

/** Exit codes that no second try can mend: configuration, permission, disk, access denied, verification. */
const FINAL_EXIT_CODES = [10, 22, 30, 40, 50];

/**
 * The tenant's prefix in the bucket, described by an object of its own, the identity that may write to it, and the
 * scheduled backup (see ops/). The bucket's lifecycle rules do retention; the Job has no right to delete.
 */
export function createBackup(
  { spec, cell, parent, namespace }: NamespacedScope,
  secret: Output<string>,
  guards: readonly Resource[],
): void {
  const { id } = spec;
  const labels = tenantLabels(id);
  const prefix = backupPrefix(id);
  new BucketObjectv2(
    `${id}-backup-prefix`,
    {
      bucket: cell.backup.bucket,
      key: `${prefix}tenant.json`,
      contentType: "application/json",
      content: JSON.stringify({
        tenantId: id,
        cell: cell.cell,
        namespace: namespaceName(id),
        database: databaseName(id),
      }),
      serverSideEncryption: "AES256",
    },
    { parent, protect: true },
  );
  // EKS Pod Identity binds the platform's backup role to this account, confined to the namespace's prefix.
  const account = new ServiceAccount(
    `${id}-backup-account`,
    { metadata: { name: BACKUP, namespace, labels }, automountServiceAccountToken: false },
    { parent },
  );
  new CronJob(
    `${id}-backup`,
    {
      metadata: { name: BACKUP, namespace, labels },
      spec: {
        schedule: spec.backup.schedule,
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels },
          spec: {
            backoffLimit: 3,
            activeDeadlineSeconds: 6 * 3600,
            podFailurePolicy: {
              rules: [
                {
                  action: "FailJob",
                  onExitCodes: { containerName: BACKUP, operator: "In", values: FINAL_EXIT_CODES },
                },
                { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
              ],
            },
            template: {
              metadata: { labels },
              spec: {
                serviceAccountName: account.metadata.name,
                automountServiceAccountToken: false,
                enableServiceLinks: false,
                securityContext: POD_SECURITY,
                restartPolicy: "Never",
                volumes: [{ name: "scratch", emptyDir: { sizeLimit: "2Gi" } }],
                containers: [
                  {
                    name: BACKUP,
                    image: cell.backup.image,
                    args: ["backup"],
                    env: [
                      { name: "TENANT_ID", value: id },
                      { name: "BACKUP_BUCKET", value: cell.backup.bucket },
                      { name: "BACKUP_PREFIX", value: prefix },
                      { name: "BACKUP_RETAIN_DAYS", value: String(spec.backup.retainDays) },
                      { name: "AWS_REGION", value: cell.region },
                      secretEnv("DATABASE_HOST", secret, "host"),
                      secretEnv("DATABASE_PORT", secret, "port"),
                      secretEnv("DATABASE_NAME", secret, "name"),
                      secretEnv("DATABASE_USER", secret, "username"),
                      secretEnv("DATABASE_PASSWORD", secret, "password"),
                      { name: "DATABASE_SSLMODE", value: cell.database.sslmode },
                    ],
                    securityContext: CONTAINER_SECURITY,
                    resources: resourceRequirements(JOB_POD.requests, JOB_POD.limits),
                    volumeMounts: [{ name: "scratch", mountPath: "/tmp" }],
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
