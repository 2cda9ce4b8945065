import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { poolDashboard, tenantDashboard } from "../monitoring/dashboards.ts";
import { poolRules, tenantRules, type RuleGroup } from "../monitoring/rules.ts";
import { APP, appLabels, poolAppLabels } from "../registry/naming.ts";
import type { PoolSpec, TenantSpec } from "../registry/spec.ts";
import type { NamespacedScope, TenantScope } from "./scope.ts";

/** What Prometheus and Grafana know of a tenant with an application of its own: scrape target, alerts and dashboard. */
export function createMonitoring(scope: TenantScope): void {
  const { spec } = scope;
  const { id } = spec;
  createServiceMonitor(scope, appLabels(id), { tenant: id, customer: id });
  createRules(scope, tenantRules(spec, scope.cell.cell));
  createDashboard(scope, { file: `customer-${id}`, dashboard: tenantDashboard(spec) });
}

/**
 * The same of a pool and its tenants, who have none of their own.
 * @param tenants those that it serves
 */
export function createPoolMonitoring(
  scope: NamespacedScope,
  spec: PoolSpec,
  tenants: readonly TenantSpec[],
): void {
  // The application labels what it measures by tenant and customer.
  createServiceMonitor(scope, poolAppLabels(spec.plan), { pool: spec.label });
  createRules(scope, poolRules(spec, tenants.filter(isWatched), scope.cell.cell));
  createDashboard(scope, { file: `customers-${spec.label}`, dashboard: poolDashboard(spec) });
}

/** Whether anybody is to be told of what goes wrong with a tenant. */
const isWatched = ({ state }: TenantSpec): boolean => state !== "offboarding" && state !== "archived";

interface DashboardArgs {
  /** The ConfigMap's. Default: warehouse-dashboard. */
  readonly name?: string;
  /** Its name in Grafana's folder, unique in the cluster, without `.json`. */
  readonly file: string;
  readonly dashboard: object;
}

/** A dashboard, which Grafana's sidecar finds by its label. */
export function createDashboard(
  { name: prefix, labels, parent, namespace }: NamespacedScope,
  { name = "warehouse-dashboard", file, dashboard }: DashboardArgs,
): void {
  new ConfigMap(
    `${prefix}-dashboard`,
    {
      metadata: { name, namespace, labels: { ...labels, grafana_dashboard: "1" } },
      data: { [`${file}.json`]: JSON.stringify(dashboard) },
    },
    { parent },
  );
}

export function createServiceMonitor(
  scope: NamespacedScope,
  matchLabels: Readonly<Record<string, string>>,
  added: Readonly<Record<string, string>>,
): void {
  createCustom(scope, "service-monitor", "ServiceMonitor", {
    selector: { matchLabels },
    endpoints: [
      {
        port: "metrics",
        path: "/metrics",
        interval: "30s",
        relabelings: Object.entries(added).map(([targetLabel, replacement]) => ({
          action: "replace",
          targetLabel,
          replacement,
        })),
      },
    ],
  });
}

export const createRules = (scope: NamespacedScope, groups: readonly RuleGroup[]): void => {
  createCustom(scope, "alerts", "PrometheusRule", { groups });
};

function createCustom(
  { name, labels, parent, namespace }: NamespacedScope,
  suffix: string,
  kind: string,
  spec: object,
): void {
  new CustomResource(
    `${name}-${suffix}`,
    { apiVersion: "monitoring.coreos.com/v1", kind, metadata: { name: APP, namespace, labels }, spec },
    { parent },
  );
}
