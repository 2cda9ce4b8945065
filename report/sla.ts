/** The service level that a tenant had over a month. */
export interface SlaReport {
  readonly tenant: string;
  readonly plan: string;
  /** 2026-10 */
  readonly month: string;
  /** RFC 3339 UTC. The end of a month that is not over is the present. */
  readonly from: string;
  readonly to: string;
  readonly objective: { readonly availability: number; readonly p95Ms: number };
  /** Share of the spans of five minutes in which requests were counted. */
  readonly measured: number;
  readonly requests: number;
  readonly failed: number;
  /** Share of requests that did not fail; null without requests. */
  readonly availability: number | null;
  readonly p95Ms: number | null;
  /** Of the error budget of the month's requests, 0–1 and above; null without requests. */
  readonly budgetUsed: number | null;
  /** Whether both objectives were kept; null without requests. */
  readonly kept: boolean | null;
  readonly incidents: readonly Incident[];
}

/** Spans of five minutes, one after the other, each of which was below the objective. */
export interface Incident {
  readonly from: string;
  readonly minutes: number;
  readonly failed: number;
  /** Of the worst span, 0–1. */
  readonly worstErrorRatio: number;
}

/** What was counted in five minutes. */
export interface Span {
  /** Its end, seconds since 1970. */
  readonly end: number;
  readonly requests: number;
  readonly failed: number;
}

export const SPAN_SECONDS = 300;

/** What an SLA report is made of. */
export interface SlaInput {
  readonly tenant: string;
  readonly plan: string;
  readonly month: string;
  readonly from: Date;
  readonly to: Date;
  readonly objective: SlaReport["objective"];
  /** In the order of time. */
  readonly spans: readonly Span[];
  /** Of the whole month, milliseconds; null without requests. */
  readonly p95Ms: number | null;
}

export function slaReport({ from, to, spans, objective, p95Ms, ...rest }: SlaInput): SlaReport {
  const sum = (of: (span: Span) => number): number => spans.reduce((total, span) => total + of(span), 0);
  const requests = Math.round(sum((span) => span.requests));
  const failed = Math.round(sum((span) => span.failed));
  const all = Math.floor((to.getTime() - from.getTime()) / (SPAN_SECONDS * 1000));
  const budget = 1 - objective.availability;
  const availability = requests === 0 ? null : 1 - failed / requests;
  return {
    ...rest,
    ...{ from: utc(from.getTime() / 1000), to: utc(to.getTime() / 1000), objective, requests, failed },
    measured: all === 0 ? 0 : Math.min(1, spans.length / all),
    availability,
    p95Ms: requests === 0 ? null : p95Ms,
    budgetUsed: requests === 0 ? null : failed / requests / budget,
    kept:
      availability === null
        ? null
        : availability >= objective.availability && (p95Ms ?? 0) <= objective.p95Ms,
    incidents: incidentsOf(spans, budget),
  };
}

const utc = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");

function incidentsOf(spans: readonly Span[], budget: number): Incident[] {
  const runs: Span[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const span of spans.filter(({ requests, failed }) => requests > 0 && failed / requests > budget)) {
    const run = runs.at(-1);
    if (run !== undefined && span.end - last <= SPAN_SECONDS) run.push(span);
    else runs.push([span]);
    last = span.end;
  }
  return runs.map((run) => ({
    from: utc((run[0]?.end ?? 0) - SPAN_SECONDS),
    minutes: (run.length * SPAN_SECONDS) / 60,
    failed: Math.round(run.reduce((total, { failed }) => total + failed, 0)),
    worstErrorRatio: Math.max(...run.map(({ requests, failed }) => failed / requests)),
  }));
}
