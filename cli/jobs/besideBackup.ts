import { backupJobOf } from "../../registry/naming.ts";
import type { Io } from "../io.ts";
import { createAlone } from "./alone.ts";
import { jobFrom, type EnvVar } from "./objects.ts";
import type { JobOptions } from "./options.ts";
import { unwatched, watchJob, type JobReport } from "./run.ts";
import { deployedCronJob, type TenantSite } from "./site.ts";
import { sayOn } from "./tell.ts";

/** How long such a Job stays after its end, seconds: a day. */
const KEEP_SECONDS = 86_400;

export interface BesideBackup {
  readonly site: TenantSite;
  /** Command of the operations program. */
  readonly operation: string;
  readonly env: readonly EnvVar[];
  readonly signal: AbortSignal;
  /** A fixed name, so that there is one at a time. Default: another each time. */
  readonly name?: string;
  /** Whether it writes to the tenant's files. Default: false */
  readonly writable?: boolean;
}

/** Runs a Job by the pattern of the tenant's backups, with their access to its part of the bucket and to its files. */
export async function runBesideBackup(
  io: Io,
  options: Pick<JobOptions, "wait" | "json">,
  { site, operation, env, signal, name, writable = false }: BesideBackup,
): Promise<JobReport> {
  const { cluster, spec } = site;
  const cronJob = await deployedCronJob(site, backupJobOf(spec, site.stack.cell.qualifier));
  const job = jobFrom(cronJob, {
    metadata: name === undefined ? { generateName: `${operation}-${spec.id}-` } : { name },
    args: [operation, "--json"],
    env,
    writable,
    keepSeconds: KEEP_SECONDS,
  });
  const created = name === undefined ? await cluster.create(job) : await createAlone(cluster, job, spec.id);
  if (!options.wait) return unwatched(created);
  const say = sayOn(io, options);
  say(`${operation} of ${spec.id}: ${created.metadata.namespace ?? ""}/${created.metadata.name ?? ""}`);
  return watchJob(cluster, created, { say, signal });
}
