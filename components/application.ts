import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import type { types } from "@pulumi/kubernetes";
import type { Input, Output, Resource } from "@pulumi/pulumi";
import { APP, SERVICE, UPLOADS } from "../registry/naming.ts";
import { formatBytes } from "../registry/quantities.ts";
import type { PodSpec, Release, Replicas } from "../registry/spec.ts";
import { CONTAINER_SECURITY, HTTP_PORT, METRICS_PORT, hardenedPod, resourceRequirements } from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

type EnvVar = types.input.core.v1.EnvVar;
type Volume = types.input.core.v1.Volume;
type VolumeMount = types.input.core.v1.VolumeMount;

/** Where WordPress keeps uploaded files. */
const UPLOADS_PATH = "/var/www/html/wp-content/uploads";

/** Writable folders of the otherwise read-only container, with their size limits. */
const SCRATCH = [
  { name: "tmp", mountPath: "/tmp", sizeLimit: "512Mi" },
  { name: "run", mountPath: "/run", sizeLimit: "16Mi" },
  { name: "cache", mountPath: "/var/www/html/wp-content/cache", sizeLimit: "512Mi" },
] as const;

/** The volumes of a container of the application, and where they are mounted. */
export interface Mounts {
  readonly volumes: Volume[];
  readonly volumeMounts: VolumeMount[];
}

/** The scratch folders alone. */
export const scratchMounts = (): Mounts => ({
  volumes: SCRATCH.map(({ name, sizeLimit }) => ({ name, emptyDir: { sizeLimit } })),
  volumeMounts: SCRATCH.map(({ name, mountPath }) => ({ name, mountPath })),
});

/** The scratch folders and the uploads. */
export function uploadsMounts(claimName: Input<string>): Mounts {
  const { volumes, volumeMounts } = scratchMounts();
  return {
    volumes: [...volumes, { name: "uploads", persistentVolumeClaim: { claimName } }],
    volumeMounts: [...volumeMounts, { name: "uploads", mountPath: UPLOADS_PATH }],
  };
}

/**
 * The volume of uploaded files. Its storage class retains what it holds.
 * @param after the quota that it must fit in
 */
export function createUploads(
  { name, labels, cell, parent, namespace }: NamespacedScope,
  { bytes, protect, after }: { bytes: number; protect: boolean; after: readonly Resource[] },
): Output<string> {
  const claim = new PersistentVolumeClaim(
    `${name}-uploads`,
    {
      metadata: { name: UPLOADS, namespace, labels },
      spec: {
        // Replicas share the files.
        accessModes: ["ReadWriteMany"],
        storageClassName: cell.storage.uploadsClass,
        resources: { requests: { storage: formatBytes(bytes) } },
      },
    },
    { parent, protect, dependsOn: [...after] },
  );
  return claim.metadata.name;
}

/** A rollout that makes no progress for so long has failed; the old pods keep serving. */
const PROGRESS_DEADLINE_SECONDS = 240;

/** What the application's pods are. */
export interface ApplicationArgs {
  /** Labels that select the pods. */
  readonly selector: Readonly<Record<string, string>>;
  readonly release: Release;
  readonly pod: PodSpec;
  /** Bounds of the autoscaler; undefined: no pods. */
  readonly replicas: Replicas | undefined;
  readonly env: EnvVar[];
  readonly mounts: Mounts;
  /** Of the pods: a change of one rolls them. */
  readonly annotations: Readonly<Record<string, string>>;
  /** What exists before the first pod: quota and network policies. */
  readonly after: readonly Resource[];
}

/**
 * The application's pods with all that keeps them running: Deployment, autoscaler and disruption budget.
 * @returns the Deployment, which is there once its pods are
 */
export function createApplication(scope: NamespacedScope, args: ApplicationArgs): Deployment {
  const { name, parent, namespace } = scope;
  const { selector, release, replicas, after } = args;
  const labels = { ...scope.labels, ...selector };
  const metadata = { name: APP, namespace, labels };
  const account = new ServiceAccount(
    `${name}-app-account`,
    { metadata, automountServiceAccountToken: false },
    { parent },
  );
  const deployment = new Deployment(
    `${name}-app`,
    {
      // Suspension takes `replicas` from the autoscaler, which owns the field until then.
      metadata: { ...metadata, annotations: { "pulumi.com/patchForce": "true" } },
      spec: {
        // While the application runs, `replicas` belong to the autoscaler.
        ...(replicas === undefined ? { replicas: 0 } : {}),
        selector: { matchLabels: selector },
        revisionHistoryLimit: 3,
        progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: {
            labels: { ...labels, "app.kubernetes.io/version": release.version },
            annotations: args.annotations,
          },
          spec: podSpec(scope, args, account.metadata.name),
        },
      },
    },
    { parent, dependsOn: [...after], customTimeouts: { create: "5m", update: "5m" } },
  );
  if (replicas !== undefined) {
    new HorizontalPodAutoscaler(
      `${name}-autoscaler`,
      {
        metadata,
        spec: {
          scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment.metadata.name },
          minReplicas: replicas.min,
          maxReplicas: replicas.max,
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
  new PodDisruptionBudget(
    `${name}-disruption-budget`,
    { metadata, spec: { maxUnavailable: 1, selector: { matchLabels: selector } } },
    { parent },
  );
  return deployment;
}

function podSpec(
  scope: NamespacedScope,
  { selector, release, pod, env, mounts }: ApplicationArgs,
  serviceAccountName: Output<string>,
): types.input.core.v1.PodSpec {
  return {
    serviceAccountName,
    ...hardenedPod(scope, "serving"),
    volumes: mounts.volumes,
    terminationGracePeriodSeconds: 30,
    topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
      (topologyKey) => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selector },
      }),
    ),
    containers: [
      {
        name: APP,
        image: release.image,
        securityContext: CONTAINER_SECURITY,
        env,
        volumeMounts: mounts.volumeMounts,
        ports: [
          { name: "http", containerPort: HTTP_PORT },
          { name: "metrics", containerPort: METRICS_PORT },
        ],
        resources: resourceRequirements(pod.requests, pod.limits),
        startupProbe: { httpGet: { path: "/health", port: "http" }, periodSeconds: 5, failureThreshold: 30 },
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
  };
}

/** The Service in front of the application, or of what answers in its place; it waits for the pods behind it. */
export function createService(
  { name: prefix, labels, parent, namespace }: NamespacedScope,
  args: {
    /** Completes the logical name. Default: service. */
    readonly suffix?: string;
    /** Default: the application's. */
    readonly name?: string;
    /** Labels of the Service, which monitoring selects by. */
    readonly labels: Readonly<Record<string, string>>;
    readonly selector: Readonly<Record<string, string>>;
    readonly pods: Resource;
  },
): Output<string> {
  const { suffix = "service", name = SERVICE, selector, pods } = args;
  const service = new Service(
    `${prefix}-${suffix}`,
    {
      metadata: { name, namespace, labels: { ...labels, ...args.labels } },
      spec: {
        type: "ClusterIP",
        selector,
        ports: [
          { name: "http", port: 80, targetPort: "http" },
          { name: "metrics", port: METRICS_PORT, targetPort: "metrics" },
        ],
      },
    },
    { parent, dependsOn: [pods] },
  );
  return service.metadata.name;
}
