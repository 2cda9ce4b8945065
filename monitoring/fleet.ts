import { APP } from "../registry/naming.ts";
import { METRICS, ratioOf, RECORDED } from "./metrics.ts";
import { dashboardOf, lines, list, number, type Query } from "./panels.ts";
import { DRILL_MAX_DAYS, EXHAUSTIBLE } from "./rules.ts";

/** So many stand in a list of those that are worst off. */
const WORST = 10;

/**
 * The dashboard of a cell: first what the registry says of its tenants that do not leave, then what is measured. It
 * names none of them.
 * @param currency ISO 4217
 */
export function fleetDashboard(cell: string, currency: string): object {
  const { kubeState, kubelet, exporter, certManager, prometheus } = METRICS;
  const info = `${RECORDED.info}{cell="${cell}"}`;
  const total = (recorded: string): string => `sum(${recorded}{cell="${cell}"})`;
  const here = (expr: string, label: "tenant" | "namespace"): string => `(${expr}) and on (${label}) ${info}`;
  const highest = (expr: string, label: "tenant" | "namespace", legend = `{{${label}}}`): Query[] => [
    [`topk(${WORST}, ${here(expr, label)})`, legend],
  ];
  const quota = (type: string): string => `${kubeState.quota}{${EXHAUSTIBLE},type="${type}"}`;
  const deployed = `{deployment="${APP}"}`;
  const days = `label_replace((${certManager.expires} - time()) / 86400, "namespace", "$1", "exported_namespace", "(.+)")`;
  const by = (label: string): Query[] => [[`count by (${label}) (${info})`, `{{${label}}}`]];
  const unit = `currency${currency}`;
  const panels = [
    number({ title: "Revenue a Month", queries: [[total(RECORDED.revenue)]], unit }),
    number({ title: "Estimated Cost a Month", queries: [[total(RECORDED.cost)]], unit }),
    number({
      title: "Margin",
      queries: [[`1 - ${total(RECORDED.cost)} / ${total(RECORDED.revenue)}`]],
      unit: "percentunit",
    }),
    list({ title: "Tenants by Plan", queries: by("plan") }),
    list({ title: "Tenants by State", queries: by("state") }),
    list({
      title: "Tenants by Ring and Version",
      queries: [[`count by (ring, version) (${info})`, "ring {{ring}}, {{version}}"]],
    }),
    list({
      title: "Firing Alerts",
      queries: [
        [
          `count by (alertname, tenant, pool) (${prometheus.alerts}{alertstate="firing",alertname=~"(Tenant|Pool).+"})`,
          "{{alertname}} {{tenant}}{{pool}}",
        ],
      ],
      none: "none",
    }),
    list({
      title: "Failed Rollouts",
      queries: [
        [
          here(
            `${kubeState.deploymentCondition}{deployment="${APP}",condition="Progressing",status="false"} == 1`,
            "namespace",
          ),
          "{{namespace}}",
        ],
      ],
      none: "none",
    }),
    list({
      title: "Replicas Missing",
      queries: [
        [
          here(
            `${kubeState.replicasWanted}${deployed} - ${kubeState.replicasReady}${deployed} > 0`,
            "namespace",
          ),
          "{{namespace}}",
        ],
      ],
      none: "none",
    }),
    lines({ title: "Slowest: p95", queries: highest(RECORDED.p95, "tenant"), unit: "s" }),
    lines({ title: "Most Errors", queries: highest(ratioOf("1h"), "tenant"), unit: "percentunit" }),
    lines({ title: "Busiest", queries: highest(RECORDED.requests, "tenant"), unit: "reqps" }),
    list({
      title: "Oldest Verified Backups",
      queries: highest(`time() - ${exporter.backupVerified}`, "tenant"),
      unit: "s",
      none: "no backup",
    }),
    list({
      title: "Oldest Restore Drills",
      queries: highest(`time() - ${exporter.drillSucceeded}`, "tenant"),
      unit: "s",
      limit: { above: DRILL_MAX_DAYS * 86_400 },
      none: "no drill",
    }),
    number({
      title: "Bucket Last Read",
      queries: [[`time() - ${exporter.refreshed}`]],
      unit: "s",
      limit: { above: 3600 },
      none: "not scraped",
    }),
    list({
      title: "Next Certificates to End: Days Left",
      queries: [[`bottomk(${WORST}, ${here(days, "namespace")})`, "{{namespace}} {{name}}"]],
      limit: { below: 21 },
      none: "the platform's",
    }),
    list({
      title: "Fullest Quotas",
      queries: highest(
        `${quota("used")} / ignoring (type) (${quota("hard")} > 0)`,
        "namespace",
        "{{namespace}} {{resource}}",
      ),
      unit: "percentunit",
      limit: { above: 0.9 },
    }),
    list({
      title: "Fullest Volumes",
      queries: highest(`1 - ${kubelet.volumeFree} / ${kubelet.volumeSize}`, "namespace"),
      unit: "percentunit",
      limit: { above: 0.85 },
    }),
  ];
  const made = dashboardOf(`fleet of ${cell}`, `Fleet: ${cell}`).tags(["warehouse", "fleet"]);
  for (const panel of panels) made.withPanel(panel);
  return made.build();
}
