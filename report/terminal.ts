import { money, percent } from "../billing/money.ts";
import { paint, table, type Io } from "../cli/io.ts";
import { SECTIONS } from "./facts.ts";
import { SECTION_NAMES } from "./page.ts";
import type { Distribution, Report } from "./report.ts";
import { ageOf, spanOf } from "./spans.ts";

/** The report for a terminal: sums, what needs attention, one line a tenant, and what is not known. */
export function renderTerminal(report: Report, io: Pick<Io, "color">): string[] {
  const { totals, currency, attention, tenants, distributions, sources, generatedAt } = report;
  const now = new Date(generatedAt);
  const { plan, state, ring, version } = distributions;
  const counts = (all: Distribution): string => all.map(({ value, count }) => `${count} ${value}`).join(", ");
  const margin = totals.marginBps === null ? "" : ` (${percent(totals.marginBps)})`;
  const [head = "", ...lines] = table([
    ["TENANT", "PLAN", "STATE", "VERSION", "PRICE", "COST", "BACKUP", "DRILL", "QUOTA", "DRIFT"],
    ...tenants.map((tenant) => {
      const { backup, drill, quota, drifted, priceMinor, costMinor } = tenant;
      const shown = <T>(value: T | null | undefined, text: (value: T) => string): string =>
        value === undefined ? "?" : value === null ? "none" : text(value);
      return [
        ...[tenant.id, tenant.plan, tenant.state, tenant.version ?? "-"],
        priceMinor === 0 ? "-" : money(priceMinor, currency),
        costMinor === 0 ? "-" : money(costMinor, currency),
        shown(backup, ({ at }) => ageOf(at, now)),
        shown(drill, ({ at, seconds }) => `${ageOf(at, now)}, ${spanOf(seconds)}`),
        shown(quota, ({ share }) => `${Math.round(share * 100)} %`),
        shown(drifted, String),
      ];
    }),
  ]);
  const unknown = SECTIONS.flatMap((section) => {
    const source = sources[section];
    return source.read ? [] : [[`${SECTION_NAMES[section]}:`, source.why]];
  });
  return [
    paint(
      io,
      "bold",
      `${totals.tenants} tenants, ${totals.billable} billable: ${money(totals.mrrMinor, currency)} a month, cost ${money(totals.costMinor, currency)}, margin ${money(totals.marginMinor, currency)}${margin}`,
    ),
    ...table([
      ["plan", counts(plan)],
      ["state", counts(state)],
      ["ring", counts(ring)],
      ["version", counts(version)],
    ]),
    "",
    paint(io, "bold", head),
    ...lines,
    ...(attention.length === 0 ? [] : ["", paint(io, "bold", "Needs attention")]),
    ...attention.map(({ severity, tenant, message }) =>
      paint(
        io,
        severity === "critical" ? "red" : "yellow",
        `${severity.padEnd(8)}  ${tenant === "" ? "" : `${tenant}: `}${message}`,
      ),
    ),
    ...(unknown.length === 0 ? [] : ["", paint(io, "bold", "Unknown (?)"), ...table(unknown)]),
  ];
}
