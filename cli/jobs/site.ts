import { cellOf } from "../../registry/resolve.ts";
import type { TenantSpec } from "../../registry/spec.ts";
import { Cluster } from "../cluster.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { stackOf, type Stack } from "../stack.ts";
import { openWorkspace, tenantOf } from "../workspace.ts";
import type { CronJob } from "./objects.ts";
import type { JobOptions } from "./options.ts";

/** What a command that runs Jobs works with. */
export interface Site {
  readonly stack: Stack;
  readonly cluster: Cluster;
}

/** A tenant whose environment exists, on its cluster. */
export interface TenantSite extends Site {
  readonly spec: TenantSpec;
}

/** @param cell the cell of the tenant that the command is about. Default: none, or one that any cell deploys */
export function openSite(io: Io, options: JobOptions, cell?: string): Site {
  const stack = stackOf(io, options.stack, cell);
  return { stack, cluster: new Cluster(stack.cell.kubernetes.context, io.env) };
}

export function openTenantSite(io: Io, options: JobOptions, id: string): TenantSite {
  const workspace = openWorkspace(io, {});
  const { entry } = tenantOf(workspace.registry, id);
  const spec = workspace.registry.tenants.find((tenant) => tenant.id === id);
  if (spec === undefined) throw new Refusal(`${id} is ${entry.state}: nothing of it runs`);
  return { ...openSite(io, options, cellOf(entry, workspace.registry.defaults)), spec };
}

/** A CronJob that the program deploys. */
export async function deployedCronJob(
  { cluster, stack }: Site,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<CronJob> {
  const found = await cluster.get<CronJob>("cronjobs", namespace, name);
  if (found !== undefined) return found;
  throw new Refusal(
    `the cluster of ${stack.name} (context "${cluster.context}") has no CronJob ${namespace}/${name}; \`pulumi up --stack ${stack.name}\` makes it`,
  );
}
