import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exporterRules, poolRules, tenantRules, type Rule, type RuleGroup } from "../../monitoring/rules.ts";
import { run } from "../../sandbox/lib/run.ts";
import { prometheusTools } from "../support/prometheusTools.ts";
import { loadValid, registryOf } from "../support/registry.ts";

jest.setTimeout(300_000);

const { tenants, pools } = loadValid(
  registryOf(
    { id: "acme" },
    { id: "small", plan: "starter" },
    { id: "other", plan: "starter" },
    { id: "mid-size", plan: "professional" },
  ),
);
const acme = tenants.filter(({ id }) => id === "acme").flatMap((spec) => tenantRules(spec, "test"));
const poolOf = (name: string): RuleGroup[] =>
  pools
    .filter(({ plan }) => plan === name)
    .flatMap((spec) =>
      poolRules(
        spec,
        tenants.filter(({ plan }) => plan === name),
        "test",
      ),
    );
const exporter = exporterRules("warehouse-ops");
const [starter, professional] = [poolOf("starter"), poolOf("professional")];

let promtool: string;
let folder: string;
beforeAll(async () => {
  ({ promtool } = await prometheusTools());
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
const ACME = 'tenant="acme"';
const SMALL = 'pool="starter",tenant="small"';
type Series = readonly [series: string, values: string];
const traffic = (whose: string, values: string, code = "200"): Series => [
  `${REQUESTS}_count{${whose},code="${code}"}`,
  values,
];
const inNamespace = (metric: string, labels: string, values: string, namespace = "customer-acme"): Series => [
  `${metric}{namespace="${namespace}"${labels}}`,
  values,
];

/** When an alert fires, and when it has cleared again; minutes from 1970 on. */
interface Case {
  readonly series: readonly Series[];
  readonly fires: number;
  readonly clears: number;
  /** Minutes between samples and between evaluations. Default: 1. */
  readonly step?: number;
}

/** Good for some steps, bad for some, then good for ever. */
const errors = (whose: string, good: number, bad: number, perStep: number, requests = 120): Series[] => [
  traffic(whose, `0+${requests}x${good + bad + 600}`),
  traffic(whose, `0+0x${good} 0+${perStep}x${bad} ${perStep * bad}+0x600`, "500"),
];
/** Two requests a second, all of them slow in the first hour. */
const slow = (whose: string): Series[] => [
  traffic(whose, "0+120x120"),
  [`${REQUESTS}_bucket{${whose},le="0.5"}`, "0+0x60 0+120x60"],
  [`${REQUESTS}_bucket{${whose},le="2"}`, "0+120x120"],
  [`${REQUESTS}_bucket{${whose},le="+Inf"}`, "0+120x120"],
];
const gauge = (bad: number | string, good: number | string, minutes: number): string =>
  `${bad}x${minutes} ${good}x${minutes}`;

const CASES: Readonly<Record<string, Case>> = {
  TenantSlowResponses: { series: slow(ACME), fires: 30, clears: 100 },
  TenantErrorBudgetFastBurn: { series: errors(ACME, 60, 90, 6), fires: 145, clears: 240 },
  TenantErrorBudgetSlowBurn: { series: errors(ACME, 60, 420, 1), fires: 470, clears: 560 },
  TenantErrorBudgetTrend: {
    series: errors(ACME, 6, 432, 10, 1200),
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
      // A volume fills its limit by design.
      inNamespace("kube_resourcequota", ',resource="requests.storage",type="hard"', "10x120"),
      inNamespace("kube_resourcequota", ',resource="requests.storage",type="used"', "10x120"),
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

/** The tenants of a pool share the alerts: the series of one, beside others that are well or no affair of the pool. */
const POOL_CASES: Readonly<Record<string, Case>> = {
  TenantSlowResponses: {
    series: [...slow(SMALL), traffic('pool="starter",tenant="other"', "0+120x120")],
    fires: 30,
    clears: 100,
  },
  TenantErrorBudgetFastBurn: {
    series: [...errors(SMALL, 60, 90, 12), traffic('pool="starter",tenant="other"', "0+120x750")],
    fires: 145,
    clears: 240,
  },
  TenantErrorBudgetSlowBurn: { series: errors(SMALL, 60, 420, 5), fires: 470, clears: 560 },
  TenantErrorBudgetTrend: {
    series: errors(SMALL, 6, 432, 30, 1200),
    fires: 2 * DAY,
    clears: 3 * DAY + 600,
    step: 10,
  },
  TenantBackupTooOld: {
    series: [
      ['warehouse_backup_last_verified_timestamp_seconds{tenant="small"}', "0x1575 94800x200"],
      ['warehouse_backup_last_verified_timestamp_seconds{tenant="other"}', "0+60x1780"],
      ['warehouse_backup_last_verified_timestamp_seconds{tenant="acme"}', "0x1780"],
    ],
    fires: 1570,
    clears: 1590,
  },
  TenantBackupMissing: {
    series: [
      ['warehouse_backup_last_verified_timestamp_seconds{tenant="small"}', "_x1600 96000x100"],
      ['warehouse_backup_last_verified_timestamp_seconds{tenant="other"}', "0+60x1700"],
    ],
    fires: 1570,
    clears: 1610,
  },
  TenantDrillStale: {
    series: [
      [
        'warehouse_drill_last_success_timestamp_seconds{tenant="small"}',
        `0x${35 * 24 + 4} ${35 * DAY * 60}x10`,
      ],
      ['warehouse_drill_last_success_timestamp_seconds{tenant="other"}', `0+3600x${35 * 24 + 14}`],
    ],
    fires: 35 * DAY + 180,
    clears: 35 * DAY + 420,
    step: 60,
  },
  TenantCertificateExpiring: {
    series: [
      [
        'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="pool-starter",name="small-tls"}',
        gauge(20 * 86_400, 90 * 86_400, 120),
      ],
    ],
    fires: 90,
    clears: 200,
  },
  TenantCertificateCritical: {
    series: [
      [
        'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="pool-starter",name="small-tls"}',
        gauge(6 * 86_400, 20 * 86_400, 60),
      ],
    ],
    fires: 30,
    clears: 90,
  },
};

/** What only tenants with a database of their own have. */
const BRIDGE_CASES: Readonly<Record<string, Case>> = {
  TenantDatabaseConnectionsHigh: {
    series: [
      ['pg_stat_activity_count{datname="warehouse_mid_size",state="active"}', gauge(16, 10, 60)],
      ['pg_stat_activity_count{datname="warehouse_acme",state="active"}', "60x120"],
    ],
    fires: 30,
    clears: 90,
  },
};

const REFRESHED = 'warehouse_metrics_last_refresh_timestamp_seconds{namespace="warehouse-ops"}';
const EXPORTER_CASES: Readonly<Record<string, Case>> = {
  BackupMetricsStale: { series: [[REFRESHED, "0x90 5400x50"]], fires: 70, clears: 100 },
  BackupMetricsAbsent: {
    series: [
      [REFRESHED, "_x30 1800x50"],
      ['warehouse_metrics_last_refresh_timestamp_seconds{namespace="elsewhere"}', "0x100"],
    ],
    fires: 20,
    clears: 40,
  },
};
const IN_OPERATIONS = { namespace: "warehouse-ops" };

const alertsIn = (groups: readonly RuleGroup[]): (Rule & { readonly alert: string })[] =>
  groups.flatMap(({ rules }) =>
    rules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }])),
  );

type Carried = Readonly<Record<string, object>>;

/** Labels that an alert takes over from its series. */
const CARRIED: Carried = {
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

const MEMBER = { tenant: "small", pool: "starter" };
const CERTIFICATE = { tenant: "small", exported_namespace: "pool-starter", name: "small-tls" };
const POOL_CARRIED: Carried = {
  TenantSlowResponses: MEMBER,
  TenantErrorBudgetFastBurn: MEMBER,
  TenantErrorBudgetSlowBurn: MEMBER,
  TenantErrorBudgetTrend: MEMBER,
  TenantBackupTooOld: { tenant: "small" },
  TenantBackupMissing: { ...MEMBER, datname: "warehouse_small", name: "small-tls" },
  TenantDrillStale: { tenant: "small" },
  TenantCertificateExpiring: CERTIFICATE,
  TenantCertificateCritical: CERTIFICATE,
};

/** promtool's tests of some alerts of the groups. @param tenant what the template in a pool's summaries stands for */
function testsOf(
  groups: readonly RuleGroup[],
  cases: Readonly<Record<string, Case>>,
  carried: Carried,
  tenant: string,
): string[] {
  const name = groups.at(-1)?.name ?? "";
  const rules = file(`${name}.yaml`, { groups });
  return alertsIn(groups)
    .filter(({ alert }) => alert in cases)
    .map(({ alert, labels, annotations }) => {
      const { series, fires, clears, step = 1 } = cases[alert] ?? { series: [], fires: 0, clears: 0 };
      const summary = annotations?.summary.replace("{{ $labels.tenant }}", tenant);
      const firing = { exp_labels: { ...labels, ...carried[alert] }, exp_annotations: { summary } };
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
      return file(`${name}.${alert}.yaml`, {
        rule_files: [rules],
        group_eval_order: groups.map(({ name: group }) => group),
        evaluation_interval: `${step}m`,
        tests: [test],
      });
    });
}

describe("the rules of tenants and pools", () => {
  it("are accepted by promtool", async () => {
    const files = Object.entries({ acme, starter, professional, exporter });
    const { code, stdout, stderr } = await run(promtool, [
      "check",
      "rules",
      ...files.map(([name, groups]) => file(`${name}.yaml`, { groups })),
    ]);
    expect(stderr).toBe("");
    expect([code, stdout.match(/SUCCESS/g)?.length]).toEqual([0, 4]);
  });

  it("have a case for every alert of a tenant and of the exporter", () => {
    const names = (groups: readonly RuleGroup[]): string[] => alertsIn(groups).map(({ alert }) => alert);
    expect(Object.keys(CASES).sort()).toEqual(names(acme).sort());
    const ofTenants = (groups: readonly RuleGroup[]): string[] =>
      names(groups).filter((name) => name.startsWith("Tenant"));
    expect(Object.keys(POOL_CASES).sort()).toEqual(ofTenants(starter).sort());
    expect(Object.keys(EXPORTER_CASES).sort()).toEqual(names(exporter).sort());
    expect(Object.keys({ ...POOL_CASES, ...BRIDGE_CASES }).sort()).toEqual(ofTenants(professional).sort());
  });

  it("fire and clear", async () => {
    const tests = [
      ...testsOf(acme, CASES, CARRIED, "acme"),
      ...testsOf(starter, POOL_CASES, POOL_CARRIED, "small"),
      ...testsOf(
        professional,
        BRIDGE_CASES,
        { TenantDatabaseConnectionsHigh: { tenant: "mid-size", datname: "warehouse_mid_size" } },
        "mid-size",
      ),
      ...testsOf(
        exporter,
        EXPORTER_CASES,
        { BackupMetricsStale: IN_OPERATIONS, BackupMetricsAbsent: IN_OPERATIONS },
        "",
      ),
    ];
    const { code, stdout, stderr } = await run(promtool, ["test", "rules", ...tests]);
    expect(stderr).toBe("");
    expect(stdout.match(/SUCCESS/g)).toHaveLength(tests.length);
    expect(tests).toHaveLength(Object.keys({ ...CASES }).length + Object.keys(POOL_CASES).length + 3);
    expect(code).toBe(0);
  });

  it("of a pool stay as they are when tenants come and go, but for the list of tenants", () => {
    const [spec] = pools.filter(({ plan }) => plan === "starter");
    if (spec === undefined) throw new Error("no pool");
    const members = tenants.filter(({ plan }) => plan === "starter");
    const [[fewRecorded, fewAlerts], [recorded, alerts]] = [
      poolRules(spec, members.slice(0, 1), "test"),
      poolRules(spec, members, "test"),
    ];
    expect(fewAlerts).toEqual(alerts);
    const ofTenant = ({ labels }: Rule): boolean => labels?.["tenant"] !== undefined;
    expect(recorded?.rules.flatMap(({ labels }) => labels?.["tenant"] ?? [])).toEqual([
      ...Array<string>(4).fill("other"),
      ...Array<string>(4).fill("small"),
    ]);
    expect(recorded?.rules.filter((rule) => !ofTenant(rule))).toEqual(
      fewRecorded?.rules.filter((rule) => !ofTenant(rule)),
    );
  });

  it("watch a pool's pods, volume and quota", () => {
    const ofPool = alertsIn(starter)
      .map(({ alert }) => alert)
      .filter((alert) => alert.startsWith("Pool"));
    expect(ofPool).toEqual([
      "PoolRolloutStuck",
      "PoolCrashLooping",
      "PoolVolumeFilling",
      "PoolVolumeCritical",
      "PoolQuotaSaturation",
    ]);
  });

  it("record what the registry says", () => {
    const facts = acme[0]?.rules.slice(0, 3).map(({ record, expr, labels }) => [record, expr, labels]);
    expect(facts).toEqual([
      [
        "tenant:info",
        "vector(1)",
        {
          ...{ tenant: "acme", cell: "test", namespace: "customer-acme" },
          ...{ plan: "enterprise", state: "active", ring: "2", version: "v2.1.0" },
          datname: "warehouse_acme",
        },
      ],
      ["tenant:revenue:month", "vector(699)", { tenant: "acme", cell: "test", currency: "USD" }],
      ["tenant:cost:month", "vector(150)", { tenant: "acme", cell: "test", currency: "USD" }],
    ]);
  });
});
