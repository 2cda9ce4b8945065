import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { poolDashboard, siloDashboards, tenantDashboard } from "../../monitoring/dashboards.ts";
import { fleetDashboard } from "../../monitoring/fleet.ts";
import { METRICS } from "../../monitoring/metrics.ts";
import { poolRules, tenantRules } from "../../monitoring/rules.ts";
import { BackupMetrics } from "../../ops/metrics/collect.ts";
import type { ObjectStore } from "../../ops/storage.ts";
import { run } from "../../sandbox/lib/run.ts";
import { prometheusTools } from "../support/prometheusTools.ts";
import { loadValid, registryOf } from "../support/registry.ts";

jest.setTimeout(300_000);

const { tenants, pools, catalogue } = loadValid(
  registryOf(
    { id: "acme", displayName: "ACME & <Sons>", observability: { dashboard: "dedicated" } },
    { id: "small", plan: "starter" },
    { id: "mid-size", plan: "professional" },
  ),
);

interface Target {
  readonly refId: string;
  readonly expr: string;
}
interface Panel {
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: { readonly thresholds?: { readonly steps: readonly object[] } };
  };
}
interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

/** As Grafana gets it. */
const asLoaded = (dashboard: object): Dashboard => JSON.parse(JSON.stringify(dashboard)) as Dashboard;
const ofTenant = (id: string): Dashboard[] =>
  tenants.filter((spec) => spec.id === id).map((spec) => asLoaded(tenantDashboard(spec)));
const [acme] = ofTenant("acme");
const [starter, professional] = ["starter", "professional"].map((name) =>
  pools.filter(({ plan }) => plan === name).map((spec) => asLoaded(poolDashboard(spec))),
);
const silos = Object.values(siloDashboards(catalogue, "test")).map(asLoaded);
const fleet = asLoaded(fleetDashboard("test", "USD"));
const all: readonly Dashboard[] = [
  ...(acme === undefined ? [] : [acme]),
  ...silos,
  ...(starter ?? []),
  ...(professional ?? []),
  fleet,
];
const exprsOf = ({ panels }: Dashboard): string[] =>
  panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** What Grafana puts in place of variables. */
const filled = (expr: string): string =>
  expr.replaceAll("$__range", "1h").replaceAll(/\$(?:tenant|database)/g, "acme");

/** The names of metrics in an expression: what is neither in braces, brackets or quotes, nor a word of PromQL. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, "")
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replaceAll(/\b(?:by|on|ignoring|group_left|without)\s*\([^)]*\)/g, " ");
  return [...bare.matchAll(/[a-zA-Z_][\w:]*(?!\w|\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !/^(?:and|or|unless|bool)$/.test(name));
}

const rules = [
  ...tenants.filter(({ placement }) => placement === "silo").flatMap((spec) => tenantRules(spec, "test")),
  ...pools.flatMap((spec) =>
    poolRules(
      spec,
      tenants.filter(({ plan }) => plan === spec.plan),
      "test",
    ),
  ),
].flatMap((group) => group.rules);
const exported = new Set<string>(Object.values(METRICS).flatMap((source) => Object.values(source)));
/** The histogram has series of other names. */
const { requests } = METRICS.application;
const known = (name: string): boolean =>
  [`${requests}_bucket`, `${requests}_count`].includes(name) || (exported.has(name) && name !== requests);
const recorded = new Set(rules.flatMap(({ record = [] }) => record));

let promtool: string;
let folder: string;
beforeAll(async () => {
  ({ promtool } = await prometheusTools());
  folder = mkdtempSync(join(tmpdir(), "dashboards-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the dashboards", () => {
  it("are one a plan of a cell, one a tenant that is to have its own, and one a cell", () => {
    expect(all.map(({ title }) => title)).toEqual([
      "Customer: ACME & <Sons>",
      "Customers: AI Enhanced, test",
      "Customers: Enterprise, test",
      "Customers: Starter",
      "Customers: Professional",
      "Fleet: test",
    ]);
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(6);
  });

  it("show the founding plan's three panels first", () => {
    for (const dashboard of all.slice(0, 5)) {
      expect(dashboard.panels.slice(0, 3).map(({ title }) => title)).toEqual([
        "Response Time",
        "Active Users",
        "AI Workflow Executions",
      ]);
    }
    expect(exprsOf(all[0] ?? fleet).slice(1, 5)).toEqual([
      'histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{tenant="$tenant"}[5m])))',
      'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{tenant="$tenant"}[5m])))',
      'max(active_users{tenant="$tenant"})',
      'sum(increase(ai_workflows_executed_total{tenant="$tenant"}[1h]))',
    ]);
  });

  it("draw the plan's objectives", () => {
    const redFrom = (dashboard: Dashboard | undefined, title: string): unknown =>
      dashboard?.panels
        .find((panel) => panel.title === title)
        ?.fieldConfig?.defaults.thresholds?.steps.at(-1);
    expect(redFrom(acme, "Response Time")).toEqual({ value: 0.5, color: "red" });
    expect(redFrom(acme, "Errors")).toEqual({ value: 0.0005, color: "red" });
    expect(redFrom(acme, "Newest Verified Backup")).toEqual({ value: 480 * 60, color: "red" });
    expect(redFrom(starter?.[0], "Response Time")).toEqual({ value: 1.5, color: "red" });
    const [aiEnhanced, enterprise] = silos;
    expect(redFrom(aiEnhanced, "Newest Verified Backup")).toEqual({ value: 840 * 60, color: "red" });
    for (const title of ["Response Time", "Errors", "Newest Verified Backup"])
      expect(redFrom(enterprise, title)).toEqual(redFrom(acme, title));
  });

  it("show a silo tenant that is chosen as its own dashboard does", () => {
    const [, enterprise] = silos;
    const chosen = JSON.stringify(enterprise?.panels)
      .replaceAll("customer-$tenant", "customer-acme")
      .replaceAll("$database", "warehouse_acme");
    expect(JSON.parse(chosen)).toEqual(acme?.panels);
    expect(enterprise?.templating.list.map(({ name, query }) => [name, query])).toEqual([
      ["datasource", "prometheus"],
      ["tenant", 'label_values(tenant:info{cell="test",plan="enterprise"}, tenant)'],
      ["database", 'label_values(tenant:info{tenant="$tenant"}, datname)'],
    ]);
    const info = rules.filter(
      ({ record, labels }) => record === "tenant:info" && labels?.["tenant"] === "acme",
    );
    expect(info.map(({ labels }) => labels)).toMatchObject([
      { cell: "test", plan: "enterprise", datname: "warehouse_acme" },
    ]);
  });

  it("ask Prometheus what it understands", async () => {
    const file = join(folder, "queries.yaml");
    const queries = all.flatMap(exprsOf).map((expr) => ({ record: "query", expr: filled(expr) }));
    expect(queries.length).toBeGreaterThan(60);
    // As JSON, which is YAML as well. A rule of a name twice is a finding only of the linter.
    writeFileSync(file, JSON.stringify({ groups: [{ name: "queries", rules: queries }] }));
    const { code, stderr } = await run(promtool, ["check", "rules", "--lint=none", file]);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("go by metrics that somebody exports or records, as the rules do", () => {
    const names = [...all.flatMap(exprsOf), ...rules.map(({ expr }) => expr)].flatMap(metricsIn);
    expect(names.filter((name) => !known(name) && !recorded.has(name))).toEqual([]);
    expect(names).toContain("ALERTS");
    expect(metricsIn('sum by (le) (rate(nonsense_total{a="b"}[5m])) / on (x) other > bool 1')).toEqual([
      "nonsense_total",
      "other",
    ]);
    const variables = all.flatMap(({ templating: { list } }) =>
      list.flatMap(({ query }) => /label_values\(([\w:]+)/.exec(query)?.[1] ?? []),
    );
    expect(variables).toHaveLength(7);
    expect(variables.filter((name) => !recorded.has(name))).toEqual([]);
  });

  it("find every metric of the exporter in what it exports", () => {
    const text = new BackupMetrics({} as ObjectStore).text();
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(Object.values(METRICS.exporter).sort()).toEqual(families.sort());
  });

  it("let the reader choose the data source, and number their queries", () => {
    for (const { panels, templating } of all) {
      expect(templating.list[0]).toMatchObject({ name: "datasource", query: "prometheus" });
      for (const { datasource, targets = [] } of panels) {
        expect(datasource?.uid).toBe("${datasource}");
        expect(targets.map(({ refId }) => refId)).toEqual(["A", "B", "C"].slice(0, targets.length));
      }
    }
  });

  it("lay their panels out without overlap", () => {
    for (const { panels } of all) {
      const taken = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
      );
      expect(new Set(taken).size).toBe(taken.length);
      expect(Math.max(...panels.map(({ gridPos }) => gridPos.x + gridPos.w))).toBe(24);
    }
  });

  it("stay far below what a ConfigMap may hold", () => {
    for (const dashboard of all) expect(JSON.stringify(dashboard).length).toBeLessThan(12 * 1024);
  });
});
