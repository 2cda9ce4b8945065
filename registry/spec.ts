import type { AI_WORKFLOWS, CHATBOTS, Placement, PlanName } from "./catalogue.ts";
import type { FinalBackup, ProvisionedState, SUSPENSION_MODES } from "./lifecycle.ts";
import { hasOwnApp, type MovePhase } from "./placement.ts";
import type { DASHBOARDS } from "./productBlocks.ts";
import type { SECRET_DELIVERIES } from "./schema.ts";
import type { Ring } from "./tenantSchema.ts";

/** CPU in millicores, memory in bytes. */
export interface Compute {
  readonly cpu: number;
  readonly memory: number;
}

/** What one pod requests and may use. */
export interface PodSpec {
  readonly requests: Compute;
  readonly limits: Compute;
}

/** Bounds of an autoscaler. */
export interface Replicas {
  readonly min: number;
  readonly max: number;
}

/** Caps of a namespace: the autoscaler's maximum, one surge pod and the Jobs fit in. */
export interface Quota {
  readonly requests: Compute;
  readonly limits: Compute;
  readonly pods: number;
  readonly storageBytes: number;
}

/** What an integration reaches beside HTTPS. */
export interface Egress {
  readonly integration: string;
  /** Public ranges of addresses. */
  readonly cidrs: readonly string[];
  /** TCP, none of them 443. */
  readonly ports: readonly number[];
}

/** A version of the application. */
export interface Release {
  /** e.g. v2.1.0 */
  readonly version: string;
  /** Image by digest: repository@sha256:… */
  readonly image: string;
  /** How it gets its database login. */
  readonly secrets: (typeof SECRET_DELIVERIES)[number];
}

/** What the tenants of a plan share instead of having their own: the application, and with placement pool the database. */
export interface PoolSpec {
  readonly plan: PlanName;
  /** The plan's, e.g. Starter. */
  readonly displayName: string;
  /** Its name and its namespace's, e.g. pool-starter. */
  readonly name: string;
  /** What tells it from the pools of other plans and cells where all are looked at, e.g. starter. */
  readonly label: string;
  /** The database that its cell's tenants of placement pool share. */
  readonly sharedDatabase: string;
  readonly placement: Exclude<Placement, "silo">;
  readonly release: Release;
  readonly pod: PodSpec;
  readonly replicas: Replicas;
  /** Bytes of the uploads volume of all its tenants. */
  readonly uploadsBytes: number;
  readonly quota: Quota;
  /** The objective for each of its tenants. */
  readonly slo: Objective;
  /** Age of a tenant's newest verified backup that raises an alert, minutes. */
  readonly backupMaxAgeMinutes: number;
  /** Connections to each tenant's own database, where it has one. */
  readonly connections: number;
}

/** Share of good requests over 30 days; 95th percentile in milliseconds. */
export interface Objective {
  readonly availability: number;
  readonly p95Ms: number;
}

/** How a tenant leaves. */
export interface Leaving {
  /** Whether the customer gets the data as a bundle. */
  readonly exports: boolean;
  /** RFC 3339 UTC: the data is kept until then. */
  readonly purgeAfter: string;
  /** Evidence of the final backup, from state archived on. Default: none yet. */
  readonly finalBackup?: FinalBackup;
}

/** A move to another placement that is under way. */
export interface Move {
  readonly phase: MovePhase;
  /** Where the tenant is not served: the target until cutover, from then on the source. */
  readonly other: { readonly plan: PlanName; readonly placement: Placement; readonly release: Release };
  /** SHA-256 of the data at cutover; empty until it is recorded. */
  readonly checksum: string;
}

/**
 * A tenant with every default applied: all that components need to know, as plain frozen data.
 * It depends on the tenant's own entry, its plan, the releases and the defaults, never on another entry or the clock.
 */
export interface TenantSpec {
  readonly id: string;
  readonly displayName: string;
  /** The plan it is served by: during a move the old one until cutover. */
  readonly plan: PlanName;
  readonly placement: Placement;
  readonly state: ProvisionedState;
  /** Whether requests reach the application. false while suspended or cut over: no pods, and a maintenance response. */
  readonly serving: boolean;
  /** What the hosts answer while not serving: maintenance 503, payment_required 402. */
  readonly suspensionMode: (typeof SUSPENSION_MODES)[number];
  /** RFC 3339 UTC. */
  readonly since: string;
  /** AWS region, e.g. us-west-2. Empty where neither the registry nor the cell names one. */
  readonly region: string;
  /** The platform host, e.g. acme.yourwarehousesaas.com. */
  readonly host: string;
  /** Verified custom domains, sorted. */
  readonly customHosts: readonly string[];
  /** Rollout ring: 0 internal, 1 early, 2 general. */
  readonly ring: Ring;
  readonly release: Release;
  readonly features: {
    readonly aiWorkflows: (typeof AI_WORKFLOWS)[number];
    readonly chatbot: (typeof CHATBOTS)[number];
    /** Empty for the application's own theme. */
    readonly theme: string;
    /** Sorted. */
    readonly integrations: readonly string[];
  };
  /** What its application reaches for its integrations; none while it has no pods. */
  readonly egress: readonly Egress[];
  /** White label; what is empty stays the application's or the theme's. */
  readonly branding: {
    readonly productName: string;
    /** #rrggbb */
    readonly primaryColor: string;
    /** https URL */
    readonly logoUrl: string;
  };
  /** One pod of the tenant's own application, if it has one: the plan's figures are spread over the minimum of replicas. */
  readonly pod: PodSpec;
  readonly replicas: Replicas;
  /** Bytes of the tenant's own uploads volume; 0 where it shares a pool's. */
  readonly uploadsBytes: number;
  /** Caps of the tenant's namespace. */
  readonly quota: Quota;
  /** Connections each login may open, and the database in all. */
  readonly connections: {
    readonly app: number;
    readonly migrate: number;
    readonly backup: number;
    readonly database: number;
  };
  /** How often the passwords of the tenant's logins have been replaced. */
  readonly credentials: { readonly rotation: number };
  /** dedicated: one of its own beside its plan's. */
  readonly dashboard: (typeof DASHBOARDS)[number];
  readonly backup: {
    /** Cron schedule, UTC, its minute spread by the tenant's id. */
    readonly schedule: string;
    readonly retainDays: number;
    /** Age of the newest verified backup that raises an alert, minutes. */
    readonly maxAgeMinutes: number;
  };
  readonly slo: Objective;
  /** What is due a month for it and what it is estimated to cost, minor units; the currency by ISO 4217. */
  readonly money: { readonly revenueMinor: number; readonly costMinor: number; readonly currency: string };
  /** Default: none. */
  readonly move?: Move;
  /** The case for which the tenant's data is held. Default: no legal hold. */
  readonly legalHold?: string;
  /** In states offboarding and archived, and only there. */
  readonly leaving?: Leaving;
}

/** Whether the tenant's data must not be deleted. An archived tenant's may, by the next edit: protection is read from before. */
export const keepsData = ({ state }: Pick<TenantSpec, "state">): boolean => state !== "archived";

/** Whether pods of the tenant run in its own namespace: its application, or the Jobs of a move or of its end. */
export const runsPods = ({
  placement,
  move,
  leaving,
}: Pick<TenantSpec, "placement" | "move" | "leaving">): boolean =>
  hasOwnApp(placement) || move !== undefined || leaving !== undefined;

/** Whether a tenant has everything for itself. */
export const standsAlone = ({ placement, move }: Pick<TenantSpec, "placement" | "move">): boolean =>
  placement === "silo" && move === undefined;

/**
 * Whether a pool does no more for a tenant than serve it: it is in the directory, in the alerts and, where hosts come in by
 * a Gateway, in the leave to lead there. The pool's network, its stand-ins and the Ingresses in it have no part of it.
 */
export const isMerelyServed = ({
  placement,
  move,
  serving,
  egress,
}: Pick<TenantSpec, "placement" | "move" | "serving" | "egress">): boolean =>
  !hasOwnApp(placement) && move === undefined && serving && egress.length === 0;

/** What a tenant was, as the outputs of a run tell it. */
interface Earlier {
  readonly plan: string;
  readonly placement: string;
  readonly state: string;
  readonly move?: unknown;
}

/**
 * Whether a change of a tenant is about nothing that others share but what names it in its pool, so that a run can be limited
 * to it: it has everything for itself before and after, or is merely served before and after.
 * @param was undefined: it is new
 * @param byGateway hosts come in by a Gateway: an Ingress of a pooled tenant is its pool's affair
 */
export function concernsItAlone(was: Earlier | undefined, is: TenantSpec, byGateway: boolean): boolean {
  if (was?.move !== undefined) return false;
  if (standsAlone(is)) return was === undefined || was.placement === is.placement;
  const isSame = was === undefined || (was.plan === is.plan && was.state === is.state);
  return byGateway && isMerelyServed(is) && isSame;
}
