import { KubeClient, type KubeObject } from "../kube/client.ts";
import type { Layout } from "../layout.ts";
import { messageOf } from "../lib/errors.ts";
import { tenantOutputs } from "../stack.ts";
import type { PlanName } from "../../registry/catalogue.ts";
import { databaseName, databaseSecretName, poolName } from "../../registry/naming.ts";

/** What people want to know of a tenant. */
export interface TenantRow {
  readonly tenant: string;
  readonly plan: string;
  readonly state: string;
  readonly host: string;
  readonly pods: {
    readonly ready: number;
    readonly desired: number;
    /** The namespace of the pool whose pods these are. Default: they are the tenant's own. */
    readonly pool?: string;
  };
  readonly database: string;
}

interface DeploymentFields {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

/** Ready and wanted pods of the Deployments in a namespace. */
export function podCount(deployments: readonly KubeObject[], namespace: string): TenantRow["pods"] {
  const own = deployments.filter(
    ({ metadata }) => metadata.namespace === namespace,
  ) as unknown as readonly DeploymentFields[];
  return {
    ready: own.reduce((sum, { status }) => sum + (status?.readyReplicas ?? 0), 0),
    desired: own.reduce((sum, { spec }) => sum + (spec?.replicas ?? 1), 0),
  };
}

/** "2/2", or "2/2 in pool-starter". */
export const podsText = ({ ready, desired, pool }: TenantRow["pods"]): string =>
  `${ready}/${desired}${pool === undefined ? "" : ` in ${pool}`}`;

/** The tenants of the last update, with what the cluster says of them now. */
export async function tenantRows(
  paths: Layout,
  env: Readonly<Record<string, string | undefined>>,
): Promise<TenantRow[]> {
  const client = KubeClient.from({ kubeconfig: paths.kubeconfig, context: "sandbox" });
  try {
    const [tenants, deployments, secrets] = await Promise.all([
      tenantOutputs(paths, env),
      client.list({ apiVersion: "apps/v1", kind: "Deployment" }),
      client.list({ apiVersion: "v1", kind: "Secret" }),
    ]);
    return tenants.map(
      ({ id, plan = "", placement = "silo", state = "", host = "", namespace = `customer-${id}` }) => {
        const pool = placement === "silo" ? undefined : poolName(plan as PlanName, "");
        const secret = secrets.items.find(
          ({ metadata }) =>
            metadata.namespace === (pool ?? namespace) && metadata.name === databaseSecretName(id),
        );
        const name = (secret?.data as Readonly<Record<string, string>> | undefined)?.name;
        return {
          tenant: id,
          plan,
          state,
          host,
          pods:
            pool === undefined
              ? podCount(deployments.items, namespace)
              : { ...podCount(deployments.items, pool), pool },
          database: name === undefined ? databaseName(id) : Buffer.from(name, "base64").toString("utf8"),
        };
      },
    );
  } catch (error) {
    throw new Error(`the tenants could not be read: ${messageOf(error)}`, { cause: error });
  } finally {
    client.close();
  }
}
