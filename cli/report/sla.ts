import { METRICS } from "../../monitoring/metrics.ts";
import { SPAN_SECONDS, slaReport, type SlaReport, type Span } from "../../report/sla.ts";
import { Refusal, UsageError } from "../failures.ts";
import { paint, table, type Io } from "../io.ts";
import type { Prometheus, Series } from "./prometheus.ts";

/** Whose service level is asked for. */
export interface SlaSubject {
  readonly tenant: string;
  readonly plan: string;
  readonly objective: SlaReport["objective"];
}

/** Begin and end of a month, of one that is not over the present. */
export function monthOf(text: string, now: Date): { readonly from: Date; readonly to: Date } {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (year === undefined || month === undefined)
    throw new UsageError(`"${text}" is no month; write e.g. 2026-10`);
  const from = new Date(Date.UTC(Number(year), Number(month) - 1));
  if (from >= now) throw new UsageError(`${text} has not begun`);
  const end = new Date(Date.UTC(Number(year), Number(month)));
  return { from, to: end < now ? end : now };
}

/** Asks Prometheus how a tenant was served in a month. */
export async function readSla(
  prometheus: Prometheus,
  { tenant, plan, objective }: SlaSubject,
  month: string,
  now: Date,
): Promise<SlaReport> {
  const { from, to } = monthOf(month, now);
  const { requests } = METRICS.application;
  const counted = (more: string): string =>
    `sum(increase(${requests}_count{tenant="${tenant}"${more}}[${SPAN_SECONDS}s]))`;
  // A span is told at its end.
  const first = new Date(from.getTime() + SPAN_SECONDS * 1000);
  if (first > to) throw new Refusal(`${month} has begun less than five minutes ago`);
  const seconds = Math.round((to.getTime() - from.getTime()) / 1000);
  const quantile = `histogram_quantile(0.95, sum by (le) (increase(${requests}_bucket{tenant="${tenant}"}[${seconds}s])))`;
  const [all, failed, p95] = await Promise.all([
    prometheus.between(counted(""), first, to, SPAN_SECONDS),
    prometheus.between(counted(',code=~"5.."'), first, to, SPAN_SECONDS),
    prometheus.at(quantile, to),
  ]);
  const slowest = p95[0]?.values[0]?.[1];
  return slaReport({
    ...{ tenant, plan, month, from, to, objective },
    spans: spansOf(all, failed),
    p95Ms: slowest === undefined || !Number.isFinite(slowest) ? null : slowest * 1000,
  });
}

function spansOf(all: readonly Series[], failed: readonly Series[]): Span[] {
  const errors = new Map(failed.flatMap(({ values }) => values));
  return all
    .flatMap(({ values }) => values)
    .map(([end, requests]) => ({ end, requests, failed: errors.get(end) ?? 0 }));
}

const share = (value: number | null, digits: number): string =>
  value === null ? "-" : `${(value * 100).toFixed(digits)} %`;

/** For a terminal. */
export function renderSla(report: SlaReport, io: Pick<Io, "color">): string[] {
  const { tenant, plan, month, from, to, objective, requests, failed, availability, p95Ms, kept } = report;
  const verdict =
    kept === null
      ? paint(io, "yellow", "no requests were counted")
      : kept
        ? paint(io, "green", "kept")
        : paint(io, "red", "missed");
  const incidents = report.incidents.map((incident) => [
    incident.from.replace("T", " ").replace(":00Z", " UTC"),
    `${incident.minutes} min`,
    `${incident.failed} failed`,
    `worst ${share(incident.worstErrorRatio, 1)}`,
  ]);
  return [
    `${paint(io, "bold", `${tenant}, ${plan}, ${month}`)}: ${verdict}`,
    ...table([
      ["", "measured", "objective"],
      ["availability", share(availability, 3), share(objective.availability, 3)],
      ["p95", p95Ms === null ? "-" : `${Math.round(p95Ms)} ms`, `${objective.p95Ms} ms`],
      ["error budget used", share(report.budgetUsed, 1), "100 %"],
      ["requests", String(requests), ""],
      ["failed (5xx)", String(failed), ""],
      ["time with requests", share(report.measured, 1), ""],
      ["from", from, ""],
      ["to", to, ""],
    ]),
    "",
    ...(incidents.length === 0
      ? ["no five minutes below the objective"]
      : [
          paint(io, "bold", `${incidents.length} incidents (five minutes or more below the objective)`),
          ...table(incidents),
        ]),
  ];
}
