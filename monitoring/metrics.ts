/** Names of the metrics that rules and dashboards use, and who exports them. */

export const EXPORTED = {
  /** The application: a histogram with the labels tenant and code. */
  requests: "http_request_duration_seconds",
  /** The application: a gauge. */
  activeUsers: "active_users",
  /** The application: a counter. */
  workflows: "ai_workflows_executed_total",
  /** The exporter in warehouse-ops, each with the label tenant. */
  backupVerified: "warehouse_backup_last_verified_timestamp_seconds",
  backupSize: "warehouse_backup_size_bytes",
  backupDuration: "warehouse_backup_duration_seconds",
  drillSucceeded: "warehouse_drill_last_success_timestamp_seconds",
  drillDuration: "warehouse_drill_duration_seconds",
  /** postgres_exporter, by datname. */
  connections: "pg_stat_activity_count",
  databaseSize: "pg_database_size_bytes",
  /** cert-manager. */
  certificate: "certmanager_certificate_expiration_timestamp_seconds",
} as const;

/** Series that a tenant's rules record, each with the label tenant. */
export const RECORDED = {
  requests: "tenant:http_requests:rate5m",
  p95: "tenant:http_latency_p95:5m",
} as const;

export const RATIO_WINDOWS = ["5m", "30m", "1h", "6h", "3d"] as const;
export type RatioWindow = (typeof RATIO_WINDOWS)[number];

/** The recorded share of answers 5xx. */
export const ratioOf = (window: RatioWindow): string => `tenant:http_error_ratio:rate${window}`;
