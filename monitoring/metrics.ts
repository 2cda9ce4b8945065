/** Every metric that rules and dashboards use, by who exports it. */
export const METRICS = {
  /** The application, each with the label tenant. */
  application: {
    /** A histogram, with the label code. */
    requests: "http_request_duration_seconds",
    /** A gauge. */
    activeUsers: "active_users",
    /** A counter. */
    workflows: "ai_workflows_executed_total",
  },
  /** `warehouse-metrics` of the operations (ops/metrics/), each with the label tenant but the last. */
  exporter: {
    backupVerified: "warehouse_backup_last_verified_timestamp_seconds",
    backupSize: "warehouse_backup_size_bytes",
    backupDuration: "warehouse_backup_duration_seconds",
    drillSucceeded: "warehouse_drill_last_success_timestamp_seconds",
    drillDuration: "warehouse_drill_duration_seconds",
    refreshed: "warehouse_metrics_last_refresh_timestamp_seconds",
  },
  /** postgres_exporter, by datname. */
  postgres: {
    connections: "pg_stat_activity_count",
    databaseSize: "pg_database_size_bytes",
  },
  /** cert-manager: its own namespace takes the label's place, and the certificate's is `exported_namespace`. */
  certManager: {
    expires: "certmanager_certificate_expiration_timestamp_seconds",
  },
  /** kube-state-metrics, by namespace. */
  kubeState: {
    replicasWanted: "kube_deployment_spec_replicas",
    replicasReady: "kube_deployment_status_replicas_ready",
    deploymentCondition: "kube_deployment_status_condition",
    container: "kube_pod_container_info",
    waiting: "kube_pod_container_status_waiting_reason",
    quota: "kube_resourcequota",
  },
  /** The kubelet, by namespace. */
  kubelet: {
    volumeSize: "kubelet_volume_stats_capacity_bytes",
    volumeFree: "kubelet_volume_stats_available_bytes",
  },
  /** Prometheus itself. */
  prometheus: {
    up: "up",
    alerts: "ALERTS",
  },
} as const;

/** Series that rules record, each with the label tenant; what is measured of a pool's tenants has the label pool besides. */
export const RECORDED = {
  requests: "tenant:http_requests:rate5m",
  p95: "tenant:http_latency_p95:5m",
  /** Always 1, for each tenant of a pool, with what tells it apart elsewhere; it does not change as long as the tenant is there. */
  member: "tenant:pool_member",
  /** Always 1, with what the registry says of the tenant; and with its database, where it has an application of its own. */
  info: "tenant:info",
  /** What is due a month and what it is estimated to cost, in whole units of the label currency. */
  revenue: "tenant:revenue:month",
  cost: "tenant:cost:month",
} as const;

export const RATIO_WINDOWS = ["5m", "30m", "1h", "6h", "3d"] as const;
export type RatioWindow = (typeof RATIO_WINDOWS)[number];

/** The recorded share of answers 5xx. */
export const ratioOf = (window: RatioWindow): string => `tenant:http_error_ratio:rate${window}`;
