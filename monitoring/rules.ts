import { majorUnits } from "../billing/money.ts";
import { compareText } from "../registry/issues.ts";
import { APP, certificateName, databaseName, namespaceName } from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase } from "../registry/placement.ts";
import type { PoolSpec, TenantSpec } from "../registry/spec.ts";
import { METRICS, ratioOf, RATIO_WINDOWS, RECORDED, type RatioWindow } from "./metrics.ts";

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
type Labels = Readonly<Record<string, string>>;

const DAY = 86_400;
/** A restore is tried at least so often. */
export const DRILL_MAX_DAYS = 35;
/** Requests a second below which ratios and percentiles are noise. */
const LEAST_RATE = 0.1;

/** How the exporter of backups, PostgreSQL's and cert-manager tell tenants apart. */
type OthersLabel = "tenant" | "datname" | "name";

/** Selects the limits that may run out: the volumes always fill theirs, which is made to measure. */
export const EXHAUSTIBLE = 'resource!="requests.storage"';

/** Whose rules they are: one tenant's, or those of all tenants of a pool, which differ in their label tenant alone. */
interface Subject extends Pick<TenantSpec, "slo" | "plan"> {
  /** What selects the series of the application and those that are recorded. */
  readonly selector: string;
  /** What the recorded series and the alerts get. */
  readonly labels: Labels;
  /** A tenant's name in a sentence. */
  readonly name: string;
  /** Narrows what others export to the subject's, by the label in which it tells tenants apart. */
  readonly narrowed: (label: OthersLabel, expr: (selector: string) => string) => string;
}

/**
 * The groups of the PrometheusRule of a tenant with an application of its own. Burn rates are those of the SRE workbook:
 * 14.4 uses up 2 % of a month's budget in an hour.
 * @param cell its name
 */
export function tenantRules(spec: TenantSpec, cell: string): RuleGroup[] {
  const { id, plan, slo, backup, connections, serving } = spec;
  const namespace = namespaceName(id);
  const labels = { tenant: id, plan };
  const own: Readonly<Record<OthersLabel, string>> = {
    tenant: `tenant="${id}"`,
    datname: `datname="${databaseName(id)}"`,
    name: `exported_namespace="${namespace}"`,
  };
  const subject: Subject = {
    ...{ plan, slo, labels, name: id, selector: own.tenant },
    narrowed: (label, expr) => expr(own[label]),
  };
  return [
    { name: `tenant-${id}.record`, rules: [...facts(spec, namespace, cell), ...recordings(subject, {})] },
    {
      name: `tenant-${id}`,
      rules: [
        ...serviceAlerts(subject),
        ...(serving ? [absentAlert(subject, namespace)] : []),
        ...dataAlerts(subject, backup.maxAgeMinutes, (verified) => `absent(${verified}{${own.tenant}})`),
        connectionAlert(subject, connections.database),
        ...workloadAlerts("Tenant", namespace, labels),
        ...certificateAlerts(subject),
      ],
    },
  ];
}

/**
 * The groups of a pool's PrometheusRule. Alerts do not name its tenants, so they stay as they are, and go on counting, when
 * tenants come and go; which tenants there are is recorded.
 * @param tenants those that it serves and that do not leave
 */
export function poolRules(spec: PoolSpec, tenants: readonly TenantSpec[], cell: string): RuleGroup[] {
  const { plan, name, label: pool, slo, placement } = spec;
  const members = `${RECORDED.member}{pool="${pool}"}`;
  const subject: Subject = {
    ...{ plan, slo, labels: { plan }, name: "{{ $labels.tenant }}", selector: `pool="${pool}"` },
    narrowed: (label, expr) =>
      label === "tenant"
        ? `${expr("")} and on (tenant) ${members}`
        : `(${expr("")}) * on (${label}) group_left (tenant) ${members}`,
  };
  return [
    {
      name: `${name}.record`,
      rules: [
        ...tenants.toSorted(byId).flatMap((tenant) => [member(tenant, pool), ...facts(tenant, name, cell)]),
        ...recordings(subject, { pool }),
      ],
    },
    {
      name,
      rules: [
        ...serviceAlerts(subject),
        ...dataAlerts(
          subject,
          spec.backupMaxAgeMinutes,
          (verified) => `${members} unless on (tenant) ${verified}`,
        ),
        ...(hasOwnDatabase(placement) ? [connectionAlert(subject, spec.connections)] : []),
        ...certificateAlerts(subject),
        ...workloadAlerts("Pool", name, { pool }),
      ],
    },
  ];
}

const byId = (a: TenantSpec, b: TenantSpec): number => compareText(a.id, b.id);

/** Says that a tenant is in a pool, and by which labels others know it. */
const member = ({ id }: TenantSpec, pool: string): Rule => ({
  record: RECORDED.member,
  expr: "vector(1)",
  labels: { tenant: id, pool, datname: databaseName(id), name: certificateName(id) },
});

/**
 * What the registry says of a tenant, for those who look at many.
 * @param namespace of the application that serves it
 */
function facts(
  { id, plan, placement, state, ring, release, money }: TenantSpec,
  namespace: string,
  cell: string,
): Rule[] {
  const fact = (record: string, value: number, labels: Labels): Rule => ({
    record,
    expr: `vector(${value})`,
    labels: { tenant: id, cell, ...labels },
  });
  const { revenueMinor, costMinor, currency } = money;
  return [
    fact(RECORDED.info, 1, {
      ...{ namespace, plan, state, ring: String(ring), version: release.version },
      ...(hasOwnApp(placement) ? { datname: databaseName(id) } : {}),
    }),
    fact(RECORDED.revenue, majorUnits(revenueMinor, currency), { currency }),
    fact(RECORDED.cost, majorUnits(costMinor, currency), { currency }),
  ];
}

function recordings({ selector }: Subject, labels: Labels): Rule[] {
  const { requests } = METRICS.application;
  const rate = (window: string, more = ""): string =>
    `sum by (tenant) (rate(${requests}_count{${selector}${more}}[${window}]))`;
  const buckets = `sum by (le, tenant) (rate(${requests}_bucket{${selector}}[5m]))`;
  const record = (name: string, expr: string): Rule => ({
    record: name,
    expr,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  });
  return [
    record(RECORDED.requests, rate("5m")),
    ...RATIO_WINDOWS.map((window) =>
      // No errors is no series: without the second term the ratio would be missing rather than 0.
      record(ratioOf(window), `(${rate(window, ',code=~"5.."')} or 0 * ${rate(window)}) / ${rate(window)}`),
    ),
    record(RECORDED.p95, `histogram_quantile(0.95, ${buckets})`),
  ];
}

function serviceAlerts({ slo, labels, name, selector }: Subject): Rule[] {
  const alert = alertsOf(labels);
  const series = (recorded: string): string => `${recorded}{${selector}}`;
  const budget = errorBudget(slo);
  const burns = (long: RatioWindow, short: RatioWindow, factor: number): string =>
    [long, short].map((window) => `${series(ratioOf(window))} > ${factor} * ${budget}`).join(" and ");
  const busy = `${series(RECORDED.requests)} > ${LEAST_RATE}`;
  return [
    alert(
      "TenantSlowResponses",
      "ticket",
      `${series(RECORDED.p95)} > ${slo.p95Ms / 1000} and ${busy}`,
      "10m",
      `95th percentile of ${name} is above ${slo.p95Ms} ms.`,
    ),
    alert(
      "TenantErrorBudgetFastBurn",
      "page",
      `${burns("1h", "5m", 14.4)} and ${busy}`,
      "2m",
      `${name} answers with so many errors that a month's budget is gone in two days.`,
    ),
    alert(
      "TenantErrorBudgetSlowBurn",
      "page",
      burns("6h", "30m", 6),
      "15m",
      `${name} answers with so many errors that a month's budget is gone in five days.`,
    ),
    alert(
      "TenantErrorBudgetTrend",
      "ticket",
      burns("3d", "6h", 1),
      "1h",
      `${name} is about to miss its objective of ${slo.availability * 100} % this month.`,
    ),
  ];
}

/** The share of requests that may fail. */
export const errorBudget = ({ availability }: TenantSpec["slo"]): number =>
  Number((1 - availability).toFixed(6));

const absentAlert = ({ labels, name, selector }: Subject, namespace: string): Rule =>
  alertsOf(labels)(
    "TenantMetricsAbsent",
    "ticket",
    `absent(${METRICS.prometheus.up}{namespace="${namespace}",${selector}} == 1)`,
    "15m",
    `No pod of ${name} is scraped: its other alerts are blind.`,
  );

/** @param missing selects the tenants without a series of a metric */
function dataAlerts(
  { labels, name, narrowed }: Subject,
  maxAgeMinutes: number,
  missing: (metric: string) => string,
): Rule[] {
  const alert = alertsOf(labels);
  const { backupVerified, drillSucceeded } = METRICS.exporter;
  const older = (metric: string, seconds: number): string =>
    narrowed("tenant", (selector) => `time() - ${metric}{${selector}} > ${seconds}`);
  const hours = maxAgeMinutes / 60;
  return [
    alert(
      "TenantBackupTooOld",
      "page",
      older(backupVerified, maxAgeMinutes * 60),
      "5m",
      `The newest verified backup of ${name} is older than ${hours} h.`,
    ),
    alert(
      "TenantBackupMissing",
      "page",
      missing(backupVerified),
      `${maxAgeMinutes}m`,
      `No verified backup of ${name} is known for ${hours} h.`,
    ),
    alert(
      "TenantDrillStale",
      "ticket",
      older(drillSucceeded, DRILL_MAX_DAYS * DAY),
      "1h",
      `No restore of ${name} was tried with success for ${DRILL_MAX_DAYS} days.`,
    ),
  ];
}

/** @param most connections that the database allows */
function connectionAlert({ labels, name, narrowed }: Subject, most: number): Rule {
  return alertsOf(labels)(
    "TenantDatabaseConnectionsHigh",
    "ticket",
    narrowed(
      "datname",
      (selector) => `sum by (datname) (${METRICS.postgres.connections}{${selector}}) > 0.8 * ${most}`,
    ),
    "10m",
    `More than 80 % of the ${most} connections to the database of ${name} are in use.`,
  );
}

function certificateAlerts({ labels, name, narrowed }: Subject): Rule[] {
  const alert = alertsOf(labels);
  const within = (title: string, severity: Severity, days: number, lasting: string): Rule =>
    alert(
      title,
      severity,
      narrowed("name", (selector) => `${METRICS.certManager.expires}{${selector}} - time() < ${days * DAY}`),
      lasting,
      `A certificate of ${name} ends within ${days} days.`,
    );
  return [
    within("TenantCertificateExpiring", "ticket", 21, "1h"),
    within("TenantCertificateCritical", "page", 7, "15m"),
  ];
}

/** Of the pods, the volume and the quota of a namespace. @param kind prefix of the alerts' names */
function workloadAlerts(kind: "Tenant" | "Pool", namespace: string, labels: Labels): Rule[] {
  const alert = alertsOf(labels);
  const { deploymentCondition, waiting, quota } = METRICS.kubeState;
  const inside = `namespace="${namespace}"`;
  const free = `${METRICS.kubelet.volumeFree}{${inside}} / ${METRICS.kubelet.volumeSize}{${inside}}`;
  const part = (type: string): string => `${quota}{${inside},${EXHAUSTIBLE},type="${type}"}`;
  return [
    alert(
      `${kind}RolloutStuck`,
      "page",
      `${deploymentCondition}{${inside},deployment="${APP}",condition="Progressing",status="false"} == 1`,
      "5m",
      `The rollout in ${namespace} makes no progress; the old pods keep serving.`,
    ),
    alert(
      `${kind}CrashLooping`,
      "page",
      `max by (pod) (max_over_time(${waiting}{${inside},reason="CrashLoopBackOff"}[5m])) >= 1`,
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
    alert(
      `${kind}QuotaSaturation`,
      "ticket",
      `max by (resource) (${part("used")} / ignoring(type) (${part("hard")} > 0)) > 0.9`,
      "15m",
      `More than 90 % of a quota of ${namespace} is in use.`,
    ),
  ];
}

/** The exporter reads the bucket every few minutes; so long without success, and what it says is of yesterday. */
const STALE_SECONDS = 3600;

/**
 * The groups of the exporter's own PrometheusRule: all alerts on backups and drills go by what it says.
 * @param namespace where it runs
 */
export function exporterRules(namespace: string): RuleGroup[] {
  const { refreshed } = METRICS.exporter;
  const own = `${refreshed}{namespace="${namespace}"}`;
  const alert = alertsOf({});
  return [
    {
      name: namespace,
      rules: [
        alert(
          "BackupMetricsStale",
          "ticket",
          `time() - ${own} > ${STALE_SECONDS}`,
          "5m",
          `The exporter in ${namespace} has not read the bucket for ${STALE_SECONDS / 60} minutes: nobody is told of new backups.`,
        ),
        alert(
          "BackupMetricsAbsent",
          "page",
          `absent(${own})`,
          "15m",
          `Nothing tells of backups: the exporter in ${namespace} is not scraped.`,
        ),
      ],
    },
  ];
}

const alertsOf =
  (labels: Labels) =>
  (name: string, severity: Severity, expr: string, lasting: string, summary: string): Rule => ({
    alert: name,
    expr,
    for: lasting,
    labels: { severity, ...labels },
    annotations: { summary },
  });
