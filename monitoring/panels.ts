import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  PanelBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Threshold,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { createHash } from "node:crypto";

/** A query and, where the panel draws several, what its series are called; `{{label}}` is a label's value. */
export type Query = readonly [expr: string, legend?: string];

/** A panel of the width of a third of the page. */
export interface PanelArgs {
  readonly title: string;
  readonly queries: readonly Query[];
  /** Grafana's name of the unit, e.g. s, bytes, percentunit. Default: plain numbers. */
  readonly unit?: string;
  /** A line, or the place where a number turns red. Default: none. */
  readonly limit?: { readonly above: number } | { readonly below: number };
  /** What stands where there is no series. Default: Grafana's "No data". */
  readonly none?: string;
}

/** The data source of all panels, which the reader may choose. */
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };
const [WIDTH, HEIGHT] = [8, 7];

/** Lines over time. */
export const lines = (args: PanelArgs): PanelBuilder =>
  panel("timeseries", args).custom({
    fillOpacity: 8,
    ...(args.limit === undefined ? {} : { thresholdsStyle: { mode: "line" } }),
  });

/** The last value as a number. */
export const number = (args: PanelArgs): PanelBuilder => panel("stat", args);

/** The last values as a list, one row a series. */
export const list = (args: PanelArgs): PanelBuilder =>
  panel("bargauge", args).options({ orientation: "horizontal", displayMode: "basic", valueMode: "text" });

function panel(type: string, { title, queries, unit, limit, none }: PanelArgs): PanelBuilder {
  const made = new PanelBuilder()
    .type(type)
    .title(title)
    .datasource(DATASOURCE)
    .span(WIDTH)
    .height(HEIGHT)
    .targets(queries.map(target));
  if (unit !== undefined) made.unit(unit);
  if (none !== undefined) made.noValue(none);
  if (limit !== undefined)
    made.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(limit)));
  return made;
}

const steps = (limit: NonNullable<PanelArgs["limit"]>): Threshold[] =>
  "above" in limit
    ? [
        { value: null, color: "green" },
        { value: limit.above, color: "red" },
      ]
    : [
        { value: null, color: "red" },
        { value: limit.below, color: "green" },
      ];

/** The SDK's own builder of queries loads its whole second version of dashboards, three times as much as all else. */
const target = ([expr, legendFormat]: Query, index: number) => ({
  build: () => ({
    refId: String.fromCharCode(65 + index),
    expr,
    ...(legendFormat === undefined ? {} : { legendFormat }),
    _implementsDataqueryVariant: () => undefined,
  }),
});

/* eslint-disable @typescript-eslint/no-deprecated -- The second version is no format that Grafana's sidecar can load. */
/** A dashboard with its data source to choose. @param key what its address derives from, for ever */
export const dashboardOf = (key: string, title: string): DashboardBuilder =>
  new DashboardBuilder(title)
    // Grafana allows 40 characters.
    .uid(createHash("sha256").update(key).digest("hex").slice(0, 40))
    .readonly()
    .time({ from: "now-24h", to: "now" })
    .withVariable(new DatasourceVariableBuilder("datasource").type("prometheus"));
/* eslint-enable */
