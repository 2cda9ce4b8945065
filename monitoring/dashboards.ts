import {
  ConstantVariableBuilder,
  QueryVariableBuilder,
  VariableHide,
  VariableRefresh,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PLAN_NAMES, type Catalogue } from "../registry/catalogue.ts";
import { APP, databaseName, namespaceName } from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase } from "../registry/placement.ts";
import type { Objective, PoolSpec, TenantSpec } from "../registry/spec.ts";
import { METRICS, ratioOf, RECORDED } from "./metrics.ts";
import { dashboardOf, lines, list, number } from "./panels.ts";
import { DRILL_MAX_DAYS, errorBudget } from "./rules.ts";

const TENANT = 'tenant="$tenant"';

/** Whose dashboard it is. What is about a tenant goes by the variable `tenant`, which for one tenant is a constant. */
interface Subject {
  /** What the dashboard's address derives from. */
  readonly key: string;
  readonly title: string;
  readonly tags: string[];
  readonly variables: readonly { readonly build: () => VariableModel }[];
  readonly slo: Objective;
  readonly backupMaxAgeMinutes: number;
  /** Where the pods, their quota and their volume are. */
  readonly namespace: string;
  /** Selects the databases. */
  readonly databases: string;
  /** Selects the certificates. */
  readonly certificates: string;
}

/** The dashboard of one tenant with an application of its own. */
export function tenantDashboard(spec: TenantSpec): object {
  const { id, displayName, plan, ring, slo, backup } = spec;
  return dashboard({
    key: id,
    title: `Customer: ${displayName}`,
    tags: ["warehouse", plan, `ring ${ring}`],
    variables: [new ConstantVariableBuilder("tenant").value(id)],
    slo,
    backupMaxAgeMinutes: backup.maxAgeMinutes,
    namespace: namespaceName(id),
    databases: `datname="${databaseName(id)}"`,
    certificates: `exported_namespace="${namespaceName(id)}"`,
  });
}

/** A variable whose values are those of a label. */
const valuesOf = (variable: string, series: string, label: string): QueryVariableBuilder =>
  new QueryVariableBuilder(variable)
    .query(`label_values(${series}, ${label})`)
    .refresh(VariableRefresh.OnDashboardLoad);

/** The tenant that the reader chooses. */
const choice = (series: string): QueryVariableBuilder =>
  valuesOf("tenant", series, "tenant").label("Customer");

/** The database of the tenant that is chosen. */
const databaseOf = (recorded: string): QueryVariableBuilder =>
  valuesOf("database", `${recorded}{${TENANT}}`, "datname").hide(VariableHide.HideVariable);

/**
 * The dashboards of a cell's tenants with applications of their own, by the files of Grafana that hold them: one a plan,
 * whose objectives it draws. In each the reader chooses one of the plan's tenants: they are the same whoever these are.
 */
export const siloDashboards = ({ plans }: Pick<Catalogue, "plans">, cell: string): Record<string, object> =>
  Object.fromEntries(
    PLAN_NAMES.filter((plan) => hasOwnApp(plans[plan].placement)).map((plan) => {
      const { displayName, slo } = plans[plan];
      const made = dashboard({
        key: `${plan} of ${cell}`,
        title: `Customers: ${displayName}, ${cell}`,
        tags: ["warehouse", plan],
        variables: [choice(`${RECORDED.info}{cell="${cell}",plan="${plan}"}`), databaseOf(RECORDED.info)],
        slo,
        backupMaxAgeMinutes: slo.backupMaxAgeMinutes,
        namespace: namespaceName("$tenant"),
        databases: 'datname="$database"',
        certificates: `exported_namespace="${namespaceName("$tenant")}"`,
      });
      return [`customers-${plan}-${cell}`, made];
    }),
  );

/** The dashboard of the tenants of a pool, one of whom the reader chooses: it is the same whoever they are. */
export function poolDashboard(spec: PoolSpec): object {
  const { plan, name, label, displayName, placement, slo, backupMaxAgeMinutes } = spec;
  const member = choice(`${RECORDED.member}{pool="${label}"}`);
  return dashboard({
    key: name,
    title: `Customers: ${displayName}`,
    tags: ["warehouse", plan],
    variables: hasOwnDatabase(placement) ? [member, databaseOf(RECORDED.member)] : [member],
    slo,
    backupMaxAgeMinutes,
    namespace: name,
    databases: `datname="${hasOwnDatabase(placement) ? "$database" : spec.sharedDatabase}"`,
    certificates: 'exported_namespace=~"customer-$tenant|pool-.+",name="$tenant-tls"',
  });
}

function dashboard(subject: Subject): object {
  const { slo, namespace, databases, certificates } = subject;
  const { requests, activeUsers, workflows } = METRICS.application;
  const { kubeState, kubelet, exporter } = METRICS;
  const inside = `namespace="${namespace}"`;
  const quantile = (q: string): string =>
    `histogram_quantile(${q}, sum by (le) (rate(${requests}_bucket{${TENANT}}[5m])))`;
  const ran = (range: string): string => `sum(increase(${workflows}{${TENANT}}[${range}]))`;
  const quota = (type: string): string =>
    `${kubeState.quota}{${inside},resource=~"(requests|limits).(cpu|memory)",type="${type}"}`;
  const age = (metric: string): string => `time() - ${metric}{${TENANT}}`;
  const panels = [
    lines({
      title: "Response Time",
      queries: [
        [quantile("0.5"), "p50"],
        [quantile("0.95"), "p95"],
        [quantile("0.99"), "p99"],
      ],
      unit: "s",
      limit: { above: slo.p95Ms / 1000 },
    }),
    lines({ title: "Active Users", queries: [[`max(${activeUsers}{${TENANT}})`, "users"]] }),
    lines({
      title: "AI Workflow Executions",
      queries: [
        [ran("1h"), "an hour"],
        [ran("$__range"), "in all"],
      ],
    }),
    lines({
      title: "Requests",
      queries: [[`${RECORDED.requests}{${TENANT}}`, "requests"]],
      unit: "reqps",
    }),
    lines({
      title: "Errors",
      queries: [[`${ratioOf("5m")}{${TENANT}}`, "share of answers 5xx"]],
      unit: "percentunit",
      limit: { above: errorBudget(slo) },
    }),
    number({
      title: "Error Budget Left, 30 Days",
      queries: [[`1 - avg_over_time(${ratioOf("5m")}{${TENANT}}[30d]) / ${errorBudget(slo)}`]],
      unit: "percentunit",
      limit: { below: 0 },
    }),
    lines({
      title: "Replicas",
      queries: [
        [`${kubeState.replicasWanted}{${inside},deployment="${APP}"}`, "wanted"],
        [`${kubeState.replicasReady}{${inside},deployment="${APP}"}`, "ready"],
      ],
    }),
    lines({
      title: "Versions",
      queries: [
        [`count by (image_spec) (${kubeState.container}{${inside},container="${APP}"})`, "{{image_spec}}"],
      ],
    }),
    lines({
      title: "CPU and Memory of the Quota",
      queries: [[`${quota("used")} / ignoring (type) (${quota("hard")} > 0)`, "{{resource}}"]],
      unit: "percentunit",
      limit: { above: 0.9 },
    }),
    lines({
      title: "Files: Volume in Use",
      queries: [
        [
          `1 - ${kubelet.volumeFree}{${inside}} / ${kubelet.volumeSize}{${inside}}`,
          "{{persistentvolumeclaim}}",
        ],
      ],
      unit: "percentunit",
      limit: { above: 0.85 },
    }),
    lines({
      title: "Database: Connections",
      queries: [[`sum by (datname) (${METRICS.postgres.connections}{${databases}})`, "{{datname}}"]],
    }),
    lines({
      title: "Database: Size",
      queries: [[`max by (datname) (${METRICS.postgres.databaseSize}{${databases}})`, "{{datname}}"]],
      unit: "bytes",
    }),
    number({
      title: "Newest Verified Backup",
      queries: [[age(exporter.backupVerified)]],
      unit: "s",
      limit: { above: subject.backupMaxAgeMinutes * 60 },
      none: "none",
    }),
    number({
      title: "Last Restore Drill",
      queries: [[age(exporter.drillSucceeded)]],
      unit: "s",
      limit: { above: DRILL_MAX_DAYS * 86_400 },
      none: "none",
    }),
    list({
      title: "Certificates: Days Left",
      queries: [[`(${METRICS.certManager.expires}{${certificates}} - time()) / 86400`, "{{name}}"]],
      limit: { below: 21 },
      none: "the platform's",
    }),
  ];
  const made = dashboardOf(subject.key, subject.title).tags(subject.tags);
  for (const variable of subject.variables) made.withVariable(variable);
  for (const panel of panels) made.withPanel(panel);
  return made.build();
}
