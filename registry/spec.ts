import type { AI_WORKFLOWS, CHATBOTS, Placement, PlanName } from "./catalogue.ts";
import type { LiveState, SUSPENSION_MODES } from "./lifecycle.ts";
import type { Ring } from "./tenantSchema.ts";

/** CPU in millicores, memory in bytes. */
export interface Compute {
  readonly cpu: number;
  readonly memory: number;
}

/**
 * A tenant with every default applied: all that components need to know, as plain frozen data.
 * It depends on the tenant's own entry, its plan, the releases and the defaults, never on another entry or the clock.
 */
export interface TenantSpec {
  readonly id: string;
  readonly displayName: string;
  readonly plan: PlanName;
  readonly placement: Placement;
  readonly state: LiveState;
  /** Whether requests reach the application. false while suspended: no pods, and a maintenance response. */
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
  readonly release: {
    /** e.g. v2.1.0 */
    readonly version: string;
    /** Image by digest: repository@sha256:… */
    readonly image: string;
  };
  readonly features: {
    readonly aiWorkflows: (typeof AI_WORKFLOWS)[number];
    readonly chatbot: (typeof CHATBOTS)[number];
    /** Empty for the application's own theme. */
    readonly theme: string;
    /** Sorted. */
    readonly integrations: readonly string[];
  };
  /** White label; what is empty stays the application's or the theme's. */
  readonly branding: {
    readonly productName: string;
    /** #rrggbb */
    readonly primaryColor: string;
    /** https URL */
    readonly logoUrl: string;
  };
  /** One application pod: the plan's figures are spread over the minimum of replicas. */
  readonly pod: { readonly requests: Compute; readonly limits: Compute };
  readonly replicas: { readonly min: number; readonly max: number };
  /** Bytes of the uploads volume. */
  readonly uploadsBytes: number;
  /** Caps of the namespace: the autoscaler's maximum, one surge pod and the Jobs fit in. */
  readonly quota: {
    readonly requests: Compute;
    readonly limits: Compute;
    readonly pods: number;
    readonly storageBytes: number;
  };
  /** Connections each login may open, and the database in all. */
  readonly connections: {
    readonly app: number;
    readonly migrate: number;
    readonly backup: number;
    readonly database: number;
  };
  /** How often the application's database password has been replaced. */
  readonly credentials: { readonly rotation: number };
  readonly backup: {
    /** Cron schedule, UTC, its minute spread by the tenant's id. */
    readonly schedule: string;
    readonly retainDays: number;
    /** Age of the newest verified backup that raises an alert, minutes. */
    readonly maxAgeMinutes: number;
  };
  /** Share of good requests over 30 days; 95th percentile in milliseconds. */
  readonly slo: { readonly availability: number; readonly p95Ms: number };
}
