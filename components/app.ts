import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { types } from "@pulumi/kubernetes";
import type { Output, Resource } from "@pulumi/pulumi";
import { createHash } from "node:crypto";
import {
  APP,
  appLabels,
  FEATURES,
  INIT,
  maintenanceLabels,
  SERVICE,
  tenantLabels,
  UPLOADS,
} from "../registry/naming.ts";
import { formatBytes } from "../registry/quantities.ts";
import { JOB_POD } from "../registry/resolve.ts";
import type { TenantSpec } from "../registry/spec.ts";
import type { DatabaseSecrets } from "./database.ts";
import { createMaintenance } from "./maintenance.ts";
import {
  CONTAINER_SECURITY,
  HTTP_PORT,
  METRICS_PORT,
  POD_SECURITY,
  resourceRequirements,
  secretEnv,
} from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

type EnvVar = types.input.core.v1.EnvVar;

/** Where WordPress keeps uploaded files. */
const UPLOADS_PATH = "/var/www/html/wp-content/uploads";

/** Writable folders of the otherwise read-only container, with their size limits. */
const SCRATCH = [
  { name: "tmp", mountPath: "/tmp", sizeLimit: "512Mi" },
  { name: "run", mountPath: "/run", sizeLimit: "16Mi" },
  { name: "cache", mountPath: "/var/www/html/wp-content/cache", sizeLimit: "512Mi" },
] as const;

/** A rollout that makes no progress for so long has failed; the old pods keep serving. */
const PROGRESS_DEADLINE_SECONDS = 240;

/** Features, theme and integrations, as the application reads them from its environment. */
function features({ plan, features, branding }: TenantSpec): Record<string, string> {
  return {
    PLAN: plan,
    BRAND_NAME: branding.productName,
    BRAND_COLOR: branding.primaryColor,
    BRAND_LOGO_URL: branding.logoUrl,
    AI_WORKFLOWS: features.aiWorkflows,
    CHATBOT: features.chatbot,
    CUSTOM_THEME: features.theme,
    INTEGRATIONS: features.integrations.join(","),
  };
}

/**
 * The application of a silo tenant: Deployment, Service, autoscaler, disruption budget, uploads volume, features
 * and the init Job, which runs after each rollout of another release or plan and is idempotent. While the tenant is
 * suspended it has no pods, and the Service leads to the maintenance response; files, data and backups stay.
 * @param guards quota and network policies, which exist before the first pod
 * @returns the Service's name, and the Deployment, which is there once its pods are
 */
export function createApp(
  scope: NamespacedScope,
  secrets: DatabaseSecrets,
  guards: readonly Resource[],
): { readonly service: Output<string>; readonly deployment: Resource } {
  const { spec, cell, parent, namespace } = scope;
  const { id } = spec;
  const labels = { ...tenantLabels(id), ...appLabels(id) };
  const metadata = (name: string) => ({ name, namespace, labels });
  const opts = { parent };

  const account = new ServiceAccount(
    `${id}-app-account`,
    { metadata: metadata(APP), automountServiceAccountToken: false },
    opts,
  );
  const config = new ConfigMap(
    `${id}-features`,
    { metadata: metadata(FEATURES), data: features(spec) },
    opts,
  );
  const uploads = new PersistentVolumeClaim(
    `${id}-uploads`,
    {
      metadata: metadata(UPLOADS),
      spec: {
        // Replicas share the files.
        accessModes: ["ReadWriteMany"],
        storageClassName: cell.storage.uploadsClass,
        resources: { requests: { storage: formatBytes(spec.uploadsBytes) } },
      },
    },
    { parent, protect: true },
  );

  const env = (secret: Output<string>): EnvVar[] => [
    { name: "TENANT_ID", value: id },
    secretEnv("DATABASE_URL", secret, "url"),
    secretEnv("DATABASE_HOST", secret, "host"),
    secretEnv("DATABASE_NAME", secret, "name"),
  ];
  const pod = {
    serviceAccountName: account.metadata.name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: POD_SECURITY,
    volumes: [
      ...SCRATCH.map(({ name, sizeLimit }) => ({ name, emptyDir: { sizeLimit } })),
      { name: "uploads", persistentVolumeClaim: { claimName: uploads.metadata.name } },
    ],
  };
  const container = {
    image: spec.release.image,
    securityContext: CONTAINER_SECURITY,
    envFrom: [{ configMapRef: { name: config.metadata.name } }],
    volumeMounts: [
      ...SCRATCH.map(({ name, mountPath }) => ({ name, mountPath })),
      { name: "uploads", mountPath: UPLOADS_PATH },
    ],
  };

  const deployment = new Deployment(
    `${id}-app`,
    {
      // Suspension takes `replicas` from the autoscaler, which owns the field until then.
      metadata: { ...metadata(APP), annotations: { "pulumi.com/patchForce": "true" } },
      spec: {
        // While the tenant is served, `replicas` belong to the autoscaler.
        ...(spec.serving ? {} : { replicas: 0 }),
        selector: { matchLabels: appLabels(id) },
        revisionHistoryLimit: 3,
        progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: {
            labels: { ...labels, "app.kubernetes.io/version": spec.release.version },
            // The environment is read at start only: other features or credentials need other pods.
            annotations: {
              "tenantstack.io/features": digest(features(spec)),
              "tenantstack.io/credentials-rotation": String(spec.credentials.rotation),
            },
          },
          spec: {
            ...pod,
            terminationGracePeriodSeconds: 30,
            topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
              (topologyKey) => ({
                topologyKey,
                maxSkew: 1,
                whenUnsatisfiable: "ScheduleAnyway",
                labelSelector: { matchLabels: appLabels(id) },
              }),
            ),
            containers: [
              {
                ...container,
                name: APP,
                env: env(secrets.app),
                ports: [
                  { name: "http", containerPort: HTTP_PORT },
                  { name: "metrics", containerPort: METRICS_PORT },
                ],
                resources: resourceRequirements(spec.pod.requests, spec.pod.limits),
                startupProbe: {
                  httpGet: { path: "/health", port: "http" },
                  periodSeconds: 5,
                  failureThreshold: 30,
                },
                livenessProbe: {
                  httpGet: { path: "/health", port: "http" },
                  initialDelaySeconds: 30,
                  periodSeconds: 10,
                },
                readinessProbe: {
                  httpGet: { path: "/ready", port: "http" },
                  initialDelaySeconds: 5,
                  periodSeconds: 5,
                },
                // Endpoints are withdrawn while the pod still answers.
                lifecycle: { preStop: { sleep: { seconds: 5 } } },
              },
            ],
          },
        },
      },
    },
    { parent, dependsOn: [...guards], customTimeouts: { create: "5m", update: "5m" } },
  );

  const service = new Service(
    `${id}-service`,
    {
      metadata: metadata(SERVICE),
      spec: {
        type: "ClusterIP",
        selector: spec.serving ? appLabels(id) : maintenanceLabels(id),
        ports: [
          { name: "http", port: 80, targetPort: "http" },
          { name: "metrics", port: METRICS_PORT, targetPort: "metrics" },
        ],
      },
    },
    // It waits for pods behind it.
    { parent, dependsOn: [spec.serving ? deployment : createMaintenance(scope, guards)] },
  );
  if (spec.serving) {
    createAutoscaler(scope, labels, deployment.metadata.name);
    createInitJob(scope, { ...pod, container: { ...container, env: env(secrets.migrate) } }, deployment);
  }
  new PodDisruptionBudget(
    `${id}-disruption-budget`,
    { metadata: metadata(APP), spec: { maxUnavailable: 1, selector: { matchLabels: appLabels(id) } } },
    opts,
  );
  return { service: service.metadata.name, deployment };
}

/** Keeps the application between the plan's bounds of replicas. */
function createAutoscaler(
  { spec, parent, namespace }: NamespacedScope,
  labels: Record<string, string>,
  deployment: Output<string>,
): void {
  new HorizontalPodAutoscaler(
    `${spec.id}-autoscaler`,
    {
      metadata: { name: APP, namespace, labels },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
        minReplicas: spec.replicas.min,
        maxReplicas: spec.replicas.max,
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } },
          },
        ],
      },
    },
    { parent },
  );
}

type PodParts = Omit<types.input.core.v1.PodSpec, "containers"> & {
  container: Omit<types.input.core.v1.Container, "name">;
};

/** Creates the schema and the customer's data; runs again, as a new Job, for another release or plan. */
function createInitJob(
  { spec, parent, namespace }: NamespacedScope,
  { container, ...pod }: PodParts,
  deployment: Resource,
): void {
  const labels = tenantLabels(spec.id);
  new Job(
    `${spec.id}-init`,
    {
      // A Job that failed is run anew by the next `up`.
      metadata: { name: INIT, namespace, labels, annotations: { "pulumi.com/replaceUnready": "true" } },
      spec: {
        backoffLimit: 3,
        activeDeadlineSeconds: 900,
        template: {
          metadata: { labels },
          spec: {
            ...pod,
            restartPolicy: "Never",
            containers: [
              {
                ...container,
                name: INIT,
                command: [
                  "php",
                  "/var/www/html/scripts/init-customer.php",
                  `--customer-id=${spec.id}`,
                  `--plan=${spec.plan}`,
                ],
                resources: resourceRequirements(JOB_POD.requests, JOB_POD.limits),
              },
            ],
          },
        },
      },
    },
    // A Job's template cannot change and its name is fixed, so the old one goes first.
    { parent, dependsOn: [deployment], deleteBeforeReplace: true, customTimeouts: { create: "20m" } },
  );
}

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
