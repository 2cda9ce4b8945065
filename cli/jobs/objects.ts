import type { KubeObject } from "../cluster.ts";

/** The parts of Jobs and their pods that the command reads or writes. */

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly volumeMounts?: readonly { readonly name: string; readonly readOnly?: boolean }[];
}

interface JobSpec {
  readonly suspend?: boolean;
  readonly activeDeadlineSeconds?: number;
  readonly ttlSecondsAfterFinished?: number;
  readonly template: { readonly spec: { readonly containers: readonly Container[] } };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface Job extends KubeObject {
  readonly spec: JobSpec;
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface CronJob extends KubeObject {
  readonly spec: {
    readonly jobTemplate: { readonly metadata?: KubeObject["metadata"]; readonly spec: JobSpec };
  };
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: object;
  readonly terminated?: { readonly exitCode: number; readonly reason?: string };
}

export interface Pod extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly { readonly name: string; readonly state?: ContainerState }[];
  };
}

/** What a Job has of its own in place of its CronJob's. */
export interface JobChanges {
  /** Fixed, so that there is one at a time; or the beginning of a name that the API server completes. */
  readonly metadata: { readonly name: string } | { readonly generateName: string };
  /** Default: the CronJob's. */
  readonly args?: readonly string[];
  /** Added, or in place of variables of the same name. */
  readonly env: readonly EnvVar[];
  /** Not started yet. Default: false */
  readonly suspend?: boolean;
  /** Whether it may write to its volumes. Default: as the CronJob's. */
  readonly writable?: boolean;
  /** How long it stays after its end. */
  readonly keepSeconds: number;
}

/** A Job by the pattern of a CronJob, as `kubectl create job --from` makes it; it does not count into the CronJob's history. */
export function jobFrom(cronJob: CronJob, changes: JobChanges): Job {
  const { apiVersion, kind, metadata, spec } = cronJob;
  const { name = "", namespace = "", uid = "" } = metadata;
  const { metadata: pattern = {}, spec: job } = spec.jobTemplate;
  const { template } = job;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      ...changes.metadata,
      namespace,
      labels: pattern.labels ?? {},
      annotations: { ...pattern.annotations, "cronjob.kubernetes.io/instantiate": "manual" },
      ownerReferences: [{ apiVersion, kind, name, uid }],
    },
    spec: {
      ...job,
      ...(changes.suspend === true ? { suspend: true } : {}),
      ttlSecondsAfterFinished: changes.keepSeconds,
      template: {
        ...template,
        spec: {
          ...template.spec,
          containers: template.spec.containers.map((container) => changed(container, changes)),
        },
      },
    },
  };
}

function changed(container: Container, { args, env, writable }: JobChanges): Container {
  const { env: present = [], volumeMounts } = container;
  const names = new Set(env.map(({ name }) => name));
  return {
    ...container,
    ...(args === undefined ? {} : { args }),
    env: [...present.filter(({ name }) => !names.has(name)), ...env],
    ...(writable === true && volumeMounts !== undefined
      ? { volumeMounts: volumeMounts.map((mount) => ({ ...mount, readOnly: false })) }
      : {}),
  };
}

/** How a Job has ended; undefined while it has not. */
export const endOf = ({ status }: Job): Condition | undefined =>
  status?.conditions?.find(
    ({ type, status: holds }) => holds === "True" && (type === "Complete" || type === "Failed"),
  );

/** What a pod's only container is doing. */
export const stateOf = ({ status }: Pod): ContainerState => status?.containerStatuses?.[0]?.state ?? {};
