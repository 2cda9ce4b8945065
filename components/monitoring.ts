import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { createHash } from "node:crypto";
import { APP, appLabels, namespaceName, tenantLabels } from "../registry/naming.ts";
import type { TenantSpec } from "../registry/spec.ts";
import type { NamespacedScope } from "./scope.ts";

/** What Prometheus and Grafana know of the tenant: scrape target, alerts and dashboard. */
export function createMonitoring({ spec, parent, namespace }: NamespacedScope): void {
  const { id } = spec;
  const labels = tenantLabels(id);
  const custom = (suffix: string, kind: string, body: object): void => {
    new CustomResource(
      `${id}-${suffix}`,
      {
        apiVersion: "monitoring.coreos.com/v1",
        kind,
        metadata: { name: APP, namespace, labels },
        spec: body,
      },
      { parent },
    );
  };
  custom("service-monitor", "ServiceMonitor", {
    selector: { matchLabels: appLabels(id) },
    endpoints: [
      {
        port: "metrics",
        path: "/metrics",
        interval: "30s",
        relabelings: ["tenant", "customer"].map((targetLabel) => ({
          action: "replace",
          targetLabel,
          replacement: id,
        })),
      },
    ],
  });
  custom("alerts", "PrometheusRule", { groups: [{ name: `tenant-${id}`, rules: alerts(spec) }] });
  new ConfigMap(
    `${id}-dashboard`,
    {
      metadata: { name: "warehouse-dashboard", namespace, labels: { ...labels, grafana_dashboard: "1" } },
      data: { [`customer-${id}.json`]: JSON.stringify(dashboard(spec)) },
    },
    { parent },
  );
}

const p95 = (id: string): string =>
  `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{tenant="${id}"}[5m])))`;

function alerts({ id, plan, slo, backup }: TenantSpec): object[] {
  const labels = (severity: string) => ({ severity, tenant: id, plan });
  return [
    {
      alert: "TenantSlowResponses",
      expr: `${p95(id)} > ${slo.p95Ms / 1000}`,
      for: "15m",
      labels: labels("ticket"),
      annotations: { summary: `95th percentile of ${id} is above ${slo.p95Ms} ms.` },
    },
    {
      alert: "TenantRolloutStuck",
      expr: `kube_deployment_status_condition{namespace="${namespaceName(id)}",deployment="${APP}",condition="Progressing",status="false"} == 1`,
      for: "5m",
      labels: labels("page"),
      annotations: { summary: `The rollout of ${id} makes no progress; the old pods keep serving.` },
    },
    {
      alert: "TenantBackupTooOld",
      expr: `time() - warehouse_backup_last_verified_timestamp_seconds{tenant="${id}"} > ${backup.maxAgeMinutes * 60}`,
      for: "5m",
      labels: labels("page"),
      annotations: {
        summary: `The newest verified backup of ${id} is older than ${backup.maxAgeMinutes / 60} h.`,
      },
    },
  ];
}

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
