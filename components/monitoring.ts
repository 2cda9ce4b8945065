import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { createHash } from "node:crypto";
import { poolRules, tenantRules, type RuleGroup } from "../monitoring/rules.ts";
import { APP, appLabels, poolAppLabels } from "../registry/naming.ts";
import { hasOwnApp } from "../registry/placement.ts";
import type { PoolSpec, TenantSpec } from "../registry/spec.ts";
import type { NamespacedScope, TenantScope } from "./scope.ts";

/** What Prometheus and Grafana know of the tenant: alerts, dashboard and, for an application of its own, the scrape target. */
export function createMonitoring(scope: TenantScope): void {
  const { spec, labels, parent, namespace } = scope;
  const { id } = spec;
  if (hasOwnApp(spec.placement)) createServiceMonitor(scope, appLabels(id), { tenant: id, customer: id });
  createRules(scope, tenantRules(spec));
  new ConfigMap(
    `${id}-dashboard`,
    {
      metadata: { name: "warehouse-dashboard", namespace, labels: { ...labels, grafana_dashboard: "1" } },
      data: { [`customer-${id}.json`]: JSON.stringify(dashboard(spec)) },
    },
    { parent },
  );
}

/** What Prometheus knows of a pool; its application labels what it measures by tenant and customer. */
export function createPoolMonitoring(scope: NamespacedScope, spec: PoolSpec): void {
  createServiceMonitor(scope, poolAppLabels(spec.plan), { pool: spec.plan });
  createRules(scope, poolRules(spec));
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

const createRules = (scope: NamespacedScope, groups: readonly RuleGroup[]): void => {
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

const p95 = (id: string): string =>
  `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{tenant="${id}"}[5m])))`;

/** The founding plan's three panels. */
function dashboard({ id, displayName }: TenantSpec): object {
  const panels = [
    { title: "Response Time", expr: p95(id), unit: "s" },
    { title: "Active Users", expr: `max(active_users{tenant="${id}"})`, unit: "short" },
    {
      title: "AI Workflow Executions",
      expr: `sum(increase(ai_workflows_executed_total{tenant="${id}"}[1h]))`,
      unit: "short",
    },
  ];
  return {
    // Grafana allows 40 characters.
    uid: createHash("sha256").update(id).digest("hex").slice(0, 40),
    title: `Customer: ${displayName}`,
    schemaVersion: 39,
    time: { from: "now-24h", to: "now" },
    panels: panels.map(({ title, expr, unit }, index) => ({
      id: index + 1,
      title,
      type: "timeseries",
      gridPos: { x: 8 * index, y: 0, w: 8, h: 8 },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: [{ refId: "A", expr }],
    })),
  };
}
