import { ComponentResource, type ComponentResourceOptions, type Output, type Resource } from "@pulumi/pulumi";
import {
  DIRECTORY,
  MAINTENANCE,
  poolAppLabels,
  poolLabels,
  poolMaintenanceLabels,
  poolName,
} from "../../registry/naming.ts";
import type { PoolSpec, TenantSpec } from "../../registry/spec.ts";
import { SECRET_FILE_MODE } from "../applicationLogin.ts";
import { createApplication, createService, createUploads, uploadsMounts } from "../application.ts";
import { provingHosts } from "../certificate.ts";
import type { Backend } from "../edge.ts";
import { createMaintenance } from "../maintenance.ts";
import { createPoolMonitoring } from "../monitoring.ts";
import { createNamespace, hostClaims } from "../namespace.ts";
import { createNetworkPolicies } from "../network.ts";
import type { Volume } from "../move.ts";
import { createQuota } from "../quota.ts";
import { createReferenceGrants } from "../referenceGrants.ts";
import type { NamespacedScope } from "../scope.ts";
import type { SharedApp } from "../tenantStack.ts";
import type { CellConfig } from "./config.ts";
import { createDirectory, type DirectoryEntry } from "./directory.ts";

/** Where the application finds its tenants: one file a host. */
const DIRECTORY_PATH = "/etc/warehouse/tenants";

/** For each tenant its credentials, an Ingress with its certificate, the init Job, a backup and the Jobs that it keeps. */
const OBJECTS = {
  "count/secrets": "700",
  "count/cronjobs.batch": "200",
  "count/jobs.batch": "1700",
} as const;

/** Hosts that prove themselves by HTTP at once, where they do; others wait until some have. */
const SOLVERS = 10;

type Mode = TenantSpec["suspensionMode"];

/** Name of what answers for tenants that are not served, in either mode. */
const STAND_IN: Readonly<Record<Mode, string>> = {
  maintenance: MAINTENANCE,
  payment_required: "warehouse-payment-required",
};

/**
 * The pools that a cell has: those of its tenants, of either side of their moves, and those that were made before. A
 * pool stays when its last tenant goes, as its volume holds files and the shared database rows.
 * @param present plans of the pools that the last `up` left
 */
export function neededPools(
  pools: readonly PoolSpec[],
  tenants: readonly TenantSpec[],
  present: readonly string[],
): PoolSpec[] {
  const plans = new Set([
    ...present,
    ...tenants.flatMap(({ plan, move }) => [plan, ...(move === undefined ? [] : [move.other.plan])]),
  ]);
  return pools.filter(({ plan }) => plans.has(plan));
}

/** Arguments of a Pool. */
export interface PoolArgs {
  readonly spec: PoolSpec;
  readonly cell: CellConfig;
  readonly foundation: readonly Resource[];
  /** The tenants that it serves, and those that move to it or away. */
  readonly tenants: readonly TenantSpec[];
  /** What must be there before the application starts. */
  readonly after: readonly Resource[];
}

/**
 * The application that the tenants of a plan share, in a namespace of its own. It finds its tenants in a mounted
 * directory, so that one more or less restarts nothing. Its identity is the plan's name.
 */
export class Pool extends ComponentResource implements SharedApp {
  readonly #scope: NamespacedScope;
  readonly #spec: PoolSpec;
  readonly #namespace: Output<string>;
  readonly #service: Output<string>;
  readonly name: string;
  readonly volume: Volume;
  readonly guards: readonly Resource[];
  readonly #standIns = new Map<Mode, Output<string>>();

  constructor({ spec, cell, foundation, tenants, after }: PoolArgs, opts: ComponentResourceOptions) {
    // The stack has one pool of the plan, whatever its namespace is called.
    const name = poolName(spec.plan, "");
    super("warehouse:tenancy:Pool", name, {}, opts);
    this.name = name;
    const outer = { name, labels: poolLabels(spec.plan), cell, foundation, parent: this };
    // Ingresses of the tenants are in it, routes in their own namespaces.
    const served = tenants.filter(({ plan }) => plan === spec.plan);
    const claims = cell.edge.mode === "ingress" ? served.map(hostClaims) : [];
    this.#namespace = createNamespace(outer, spec.name, {
      annotations: Object.assign({}, ...claims) as Record<string, string>,
    });
    const scope = (this.#scope = { ...outer, namespace: this.#namespace });
    this.#spec = spec;
    const solvers = cell.edge.mode === "ingress" ? provingHosts(cell, SOLVERS) : 0;
    const network = createNetworkPolicies(scope, {
      door: "application",
      bucket: true,
      solvers,
      // Its tenants share its pods, and so what any of them reaches.
      egress: served.flatMap(({ egress }) => egress),
    });
    this.guards = [...createQuota(scope, spec.quota, { objects: OBJECTS, solvers }), ...network];
    const selector = poolAppLabels(spec.plan);
    const claim = createUploads(scope, { bytes: spec.uploadsBytes, protect: true, after: this.guards });
    const mounts = uploadsMounts(claim);
    const pods = createApplication(scope, {
      selector,
      release: spec.release,
      pod: spec.pod,
      replicas: spec.replicas,
      env: [
        { name: "PLAN", value: spec.plan },
        { name: "TENANT_DIRECTORY", value: DIRECTORY_PATH },
      ],
      mounts: {
        // The pods start before the first tenant is there.
        volumes: [
          ...mounts.volumes,
          {
            name: "tenants",
            secret: { secretName: DIRECTORY, defaultMode: SECRET_FILE_MODE, optional: true },
          },
        ],
        volumeMounts: [
          ...mounts.volumeMounts,
          { name: "tenants", mountPath: DIRECTORY_PATH, readOnly: true },
        ],
      },
      annotations: {},
      after: [...this.guards, ...after],
    });
    this.volume = { namespace: this.#namespace, claim };
    this.#service = createService(scope, { labels: selector, selector, pods });
    if (cell.edge.mode === "gateway") createReferenceGrants(scope, tenants);
    createPoolMonitoring(scope, spec, served);
    this.registerOutputs({});
  }

  /** What answers the hosts of a tenant of this pool: the application, or a response that says why not. */
  backend({ serving, suspensionMode }: TenantSpec): Backend {
    const service = serving ? this.#service : this.#standIn(suspensionMode);
    return { service, poolNamespace: this.#namespace };
  }

  /**
   * Tells the application its tenants; called once, when all of them are declared.
   * @param unregistered those that a limited run leaves as they are
   */
  serve(entries: readonly DirectoryEntry[], unregistered: readonly TenantSpec[]): void {
    createDirectory(this.#scope, entries, unregistered);
  }

  /** One for all tenants that are not served, made when the first of them needs it. */
  #standIn(mode: Mode): Output<string> {
    const known = this.#standIns.get(mode);
    if (known !== undefined) return known;
    const name = STAND_IN[mode];
    const selector = poolMaintenanceLabels(this.#spec.plan, mode);
    const pods = createMaintenance(this.#scope, { mode, name, selector, after: this.guards });
    const suffix = `${name.replace(/^warehouse-/, "")}-service`;
    const service = createService(this.#scope, { suffix, name, labels: selector, selector, pods });
    this.#standIns.set(mode, service);
    return service;
  }
}
