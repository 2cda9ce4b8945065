import { APP, databaseName, namespaceName, poolName } from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase } from "../registry/placement.ts";
import type { PoolSpec, TenantSpec } from "../registry/spec.ts";
import { EXPORTED, ratioOf, RATIO_WINDOWS, RECORDED, type RatioWindow } from "./metrics.ts";

/** A rule of Prometheus: it records a series, or raises an alert. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: { readonly summary: string };
}

export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

type Severity = "page" | "ticket";

const DAY = 86_400;
/** A restore is tried at least so often. */
const DRILL_MAX_DAYS = 35;
/** Requests a second below which ratios and percentiles are noise. */
const LEAST_RATE = 0.1;

/** The groups of a tenant's PrometheusRule. Burn rates are those of the SRE workbook: 14.4 uses up 2 % of a month's budget in an hour. */
export function tenantRules(spec: TenantSpec): RuleGroup[] {
  const { id, placement } = spec;
  const namespace = namespaceName(id);
  return [
    { name: `tenant-${id}.record`, rules: recordings(id) },
    {
      name: `tenant-${id}`,
      rules: [
        ...serviceAlerts(spec),
        ...dataAlerts(spec),
        ...(hasOwnDatabase(placement) ? [connectionAlert(spec)] : []),
        ...(hasOwnApp(placement) ? workloadAlerts("Tenant", namespace, { tenant: id, plan: spec.plan }) : []),
        ...quotaAlert("Tenant", namespace, { tenant: id, plan: spec.plan }),
        ...certificateAlerts(spec),
      ],
    },
  ];
}

/** The groups of a pool's PrometheusRule. */
export const poolRules = ({ plan }: PoolSpec): RuleGroup[] => [
  {
    name: poolName(plan),
    rules: [
      ...workloadAlerts("Pool", poolName(plan), { pool: plan }),
      ...quotaAlert("Pool", poolName(plan), { pool: plan }),
    ],
  },
];

function recordings(id: string): Rule[] {
  const count = `${EXPORTED.requests}_count`;
  const rate = (window: string, more = "") =>
    `sum by (tenant) (rate(${count}{tenant="${id}"${more}}[${window}]))`;
  const buckets = `sum by (le, tenant) (rate(${EXPORTED.requests}_bucket{tenant="${id}"}[5m]))`;
  return [
    { record: RECORDED.requests, expr: rate("5m") },
    ...RATIO_WINDOWS.map((window) => ({
      record: ratioOf(window),
      // No errors is no series: without the second term the ratio would be missing rather than 0.
      expr: `(${rate(window, ',code=~"5.."')} or 0 * ${rate(window)}) / ${rate(window)}`,
    })),
    { record: RECORDED.p95, expr: `histogram_quantile(0.95, ${buckets})` },
  ];
}

function serviceAlerts(spec: TenantSpec): Rule[] {
  const { id, plan, slo, serving, placement } = spec;
  const alert = alertsOf({ tenant: id, plan });
  const series = (name: string): string => `${name}{tenant="${id}"}`;
  const budget = Number((1 - slo.availability).toFixed(6));
  const burns = (long: RatioWindow, short: RatioWindow, factor: number): string =>
    [long, short].map((window) => `${series(ratioOf(window))} > ${factor} * ${budget}`).join(" and ");
  const busy = `${series(RECORDED.requests)} > ${LEAST_RATE}`;
  return [
    alert(
      "TenantSlowResponses",
      "ticket",
      `${series(RECORDED.p95)} > ${slo.p95Ms / 1000} and ${busy}`,
      "10m",
      `95th percentile of ${id} is above ${slo.p95Ms} ms.`,
    ),
    alert(
      "TenantErrorBudgetFastBurn",
      "page",
      `${burns("1h", "5m", 14.4)} and ${busy}`,
      "2m",
      `${id} answers with so many errors that a month's budget is gone in two days.`,
    ),
    alert(
      "TenantErrorBudgetSlowBurn",
      "page",
      burns("6h", "30m", 6),
      "15m",
      `${id} answers with so many errors that a month's budget is gone in five days.`,
    ),
    alert(
      "TenantErrorBudgetTrend",
      "ticket",
      burns("3d", "6h", 1),
      "1h",
      `${id} is about to miss its objective of ${slo.availability * 100} % this month.`,
    ),
    ...(hasOwnApp(placement) && serving
      ? [
          alert(
            "TenantMetricsAbsent",
            "ticket",
            `absent(up{namespace="${namespaceName(id)}",tenant="${id}"} == 1)`,
            "15m",
            `No pod of ${id} is scraped: its other alerts are blind.`,
          ),
        ]
      : []),
  ];
}

function dataAlerts({ id, plan, backup }: TenantSpec): Rule[] {
  const alert = alertsOf({ tenant: id, plan });
  const age = (metric: string): string => `time() - ${metric}{tenant="${id}"}`;
  const hours = backup.maxAgeMinutes / 60;
  return [
    alert(
      "TenantBackupTooOld",
      "page",
      `${age(EXPORTED.backupVerified)} > ${backup.maxAgeMinutes * 60}`,
      "5m",
      `The newest verified backup of ${id} is older than ${hours} h.`,
    ),
    alert(
      "TenantBackupMissing",
      "page",
      `absent(${EXPORTED.backupVerified}{tenant="${id}"})`,
      `${backup.maxAgeMinutes}m`,
      `No verified backup of ${id} is known for ${hours} h.`,
    ),
    alert(
      "TenantDrillStale",
      "ticket",
      `${age(EXPORTED.drillSucceeded)} > ${DRILL_MAX_DAYS * DAY}`,
      "1h",
      `No restore of ${id} was tried with success for ${DRILL_MAX_DAYS} days.`,
    ),
  ];
}

function connectionAlert({ id, plan, connections }: TenantSpec): Rule {
  const used = `sum by (datname) (${EXPORTED.connections}{datname="${databaseName(id)}"})`;
  return alertsOf({ tenant: id, plan })(
    "TenantDatabaseConnectionsHigh",
    "ticket",
    `${used} > 0.8 * ${connections.database}`,
    "10m",
    `More than 80 % of the ${connections.database} connections to the database of ${id} are in use.`,
  );
}

function certificateAlerts({ id, plan }: TenantSpec): Rule[] {
  const alert = alertsOf({ tenant: id, plan });
  // cert-manager's own namespace takes the label's place when it is scraped.
  const left = `${EXPORTED.certificate}{exported_namespace="${namespaceName(id)}"} - time()`;
  const within = (name: string, severity: Severity, days: number, lasting: string): Rule =>
    alert(
      name,
      severity,
      `${left} < ${days * DAY}`,
      lasting,
      `A certificate of ${id} ends within ${days} days.`,
    );
  return [
    within("TenantCertificateExpiring", "ticket", 21, "1h"),
    within("TenantCertificateCritical", "page", 7, "15m"),
  ];
}

/** Of the pods and the volume in a namespace. @param kind prefix of the alerts' names */
function workloadAlerts(
  kind: "Tenant" | "Pool",
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Rule[] {
  const alert = alertsOf(labels);
  const free = `kubelet_volume_stats_available_bytes{namespace="${namespace}"} / kubelet_volume_stats_capacity_bytes{namespace="${namespace}"}`;
  return [
    alert(
      `${kind}RolloutStuck`,
      "page",
      `kube_deployment_status_condition{namespace="${namespace}",deployment="${APP}",condition="Progressing",status="false"} == 1`,
      "5m",
      `The rollout in ${namespace} makes no progress; the old pods keep serving.`,
    ),
    alert(
      `${kind}CrashLooping`,
      "page",
      `max by (pod) (max_over_time(kube_pod_container_status_waiting_reason{namespace="${namespace}",reason="CrashLoopBackOff"}[5m])) >= 1`,
      "10m",
      `A pod in ${namespace} fails again and again.`,
    ),
    alert(
      `${kind}VolumeFilling`,
      "ticket",
      `${free} < 0.15`,
      "30m",
      `A volume in ${namespace} is 85 % full.`,
    ),
    alert(`${kind}VolumeCritical`, "page", `${free} < 0.05`, "5m", `A volume in ${namespace} is 95 % full.`),
  ];
}

function quotaAlert(
  kind: "Tenant" | "Pool",
  namespace: string,
  labels: Readonly<Record<string, string>>,
): Rule[] {
  const part = (type: string): string => `kube_resourcequota{namespace="${namespace}",type="${type}"}`;
  return [
    alertsOf(labels)(
      `${kind}QuotaSaturation`,
      "ticket",
      `max by (resource) (${part("used")} / ignoring(type) (${part("hard")} > 0)) > 0.9`,
      "15m",
      `More than 90 % of a quota of ${namespace} is in use.`,
    ),
  ];
}

const alertsOf =
  (labels: Readonly<Record<string, string>>) =>
  (name: string, severity: Severity, expr: string, lasting: string, summary: string): Rule => ({
    alert: name,
    expr,
    for: lasting,
    labels: { severity, ...labels },
    annotations: { summary },
  });
