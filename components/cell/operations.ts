import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import { Grant } from "@pulumi/postgresql/grant.js";
import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from "@pulumi/pulumi";
import { BUCKET_LABELS, METRICS, OPERATIONS } from "../../registry/naming.ts";
import { namespaceQuota } from "../../registry/quota.ts";
import { JOB_POD } from "../../registry/resolve.ts";
import type { AccessKeys } from "../accessKeys.ts";
import { failurePolicy, FINAL_EXIT_CODES, loginEnv } from "../job.ts";
import { bucketEnv, type EnvVar } from "../bucketEnv.ts";
import { createBucketAccount } from "../bucketAccount.ts";
import { createCredentials, createLogin, createSeed } from "../login.ts";
import { createNamespace } from "../namespace.ts";
import { createNetworkPolicies, JOBS_ONLY } from "../network.ts";
import { CONTAINER_SECURITY, hardenedPod, resourceRequirements } from "../pod.ts";
import { createQuota } from "../quota.ts";
import type { NamespacedScope } from "../scope.ts";
import {
  bucketFacts,
  METRICS_ACCOUNT,
  metricsPolicy,
  oidcTrust,
  podTrust,
  RESTORE_ACCOUNT,
  restorePolicy,
  type Policy,
} from "./bucketPolicy.ts";
import type { CellConfig } from "./config.ts";
import { createExporter, EXPORTER_POD } from "./exporter.ts";
import { createRole } from "./roles.ts";

/** The database that the login enters to make and drop others; nothing is kept in it. */
const ENTRANCE = "postgres";

/** pg_restore, a session beside it, and a second run. */
const CONNECTIONS = 6;

/** A drill restores a sample of the tenants, one after the other. */
const DRILLS = { schedule: "30 3 * * *", deadlineSeconds: 8 * 3600 } as const;
const JANITOR = { schedule: "0 3 * * *", deadlineSeconds: 1800 } as const;
/** Never by itself. */
const RESTORE = { schedule: "0 0 1 1 *", deadlineSeconds: 6 * 3600 } as const;

/** Three of each of the cluster's cells, of which a thousand tenants are twenty. */
const OBJECTS = { "count/configmaps": "300" } as const;

const EXPORTER = { pod: EXPORTER_POD, replicas: { min: 1, max: 1 } } as const;

/** Arguments of the Operations. */
export interface OperationsArgs {
  readonly cell: CellConfig;
  readonly foundation: readonly Resource[];
  /** What closes the server's own databases. */
  readonly server: Resource;
  readonly keys: AccessKeys | undefined;
}

/**
 * What proves backups and restores them, in a namespace of its own. The credentials that are there all the time are
 * weak: a login that makes databases and enters no tenant's. A restore takes the platform's role, whose password the
 * `tenant` command gives to one Job and takes back: the CronJob of restores is suspended for good and only its pattern.
 */
export class Operations extends ComponentResource {
  readonly namespace: Output<string>;

  constructor({ cell, foundation, server, keys }: OperationsArgs, opts: ComponentResourceOptions) {
    const name = "operations";
    super("warehouse:tenancy:Operations", name, {}, opts);
    const labels = { "app.kubernetes.io/managed-by": "pulumi", "tenantstack.io/shared": "operations" };
    const outer = { name, labels, cell, foundation, parent: this };
    this.namespace = createNamespace(outer, OPERATIONS.namespace);
    const scope = { ...outer, namespace: this.namespace };
    const guards = [
      ...createQuota(scope, namespaceQuota(EXPORTER, 0), { objects: OBJECTS }),
      ...createNetworkPolicies(scope, { ...JOBS_ONLY, bucket: true }),
    ];
    const account = createBucketAccount(scope, {
      logicalName: `${name}-account`,
      name: OPERATIONS.account,
      namespace: scope.namespace,
      roleArn: this.#role("restore", cell, RESTORE_ACCOUNT, restorePolicy(bucketFacts(cell))),
      keys,
    });

    const seed = createSeed(`${name}-login-password`, this);
    const login = createLogin({ ...outer, seed }, "login", OPERATIONS.login, {
      connectionLimit: CONNECTIONS,
      createDatabase: true,
    });
    const entry = new Grant(
      `${name}-connect`,
      { database: ENTRANCE, role: login.role.name, objectType: "database", privileges: ["CONNECT"] },
      // Both change the access list of one database: at once they fail with "tuple concurrently updated".
      { parent: this, dependsOn: [server] },
    );
    const secret = createCredentials(
      scope,
      { suffix: "secret", name: OPERATIONS.secret },
      [{ prefix: "", login, database: ENTRANCE }],
      [entry],
    );

    const env = bucketEnv(cell, OPERATIONS.account);
    const weak = [...env, ...loginEnv(scope, { secret, prefix: "" })];
    createCronJob(scope, account, guards, {
      name: OPERATIONS.drills,
      args: ["drills"],
      env: weak,
      ...DRILLS,
    });
    createCronJob(scope, account, guards, {
      name: OPERATIONS.janitor,
      args: ["janitor"],
      env: weak,
      ...JANITOR,
    });
    createCronJob(scope, account, guards, {
      name: OPERATIONS.restore,
      args: ["restore"],
      env: [...env, ...platformEnv(cell)],
      suspend: true,
      ...RESTORE,
    });
    const reader = createBucketAccount(scope, {
      logicalName: `${name}-metrics-account`,
      name: METRICS,
      namespace: scope.namespace,
      roleArn: this.#role("metrics", cell, METRICS_ACCOUNT, metricsPolicy(bucketFacts(cell))),
      keys,
    });
    createExporter(scope, reader, guards);
    this.registerOutputs({});
  }

  /** A role of the platform's; none where the bucket wants keys. */
  #role(name: string, cell: CellConfig, account: string, policy: Policy): Output<string> | undefined {
    const { identity } = cell.backup;
    if (identity.kind === "staticKeys") return undefined;
    const trust = identity.kind === "irsa" ? oidcTrust(identity.oidcProviderArn, [account]) : podTrust();
    return createRole(name, cell, { trust, policy }, { parent: this });
  }
}

/** The platform's role without its password. */
const platformEnv = ({ database }: CellConfig): EnvVar[] => [
  { name: "DATABASE_HOST", value: database.host },
  { name: "DATABASE_PORT", value: String(database.port) },
  { name: "DATABASE_NAME", value: ENTRANCE },
  { name: "DATABASE_USER", value: database.user },
  { name: "DATABASE_SSLMODE", value: database.sslmode },
];

interface CronJobArgs {
  /** Of the CronJob and its container. */
  readonly name: string;
  readonly args: string[];
  readonly env: EnvVar[];
  readonly schedule: string;
  readonly deadlineSeconds: number;
  readonly suspend?: boolean;
}

function createCronJob(
  scope: NamespacedScope,
  account: Output<string>,
  guards: readonly Resource[],
  { name, args, env, schedule, deadlineSeconds, suspend = false }: CronJobArgs,
): void {
  const { name: prefix, labels, cell, parent, namespace } = scope;
  new CronJob(
    `${prefix}-${name.replace(/^warehouse-/, "")}`,
    {
      metadata: { name, namespace, labels },
      spec: {
        schedule,
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
        suspend,
        startingDeadlineSeconds: 3600,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 3,
        jobTemplate: {
          metadata: { labels },
          spec: {
            backoffLimit: 1,
            activeDeadlineSeconds: deadlineSeconds,
            podFailurePolicy: failurePolicy(name, FINAL_EXIT_CODES),
            template: {
              metadata: { labels: { ...labels, ...BUCKET_LABELS } },
              spec: {
                serviceAccountName: account,
                ...hardenedPod(scope, "batch"),
                restartPolicy: "Never",
                containers: [
                  {
                    name,
                    image: cell.backup.image,
                    args,
                    env,
                    securityContext: CONTAINER_SECURITY,
                    resources: resourceRequirements(JOB_POD.requests, JOB_POD.limits),
                  },
                ],
              },
            },
          },
        },
      },
    },
    { parent, dependsOn: [...guards] },
  );
}
