/** Where facts were read, or why they were not. */
export type Source =
  | { readonly read: true; readonly from: string; readonly at: string }
  | { readonly read: false; readonly from: string; readonly why: string };

/** What a cell's stack says was applied last. */
export interface Applied {
  readonly plan: string;
  readonly state: string;
  readonly release: string;
}

/** The newest backup of a tenant that was read to its end. */
export interface Backup {
  readonly id: string;
  /** The moment that it shows, RFC 3339 UTC. */
  readonly at: string;
  readonly bytes: number;
}

/** The last restore for a try that succeeded. */
export interface Drill {
  /** RFC 3339 UTC. */
  readonly at: string;
  /** The recovery time that was measured. */
  readonly seconds: number;
}

export interface CertificateFact {
  readonly name: string;
  readonly hosts: readonly string[];
  /** RFC 3339 UTC; null while there is none. */
  readonly endsAt: string | null;
}

/** The fullest limit of a namespace. */
export interface QuotaUse {
  readonly resource: string;
  readonly used: string;
  readonly hard: string;
  /** Of the limit, 0–1 and above. */
  readonly share: number;
}

/** How a tenant was served of late. */
export interface Service {
  /** Share of good requests, 0–1. */
  readonly availability: number;
  /** 95th percentile, milliseconds. */
  readonly p95Ms: number;
}

/** Facts by tenant, of all tenants or none: a tenant that is not there has none. */
export interface Facts<T> {
  readonly source: Source;
  readonly byTenant: ReadonlyMap<string, T>;
}

/** What is known beyond the registry. */
export interface LiveFacts {
  readonly applied: Facts<Applied>;
  readonly backups: Facts<Backup>;
  readonly drills: Facts<Drill>;
  readonly certificates: Facts<readonly CertificateFact[]>;
  readonly quotas: Facts<QuotaUse>;
  /** Resources that differ from the last `up`. */
  readonly drift: Facts<number>;
  /** Over 30 days. */
  readonly service: Facts<Service>;
}

export const SECTIONS = [
  "applied",
  "backups",
  "drills",
  "certificates",
  "quotas",
  "drift",
  "service",
] as const satisfies readonly (keyof LiveFacts)[];
