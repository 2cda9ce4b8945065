import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { backupPrefix, OPERATIONS, restoreJobName, sharedDatabaseName } from "../../registry/naming.ts";
import { ClusterError, type Cluster, type KubeObject } from "../cluster.ts";
import { createAlone } from "./alone.ts";
import { jobFrom, type Job } from "./objects.ts";
import { Stop, watchJob, type JobReport } from "./run.ts";
import { deployedCronJob, type TenantSite } from "./site.ts";

/** Stays as long as what a restore has replaced, seconds. */
const KEEP_SECONDS = 7 * 86_400;
/** How often it is tried to delete the password. */
const REMOVALS = 5;

export interface DatabaseRestore {
  /** Id of the backup. */
  readonly backup: string;
  /** Of the platform's role. */
  readonly password: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** false: return when the Job has begun. */
  readonly wait: boolean;
}

/**
 * Restores a tenant's database by a Job with the platform's role. The password is in a Secret for as long as that takes:
 * the Job is made first, not started, so that the Secret is its own and goes with it if this command dies.
 * @throws Refusal where the tenant is being restored already
 */
export async function restoreDatabase(site: TenantSite, restore: DatabaseRestore): Promise<JobReport> {
  const { cluster, spec } = site;
  const { backup, password, say, signal, wait } = restore;
  const name = restoreJobName(spec.id);
  const secret = `${name}-${randomBytes(4).toString("hex")}`;
  const cronJob = await deployedCronJob(site, { namespace: OPERATIONS.namespace, name: OPERATIONS.restore });
  const job = jobFrom(cronJob, {
    metadata: { name },
    args: ["restore", "--json"],
    suspend: true,
    env: [
      { name: "TENANT_ID", value: spec.id },
      { name: "BACKUP_PREFIX", value: backupPrefix(spec.id) },
      { name: "BACKUP_RETAIN_DAYS", value: String(spec.backup.retainDays) },
      { name: "RESTORE_ID", value: backup },
      { name: "SHARED_DATABASE", value: sharedDatabaseName(site.stack.cell.qualifier) },
      { name: "DATABASE_PASSWORD", valueFrom: { secretKeyRef: { name: secret, key: "password" } } },
    ],
    keepSeconds: KEEP_SECONDS,
  });
  const created = await createAlone(cluster, job, spec.id);
  const { namespace = "" } = created.metadata;
  say(`restore of ${spec.id}: ${namespace}/${name}`);
  try {
    await release(cluster, created, secret, password, signal);
    return await (wait ? watchJob(cluster, created, { say, signal }) : untilBegun(cluster, created, signal));
  } finally {
    await takeBack(cluster, namespace, secret);
  }
}

/** Gives a Job its password and starts it; a Job that cannot start goes. */
async function release(
  cluster: Cluster,
  job: Job,
  secret: string,
  password: string,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = "", name = "", uid = "" } = job.metadata;
  try {
    await createPassword(cluster, job, secret, password);
    if (!signal.aborted) await cluster.patch("jobs", namespace, name, { spec: { suspend: false } });
  } catch (error) {
    await cluster.removeJob(namespace, name, uid);
    throw error;
  }
}

async function createPassword(cluster: Cluster, job: Job, name: string, password: string): Promise<void> {
  const { name: owner = "", namespace = "", uid = "" } = job.metadata;
  const secret: KubeObject & { readonly stringData: Readonly<Record<string, string>> } = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: owner, uid }],
    },
    stringData: { password },
  };
  try {
    await cluster.create(secret);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    // An admission webhook may repeat what it was asked about.
    const encoded = Buffer.from(password).toString("base64");
    throw new ClusterError(error.message.replaceAll(password, "…").replaceAll(encoded, "…"), error.reason);
  }
}

/** Deletes the password, over a lost connection. */
async function takeBack(cluster: Cluster, namespace: string, name: string): Promise<void> {
  for (let left = REMOVALS; ; left--) {
    try {
      await cluster.remove("secrets", namespace, name);
      return;
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      if (left > 1) await sleep(2_000);
      else
        throw new ClusterError(
          `the password of the platform's role is still in the Secret ${namespace}/${name}; delete it: kubectl --context ${cluster.context} delete secret -n ${namespace} ${name}\n${error.message}`,
          error.reason,
        );
    }
  }
}

/** Waits until the Job's container runs: it has read its Secret then. */
function untilBegun(cluster: Cluster, job: Job, signal: AbortSignal): Promise<JobReport> {
  const begun = new AbortController();
  return watchJob(cluster, job, {
    say: () => undefined,
    signal: AbortSignal.any([signal, begun.signal]),
    onStart: () => {
      begun.abort(new Stop("started"));
    },
  });
}
