import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import type { types } from "@pulumi/kubernetes";
import type { Input, Resource } from "@pulumi/pulumi";
import { BUCKET_LABELS } from "../registry/naming.ts";
import { JOB_POD } from "../registry/resolve.ts";
import type { LoginRef } from "./login.ts";
import { CONTAINER_SECURITY, hardenedPod, resourceRequirements, SAYS_WHY, secretEnv } from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

type Container = types.input.core.v1.Container;
type EnvVar = types.input.core.v1.EnvVar;

/** What a Job's container runs, and how. */
export interface JobArgs {
  /** The Job's name and its container's. */
  readonly name: string;
  /** Completes the logical name. Default: the name without `warehouse-`. */
  readonly suffix?: string;
  readonly container: Omit<Container, "name">;
  /** What the operations program does before. Default: nothing. */
  readonly before?: { readonly name: string; readonly args: string[]; readonly env: EnvVar[] };
  readonly volumes?: types.input.core.v1.Volume[];
  /** With which it uses the bucket. Default: it does not. */
  readonly serviceAccountName?: Input<string>;
  /** Exit codes that no second try can mend. Default: none. */
  readonly finalExitCodes?: readonly number[];
  /** The Job is stopped after so long. */
  readonly deadlineSeconds: number;
  readonly after: readonly Resource[];
}

/** A Job that `up` waits for; one that failed is run anew by the next `up`, one whose container differs at once. */
export function createJob(scope: NamespacedScope, args: JobArgs): Job {
  const { name: prefix, labels, cell, parent, namespace } = scope;
  const { name, container, before, volumes, serviceAccountName, finalExitCodes, deadlineSeconds, after } =
    args;
  const suffix = args.suffix ?? name.replace(/^warehouse-/, "");
  const policy =
    finalExitCodes === undefined ? {} : { podFailurePolicy: failurePolicy(name, finalExitCodes) };
  const complete = (each: Container): Container => ({
    ...each,
    terminationMessagePolicy: SAYS_WHY,
    securityContext: CONTAINER_SECURITY,
    resources: resourceRequirements(JOB_POD.requests, JOB_POD.limits),
  });
  return new Job(
    `${prefix}-${suffix}`,
    {
      metadata: { name, namespace, labels, annotations: { "pulumi.com/replaceUnready": "true" } },
      spec: {
        backoffLimit: 3,
        activeDeadlineSeconds: deadlineSeconds,
        ...policy,
        template: {
          metadata: { labels: { ...labels, ...(serviceAccountName === undefined ? {} : BUCKET_LABELS) } },
          spec: {
            ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
            ...hardenedPod(scope, "batch"),
            restartPolicy: "Never",
            ...(volumes === undefined ? {} : { volumes }),
            ...(before === undefined
              ? {}
              : { initContainers: [complete({ ...before, image: cell.backup.image })] }),
            containers: [complete({ ...container, name })],
          },
        },
      },
    },
    // A Job's template cannot change and its name is fixed, so the old one goes first.
    {
      parent,
      dependsOn: [...after],
      deleteBeforeReplace: true,
      customTimeouts: { create: `${deadlineSeconds + 300}s` },
    },
  );
}

/** Ends a Job at the first exit code that is final; a pod that the cluster evicts does not count as a try. */
export const failurePolicy = (
  containerName: string,
  values: readonly number[],
): types.input.batch.v1.PodFailurePolicy => ({
  rules: [
    { action: "FailJob", onExitCodes: { containerName, operator: "In", values: [...values] } },
    { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
  ],
});

/** Exit codes of the operations program that no second try can mend: see ops/failure.ts. */
export const FINAL_EXIT_CODES = [10, 22, 30, 40, 50] as const;

/** The login that the operations program works with. */
export const loginEnv = ({ cell }: Pick<NamespacedScope, "cell">, { secret, prefix }: LoginRef): EnvVar[] => [
  secretEnv("DATABASE_HOST", secret, "host"),
  secretEnv("DATABASE_PORT", secret, "port"),
  secretEnv("DATABASE_NAME", secret, `${prefix}name`),
  secretEnv("DATABASE_USER", secret, `${prefix}username`),
  secretEnv("DATABASE_PASSWORD", secret, `${prefix}password`),
  { name: "DATABASE_SSLMODE", value: cell.database.sslmode },
];

/** What the application's own commands get of a login. */
export const applicationLoginEnv = ({ secret, prefix }: LoginRef): EnvVar[] => [
  secretEnv("DATABASE_URL", secret, `${prefix}url`),
  secretEnv("DATABASE_HOST", secret, "host"),
  secretEnv("DATABASE_NAME", secret, `${prefix}name`),
];
