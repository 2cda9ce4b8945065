import type { AI_WORKFLOWS, CHATBOTS, Placement, PlanName } from "./catalogue.ts";
import type { TenantState } from "./schema.ts";

/** CPU in millicores, memory in bytes. */
export interface Compute {
  readonly cpu: number;
  readonly memory: number;
}

/**
 * A tenant with every default applied: all that components need to know, as plain frozen data.
 * It depends on the tenant's own entry, its plan and the releases, never on another entry.
 */
export interface TenantSpec {
  readonly id: string;
  readonly displayName: string;
  readonly plan: PlanName;
  readonly placement: Placement;
  readonly state: TenantState;
  /** RFC 3339 UTC. */
  readonly since: string;
  /** The platform host, e.g. acme.yourwarehousesaas.com. */
  readonly host: string;
  /** Verified custom domains, sorted. */
  readonly customHosts: readonly string[];
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
