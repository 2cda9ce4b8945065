import type { Placement, PlanName } from "./catalogue.ts";

/**
 * Every physical name of a tenant, from its id alone: never from plan, host or place in the list, so that no
 * edit but a new id renames anything. Ids match `TENANT_ID` and are at most 40 characters long, which keeps
 * the longest derived names (`warehouse_<id>_migrate`: 58 bytes) within PostgreSQL's 63 bytes, past which it
 * would truncate silently into a neighbour's name, and within Kubernetes' 63.
 */

/** Lower-case letters, digits and single hyphens, from a letter to a letter or digit; 3–40 characters. */
export const TENANT_ID = /^[a-z](?:-?[a-z0-9])+$/;
export const TENANT_ID_LENGTH = { min: 3, max: 40 } as const;

/** The namespace of a tenant: `customer-acme`. */
export const namespaceName = (id: string): string => `customer-${id}`;

/** The database of a tenant: `warehouse_acme`. Hyphens become underscores, so the name needs no quoting. */
export const databaseName = (id: string): string => `warehouse_${id.replaceAll("-", "_")}`;

/** The schema that holds the application's tables in every tenant database. */
export const SCHEMA = "app";

/** The database roles of a tenant; what each may do is written in components/database.ts. */
export function roleNames(id: string): RoleNames {
  const database = databaseName(id);
  return {
    owner: `${database}_owner`,
    readWrite: `${database}_rw`,
    readOnly: `${database}_ro`,
    appA: `${database}_app_a`,
    appB: `${database}_app_b`,
    migrate: `${database}_migrate`,
    backup: `${database}_backup`,
  };
}

export interface RoleNames {
  /** NOLOGIN; owns the schema. */
  readonly owner: string;
  /** NOLOGIN; reads and writes rows. */
  readonly readWrite: string;
  /** NOLOGIN; enters the own database and reads rows. */
  readonly readOnly: string;
  /** LOGINs of the application, which alternate when its credentials rotate. */
  readonly appA: string;
  readonly appB: string;
  /** LOGIN of the init Job; acts as the owner. */
  readonly migrate: string;
  /** LOGIN of the backup Job; reads only. */
  readonly backup: string;
}

/** The Secret with a tenant's credentials, wherever its pods run: `acme-db-secret`. */
export const databaseSecretName = (id: string): string => `${id}-db-secret`;

/** The Certificate of a tenant's host and the Secret it fills: `acme-tls`. */
export const certificateName = (id: string): string => `${id}-tls`;

/** The host of a tenant on the platform's domain: `acme.yourwarehousesaas.com`. */
export const platformHost = (id: string, baseDomain: string): string => `${id}.${baseDomain}`;

/**
 * The ServiceAccount of the tenant's Jobs that use the bucket, wherever they run: the bucket's policy goes by it, and
 * the platform's own accounts begin with `warehouse-`, as no id does.
 */
export const backupAccountName = (id: string): string => id;

/** The Secret with the access keys of such an account, where the bucket wants keys: `acme-backup-keys-secret`. */
export const backupKeysSecretName = (account: string): string => `${account}-backup-keys-secret`;

/** The tenant's prefix in the backup bucket. Ends in `/`, or `acme` would match `acme-2`. */
export const backupPrefix = (id: string): string => `customers/${id}/`;

/** In the bucket, notes of tenants that runs of a cell bring and that its state may not know yet: see cli/recovery/note.ts. */
export const arrivalsPrefix = (cell: string): string => `arrivals/${cell}/`;

/** The certificate of a tenant's deletion in the bucket, beside the prefixes of tenants. */
export const certificateKey = (id: string): string => `certificates/${id}.json`;

/**
 * What completes the names of what a cell has once, where several cells share a cluster or a database server: empty for
 * one of them, else a word of at most 20 characters. No name can come from a tenant's id, as none begins with `pool-` or
 * `shared-`.
 */
export const QUALIFIER = /^(?:[a-z][a-z0-9]*(?:-[a-z0-9]+)*)?$/;
export const QUALIFIER_LENGTH = 20;

const qualified = (name: string, qualifier: string): string =>
  qualifier === "" ? name : `${name}-${qualifier}`;

/** The namespace of the pool of a plan, and the pool's own name: `pool-starter`. */
export const poolName = (plan: PlanName, qualifier: string): string =>
  qualified(`pool-${plan.replaceAll("_", "-")}`, qualifier);

/** What tells a pool from others in what is measured: `starter`. */
export const poolLabel = qualified as (plan: PlanName, qualifier: string) => string;

/** The namespaces in which a tenant's Jobs run, as patterns: its own, and those of pools. */
export const jobNamespaces = (id: string): string[] => [namespaceName(id), "pool-*"];

/** The database that the tenants of placement pool of a cell share. */
export const sharedDatabaseName = (qualifier: string): string =>
  qualified("warehouse_shared", qualifier).replaceAll("-", "_");

/** The namespace of the Jobs that look after it. */
export const sharedNamespace = (qualifier: string): string => qualified("warehouse-shared", qualifier);

/** The roles of such a database. */
export const sharedRoles = (database: string) => ({
  /** NOLOGIN; owns the schemas. */
  owner: `${database}_owner`,
  /** NOLOGIN; reads and writes rows, of which row-level security shows a tenant its own. */
  readWrite: `${database}_rw`,
  /** NOLOGIN; reads rows, likewise. */
  readOnly: `${database}_ro`,
  /** LOGIN of the Jobs; acts as the owner. */
  migrate: `${database}_migrate`,
});

/** The role through which a tenant's roles read and write in such a database, whichever cell's it is. */
export const SHARED_READ_WRITE = /^warehouse_shared(?:_.+)?_rw$/;

/** What operators' Jobs run with, which concern many tenants: none of these names can come from a tenant's id. */
export const OPERATIONS = {
  namespace: "warehouse-ops",
  /** LOGIN that makes databases of its own and drops them; enters no tenant's. */
  login: "warehouse_ops",
  secret: "warehouse-ops-secret",
  /** ServiceAccount that may read all of `customers/`. */
  account: "warehouse-restore",
  /** The suspended CronJob from which restores are made, and its container. */
  restore: "warehouse-restore",
  drills: "warehouse-drills",
  janitor: "warehouse-janitor",
} as const;

/** The Secret of a pool that tells the application its tenants, one key a host. */
export const DIRECTORY = "tenant-directory";

/** Group of the API of Gateways and their routes. */
export const GATEWAY_API = "gateway.networking.k8s.io";

/** Names that are the same in every tenant's and pool's namespace. */
export const APP = "warehouse-app";
export const MAINTENANCE = "warehouse-maintenance";
export const SERVICE = "warehouse-service";
export const ROUTE = "warehouse-route";
export const INGRESS = "warehouse-ingress";
/** The ReferenceGrants of a pool: this, and a dash and a key where there are several. */
export const GRANT = "warehouse-tenants";
export const BACKUP = "warehouse-backup";
export const INIT = "warehouse-init";
export const METRICS = "warehouse-metrics";
export const MOVE = "warehouse-move";
/** The command that prints what the Job of a move says. */
export const moveLog = (id: string): string => `kubectl logs -n ${namespaceName(id)} job/${MOVE}`;
export const MOVE_INIT = "warehouse-move-init";
/** The Jobs of a tenant that leaves; those with its id may run in a pool's namespace or the operators'. */
export const SHUT_OUT = "warehouse-shut-out";
export const ARCHIVE = "warehouse-archive";
export const finalJobName = (id: string): string => `warehouse-final-${id}`;
export const exportJobName = (id: string): string => `warehouse-export-${id}`;
export const archiveJobName = (id: string): string => `${ARCHIVE}-${id}`;
export const UPLOADS = "warehouse-uploads";
export const ISOLATION = "customer-isolation";
export const LIFECYCLE = "warehouse-lifecycle";

/** Label and annotation that tie a namespace to its tenant; admission policies and the Gateway select on it. */
export const TENANT_LABEL = "tenantstack.io/tenant";

/** Label that ties an object to its cell: a namespace, by which admission policies bind, or a silo tenant's Service. */
export const CELL_LABEL = "tenantstack.io/cell";

/** Label of a namespace in which no pods may be: `none`. */
export const PODS_LABEL = "tenantstack.io/pods";

/** Annotation without which a namespace cannot be deleted: the tenant's id, or the name of any other namespace. */
export const ALLOW_DELETE = "tenantstack.io/allow-delete";

/** Annotation of a namespace with the hosts that objects of a tenant in it may claim, separated by commas. */
export const HOSTS_PREFIX = "hosts.tenantstack.io/";
export const hostsAnnotation = (id: string): string => `${HOSTS_PREFIX}${id}`;

/** Names of what a cell has once in the cluster, which other cells may share. */
export const policyName = (cell: string, subject: string): string => `warehouse-${cell}-${subject}`;
export const priorityClassName = (cell: string, use: "serving" | "batch"): string =>
  `warehouse-${cell}-${use}`;

/** Label that ties an object to the pool of a plan. */
export const POOL_LABEL = "tenantstack.io/pool";

/** Labels of every object of a tenant. `customer` is the founding plan's; dashboards and ServiceMonitors use it. */
export function tenantLabels(id: string): Record<string, string> {
  return { "app.kubernetes.io/managed-by": "pulumi", customer: id, [TENANT_LABEL]: id };
}

/** Label `app` of pods that answer hosts: the application, and what stands in for it. */
export const APP_LABELS = ["warehouse", MAINTENANCE] as const;

/** Label and taint of nodes that are for one plan's tenants, or one tenant. */
export const DEDICATED = "tenantstack.io/dedicated";

/** Annotation of a tenant's namespace with the plan that serves it. */
export const PLAN_ANNOTATION = "tenantstack.io/plan";

/** Label of pods that use the bucket: they alone reach its credentials. */
export const BUCKET_LABELS = { "tenantstack.io/bucket": "true" } as const;

/** Label of the pods that answer for cert-manager when a host proves itself by HTTP. */
export const SOLVER_LABELS = { "acme.cert-manager.io/http01-solver": "true" } as const;

/** Labels of every object of a pool. */
export function poolLabels(plan: PlanName): Record<string, string> {
  return { "app.kubernetes.io/managed-by": "pulumi", [POOL_LABEL]: plan };
}

/** Labels of a pool's application pods and of what selects them. */
export function poolAppLabels(plan: PlanName): Record<string, string> {
  return { app: "warehouse", [POOL_LABEL]: plan };
}

/** Labels of the pods that answer for those tenants of a pool that are not served. */
export function poolMaintenanceLabels(plan: PlanName, mode: string): Record<string, string> {
  return { app: MAINTENANCE, [POOL_LABEL]: plan, "tenantstack.io/mode": mode };
}

/** Labels of the pod that answers for a suspended tenant. */
export function maintenanceLabels(id: string): { readonly app: string; readonly customer: string } {
  return { app: MAINTENANCE, customer: id };
}

interface Placed {
  readonly id: string;
  readonly plan: PlanName;
  readonly placement: Placement;
}

interface JobPlace {
  readonly namespace: string;
  readonly name: string;
}

/** An object that runs where the tenant is served: in its own namespace, or in its pool's under a name with its id. */
const whereServed = ({ id, plan, placement }: Placed, qualifier: string, name: string): JobPlace =>
  placement === "silo"
    ? { namespace: namespaceName(id), name }
    : { namespace: poolName(plan, qualifier), name: `${name}-${id}` };

/**
 * The CronJob that backs up a tenant's database and files, where its files are, and is the pattern of the Jobs that read
 * its backups.
 */
export const backupJobOf = (tenant: Placed, qualifier: string): JobPlace =>
  whereServed(tenant, qualifier, BACKUP);

/** The Job that creates what a release needs of a tenant. */
export const initJobOf = (tenant: Placed, qualifier: string): JobPlace =>
  whereServed(tenant, qualifier, INIT);

/** Labels of the Services of a cell's silo tenants, which its ServiceMonitor selects in whatever namespace they are. */
export function siloLabels(cell: string): Record<string, string> {
  return { app: "warehouse", [CELL_LABEL]: cell };
}

/** Labels of the application's pods and of what selects them. */
export function appLabels(id: string): { readonly app: string; readonly customer: string } {
  return { app: "warehouse", customer: id };
}

/** The Job that restores a tenant's database. One name: it restores once at a time. */
export const restoreJobName = (id: string): string => `${OPERATIONS.restore}-${id}`;
/** The Job that restores a tenant's files. */
export const restoreFilesJobName = (id: string): string => `warehouse-files-${id}`;

/** The stack that the sandbox deploys. */
export const SANDBOX_STACK = "sandbox";

/** Context of the sandbox's cluster in its kubeconfig: by it a stack is known to be the sandbox's. */
export const SANDBOX_CONTEXT = "sandbox";
