import { setTimeout as sleep } from "node:timers/promises";
import { TENANT_LABEL } from "../../registry/naming.ts";
import { KubeClient, type KubeObject } from "../kube/client.ts";
import type { Layout } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { readFrom } from "../lib/files.ts";
import { podLogs } from "./logs.ts";

interface JobStatus {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly message?: string;
  }[];
}

/** The CronJob people mean by `backup`: of that name, or the only one whose name contains it. */
export function matchCronJob(names: readonly string[], wanted: string): string | undefined {
  if (names.includes(wanted)) return wanted;
  const similar = names.filter((name) => name.split("-").includes(wanted));
  return similar.length === 1 ? similar[0] : undefined;
}

/** A Job as `kubectl create job --from=cronjob/…` makes it. */
export function jobFrom(cronJob: KubeObject, suffix: string): KubeObject {
  const { name = "", namespace = "", uid = "" } = cronJob.metadata;
  const { jobTemplate } = cronJob.spec as {
    readonly jobTemplate: {
      readonly metadata?: {
        readonly labels?: Record<string, string>;
        readonly annotations?: Record<string, string>;
      };
      readonly spec: unknown;
    };
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      // Pods add 6 characters to a Job's name, and 63 is the most.
      name: `${name.slice(0, 40)}-manual-${suffix}`,
      namespace,
      labels: jobTemplate.metadata?.labels ?? {},
      annotations: { ...jobTemplate.metadata?.annotations, "cronjob.kubernetes.io/instantiate": "manual" },
      ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name, uid, controller: true }],
    },
    spec: jobTemplate.spec,
  };
}

/** `trigger`: runs a CronJob of a tenant now, shows its output, and ends as it ends. */
export async function trigger(paths: Layout, tenant: string, wanted: string): Promise<number> {
  const client = KubeClient.from({ kubeconfig: paths.kubeconfig, context: "sandbox" });
  try {
    // Those of its namespace and, for a tenant whose files are in a pool's volume, of the pool's.
    const labelSelector = `${TENANT_LABEL}=${tenant}`;
    const { items } = await client.list({ apiVersion: "batch/v1", kind: "CronJob" }, { labelSelector });
    const names = items.map(({ metadata }) => metadata.name ?? "");
    const name = matchCronJob(names, wanted);
    const cronJob = items.find(({ metadata }) => metadata.name === name);
    if (name === undefined || cronJob === undefined) {
      throw new SandboxError(
        names.length === 0
          ? `The tenant "${tenant}" has no CronJob. Its id is the one in tenants/tenants.yaml.`
          : `The tenant "${tenant}" has no CronJob "${wanted}"; it has: ${names.join(", ")}.`,
      );
    }
    const job = await client.create(jobFrom(cronJob, Date.now().toString(36)));
    const { name: jobName = "", namespace = "" } = job.metadata;
    console.log(`${namespace}/${jobName}`);
    return await followJob(client, paths, namespace, jobName);
  } finally {
    client.close();
  }
}

async function followJob(
  client: KubeClient,
  paths: Layout,
  namespace: string,
  name: string,
): Promise<number> {
  const offsets = new Map<string, number>();
  for (;;) {
    const job = await client.get({ apiVersion: "batch/v1", kind: "Job", name, namespace });
    if (job === undefined) throw new SandboxError(`The Job ${namespace}/${name} was deleted.`);
    const conditions = (job.status as JobStatus | undefined)?.conditions ?? [];
    const ended = conditions.find(
      ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
    );
    for (const { file } of podLogs(paths, namespace, name)) {
      const from = offsets.get(file) ?? 0;
      const text = readFrom(file, from);
      process.stdout.write(text);
      offsets.set(file, from + text.length);
    }
    if (ended?.type === "Complete") {
      console.log("succeeded");
      return 0;
    }
    if (ended !== undefined) {
      process.stderr.write(`failed: ${ended.message ?? "see the output above"}\n`);
      return 1;
    }
    await sleep(300);
  }
}
