import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { poolRules, tenantRules, type Rule, type RuleGroup } from "../../monitoring/rules.ts";
import { plainReport } from "../../sandbox/lib/report.ts";
import { run } from "../../sandbox/lib/run.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { obtainPromtool } from "../../sandbox/toolchain/promtool.ts";
import { loadValid, registryOf } from "../support/registry.ts";

jest.setTimeout(300_000);

const { tenants, pools } = loadValid(
  registryOf({ id: "acme" }, { id: "small", plan: "starter" }, { id: "mid", plan: "professional" }),
);
const rulesOf = (id: string): RuleGroup[] => tenants.filter((spec) => spec.id === id).flatMap(tenantRules);
const pool = pools.filter(({ plan }) => plan === "starter").flatMap(poolRules);

let promtool: string;
let folder: string;
beforeAll(async () => {
  promtool = await obtainPromtool(
    toolchainContext(
      process.env,
      plainReport(() => undefined),
    ),
  );
  folder = mkdtempSync(join(tmpdir(), "rules-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Writes a file of JSON, which is YAML as well. */
function file(name: string, value: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(value));
  return path;
}

const DAY = 1440;
const REQUESTS = "http_request_duration_seconds";
/** Requests of acme: 2 a second, so many in a hundred of them errors, in which quantile. */
const traffic = (values: string, code = "200"): [string, string] => [
  `${REQUESTS}_count{tenant="acme",code="${code}"}`,
  values,
];
const inNamespace = (
  metric: string,
  labels: string,
  values: string,
  namespace = "customer-acme",
): [string, string] => [`${metric}{namespace="${namespace}"${labels}}`, values];

/** When an alert fires, and when it has cleared again; minutes from 1970 on. */
interface Case {
  readonly series: readonly [series: string, values: string][];
  readonly fires: number;
  readonly clears: number;
  /** Minutes between samples and between evaluations. Default: 1. */
  readonly step?: number;
}

/** Good for some steps, bad for some, then good for ever. */
const errors = (good: number, bad: number, perStep: number, requests = 120): [string, string][] => [
  traffic(`0+${requests}x${good + bad + 600}`),
  traffic(`0+0x${good} 0+${perStep}x${bad} ${perStep * bad}+0x600`, "500"),
];
const gauge = (bad: number | string, good: number | string, minutes: number): string =>
  `${bad}x${minutes} ${good}x${minutes}`;

const CASES: Readonly<Record<string, Case>> = {
  TenantSlowResponses: {
    series: [
      traffic("0+120x120"),
      [`${REQUESTS}_bucket{tenant="acme",le="0.5"}`, "0+0x60 0+120x60"],
      [`${REQUESTS}_bucket{tenant="acme",le="2"}`, "0+120x120"],
      [`${REQUESTS}_bucket{tenant="acme",le="+Inf"}`, "0+120x120"],
    ],
    fires: 30,
    clears: 100,
  },
  TenantErrorBudgetFastBurn: { series: errors(60, 90, 6), fires: 145, clears: 240 },
  TenantErrorBudgetSlowBurn: { series: errors(60, 420, 1), fires: 470, clears: 560 },
  TenantErrorBudgetTrend: {
    series: errors(6, 432, 10, 1200),
    fires: 2 * DAY,
    clears: 3 * DAY + 600,
    step: 10,
  },
  TenantMetricsAbsent: {
    series: [['up{namespace="customer-acme",tenant="acme"}', "0x30 1x60"]],
    fires: 20,
    clears: 40,
  },
  TenantBackupTooOld: {
    series: [['warehouse_backup_last_verified_timestamp_seconds{tenant="acme"}', "0x500 30000x200"]],
    fires: 490,
    clears: 510,
  },
  TenantBackupMissing: {
    series: [['warehouse_backup_last_verified_timestamp_seconds{tenant="acme"}', "_x600 36000x100"]],
    fires: 500,
    clears: 610,
  },
  TenantDrillStale: {
    series: [
      [
        'warehouse_drill_last_success_timestamp_seconds{tenant="acme"}',
        `0x${35 * 24 + 4} ${35 * DAY * 60}x10`,
      ],
    ],
    fires: 35 * DAY + 180,
    clears: 35 * DAY + 420,
    step: 60,
  },
  TenantQuotaSaturation: {
    series: [
      inNamespace("kube_resourcequota", ',resource="requests.cpu",type="hard"', "10x120"),
      inNamespace("kube_resourcequota", ',resource="requests.cpu",type="used"', gauge(9.5, 5, 60)),
    ],
    fires: 30,
    clears: 90,
  },
  TenantVolumeFilling: {
    series: [
      inNamespace("kubelet_volume_stats_capacity_bytes", ',persistentvolumeclaim="a"', "100x240"),
      inNamespace("kubelet_volume_stats_available_bytes", ',persistentvolumeclaim="a"', gauge(10, 50, 100)),
    ],
    fires: 60,
    clears: 150,
  },
  TenantVolumeCritical: {
    series: [
      inNamespace("kubelet_volume_stats_capacity_bytes", ',persistentvolumeclaim="a"', "100x240"),
      inNamespace("kubelet_volume_stats_available_bytes", ',persistentvolumeclaim="a"', gauge(4, 10, 100)),
    ],
    fires: 20,
    clears: 150,
  },
  TenantRolloutStuck: {
    series: [
      inNamespace(
        "kube_deployment_status_condition",
        ',deployment="warehouse-app",condition="Progressing",status="false"',
        gauge(1, 0, 60),
      ),
    ],
    fires: 20,
    clears: 90,
  },
  TenantCrashLooping: {
    series: [
      inNamespace(
        "kube_pod_container_status_waiting_reason",
        ',pod="a",reason="CrashLoopBackOff"',
        gauge(1, 0, 60),
      ),
    ],
    fires: 30,
    clears: 90,
  },
  TenantDatabaseConnectionsHigh: {
    series: [['pg_stat_activity_count{datname="warehouse_acme",state="active"}', gauge(60, 10, 60)]],
    fires: 30,
    clears: 90,
  },
  TenantCertificateExpiring: {
    series: [
      [
        'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="customer-acme"}',
        gauge(20 * 86_400, 90 * 86_400, 120),
      ],
    ],
    fires: 90,
    clears: 200,
  },
  TenantCertificateCritical: {
    series: [
      [
        'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="customer-acme"}',
        gauge(6 * 86_400, 20 * 86_400, 60),
      ],
    ],
    fires: 30,
    clears: 90,
  },
};

const alertsIn = (groups: readonly RuleGroup[]): (Rule & { readonly alert: string })[] =>
  groups.flatMap(({ rules }) =>
    rules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }])),
  );

/** Labels that an alert takes over from its series. */
const CARRIED: Readonly<Record<string, object>> = {
  TenantQuotaSaturation: { resource: "requests.cpu" },
  TenantVolumeFilling: { namespace: "customer-acme", persistentvolumeclaim: "a" },
  TenantVolumeCritical: { namespace: "customer-acme", persistentvolumeclaim: "a" },
  TenantRolloutStuck: {
    namespace: "customer-acme",
    deployment: "warehouse-app",
    condition: "Progressing",
    status: "false",
  },
  TenantCrashLooping: { pod: "a" },
  TenantDatabaseConnectionsHigh: { datname: "warehouse_acme" },
  TenantCertificateExpiring: { exported_namespace: "customer-acme" },
  TenantCertificateCritical: { exported_namespace: "customer-acme" },
};

describe("the rules of tenants and pools", () => {
  it("are accepted by promtool", async () => {
    const files = ["acme", "small", "mid"].map((id) => file(`${id}.yaml`, { groups: rulesOf(id) }));
    const { code, stdout, stderr } = await run(promtool, [
      "check",
      "rules",
      ...files,
      file("pool.yaml", { groups: pool }),
    ]);
    expect(stderr).toBe("");
    expect([code, stdout.match(/SUCCESS/g)?.length]).toEqual([0, 4]);
  });

  it("have a case for every alert of a tenant", () => {
    expect(Object.keys(CASES).sort()).toEqual(
      alertsIn(rulesOf("acme"))
        .map(({ alert }) => alert)
        .sort(),
    );
  });

  it("fire and clear", async () => {
    const rules = file("acme.yaml", { groups: rulesOf("acme") });
    const order = rulesOf("acme").map(({ name }) => name);
    const tests = alertsIn(rulesOf("acme")).map(({ alert, labels, annotations }) => {
      const { series, fires, clears, step = 1 } = CASES[alert] ?? { series: [], fires: 0, clears: 0 };
      const firing = { exp_labels: { ...labels, ...CARRIED[alert] }, exp_annotations: annotations };
      const test = {
        name: alert,
        interval: `${step}m`,
        input_series: series.map(([name, values]) => ({ series: name, values })),
        alert_rule_test: [
          { eval_time: `${fires}m`, alertname: alert, exp_alerts: [firing] },
          { eval_time: `${clears}m`, alertname: alert, exp_alerts: [] },
        ],
      };
      // A file each: they are evaluated at different intervals. What is recorded comes first, or it would be as old as a step
      // when the alerts look at it, and ten minutes are too old.
      return file(`${alert}.yaml`, {
        rule_files: [rules],
        group_eval_order: order,
        evaluation_interval: `${step}m`,
        tests: [test],
      });
    });
    const { code, stdout, stderr } = await run(promtool, ["test", "rules", ...tests]);
    expect(stderr).toBe("");
    expect(stdout.match(/SUCCESS/g)).toHaveLength(tests.length);
    expect(code).toBe(0);
  });

  it("leave out what a pooled tenant does not have", () => {
    const names = (id: string): string[] => alertsIn(rulesOf(id)).map(({ alert }) => alert);
    expect(names("acme").filter((alert) => !names("small").includes(alert))).toEqual([
      "TenantMetricsAbsent",
      "TenantDatabaseConnectionsHigh",
      "TenantRolloutStuck",
      "TenantCrashLooping",
      "TenantVolumeFilling",
      "TenantVolumeCritical",
    ]);
    expect(names("mid")).toContain("TenantDatabaseConnectionsHigh");
    expect(alertsIn(pool).map(({ alert }) => alert)).toEqual([
      "PoolRolloutStuck",
      "PoolCrashLooping",
      "PoolVolumeFilling",
      "PoolVolumeCritical",
      "PoolQuotaSaturation",
    ]);
  });
});
