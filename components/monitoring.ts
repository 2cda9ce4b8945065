import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { poolDashboard, siloDashboards, tenantDashboard } from "../monitoring/dashboards.ts";
import { poolRules, tenantRules, type RuleGroup } from "../monitoring/rules.ts";
import type { Catalogue } from "../registry/catalogue.ts";
import { APP, namespaceName, poolAppLabels, siloLabels } from "../registry/naming.ts";
import type { PoolSpec, TenantSpec } from "../registry/spec.ts";
import type { NamespacedScope, TenantScope } from "./scope.ts";

/** What Prometheus and Grafana know of one tenant with an application of its own: alerts, and a dashboard if it is to have one. */
export function createMonitoring(scope: TenantScope): void {
  const { spec } = scope;
  createRules(scope, tenantRules(spec, scope.cell.cell));
  if (spec.dashboard === "dedicated")
    createDashboards(scope, { dashboards: { [`customer-${spec.id}`]: tenantDashboard(spec) } });
}

/** What they know of all those of a cell together: scrape target and dashboards, which name none of them. */
export function createSiloMonitoring(scope: NamespacedScope, catalogue: Catalogue): void {
  const { cell } = scope.cell;
  const name = `warehouse-silo-${cell}`;
  createServiceMonitor(scope, siloLabels(cell), {
    name,
    anywhere: true,
    // The namespace says whose application it is.
    relabelings: ["tenant", "customer"].map((targetLabel) => ({
      action: "replace",
      sourceLabels: ["__meta_kubernetes_namespace"],
      regex: namespaceName("(.+)"),
      targetLabel,
    })),
  });
  createDashboards(scope, { name, dashboards: siloDashboards(catalogue, cell) });
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
  createServiceMonitor(scope, poolAppLabels(spec.plan), {
    relabelings: [{ action: "replace", targetLabel: "pool", replacement: spec.label }],
  });
  createRules(scope, poolRules(spec, tenants.filter(isWatched), scope.cell.cell));
  createDashboards(scope, { dashboards: { [`customers-${spec.label}`]: poolDashboard(spec) } });
}

/** Whether anybody is to be told of what goes wrong with a tenant. */
const isWatched = ({ state }: TenantSpec): boolean => state !== "offboarding" && state !== "archived";

interface DashboardsArgs {
  /** The ConfigMap's. Default: warehouse-dashboard. */
  readonly name?: string;
  /** By their names in Grafana's folder, unique in the cluster, without `.json`. */
  readonly dashboards: Readonly<Record<string, object>>;
}

/** Dashboards in a ConfigMap, which Grafana's sidecar finds by its label. */
export function createDashboards(
  { name: prefix, labels, parent, namespace }: NamespacedScope,
  { name = "warehouse-dashboard", dashboards }: DashboardsArgs,
): void {
  new ConfigMap(
    `${prefix}-dashboard`,
    {
      metadata: { name, namespace, labels: { ...labels, grafana_dashboard: "1" } },
      data: Object.fromEntries(
        Object.entries(dashboards).map(([file, each]) => [`${file}.json`, JSON.stringify(each)]),
      ),
    },
    { parent },
  );
}

/**
 * Has the pods behind Services scraped.
 * @param matchLabels select the Services
 */
export function createServiceMonitor(
  scope: NamespacedScope,
  matchLabels: Readonly<Record<string, string>>,
  args: {
    /** Default: the application's. */
    readonly name?: string;
    /** Whether Services of other namespaces are selected too. Default: false. */
    readonly anywhere?: boolean;
    /** Set labels of what is measured. Default: none. */
    readonly relabelings?: readonly object[];
  } = {},
): void {
  const { name = APP, anywhere = false, relabelings = [] } = args;
  createCustom(scope, "service-monitor", "ServiceMonitor", name, {
    selector: { matchLabels },
    ...(anywhere ? { namespaceSelector: { any: true } } : {}),
    endpoints: [{ port: "metrics", path: "/metrics", interval: "30s", relabelings }],
  });
}

export const createRules = (scope: NamespacedScope, groups: readonly RuleGroup[]): void => {
  createCustom(scope, "alerts", "PrometheusRule", APP, { groups });
};

function createCustom(
  { name: prefix, labels, parent, namespace }: NamespacedScope,
  suffix: string,
  kind: string,
  name: string,
  spec: object,
): void {
  new CustomResource(
    `${prefix}-${suffix}`,
    { apiVersion: "monitoring.coreos.com/v1", kind, metadata: { name, namespace, labels }, spec },
    { parent },
  );
}
