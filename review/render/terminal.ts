import { moneyDelta } from "../../billing/money.ts";
import { paint, table, type Io, type Tone } from "../../cli/io.ts";
import { visible } from "../../registry/issues.ts";
import type { Review, Verdict } from "../review.ts";
import { CHANGES } from "../resources.ts";
import { countsText, headline, registryChange, scope, sharedLines, tenantLines } from "./text.ts";

const TONES: Readonly<Record<Verdict, Tone>> = {
  blocked: "red",
  risk: "red",
  changes: "yellow",
  none: "green",
};

/** The review for a terminal, line by line. */
export function renderTerminal(review: Review, io: Pick<Io, "color">): string[] {
  const { verdict, problems, risks, tenants, cells, currency } = review;
  const title = (text: string): string[] => ["", paint(io, "bold", text)];
  const amount = (minor: number): string => (minor === 0 ? "-" : moneyDelta(minor, currency));
  const shared = cells.filter(({ resources }) => resources.length > 0);
  return [
    paint(io, TONES[verdict], headline(review)),
    scope(review, visible),
    ...(problems.length === 0 ? [] : title("problems")),
    ...problems.map(({ cell, message }) =>
      [cell === "" ? "" : `${visible(cell)}: `, message.split("\n").map(visible).join("\n")].join(""),
    ),
    ...(risks.length === 0 ? [] : title("data at risk")),
    ...risks.map((risk) => paint(io, "red", visible(riskLine(risk)))),
    ...(tenants.length === 0 ? [] : title("tenants")),
    ...(tenants.length === 0
      ? []
      : table([
          ["TENANT", "CHANGE", ...CHANGES.map((change) => change.toUpperCase()), "PRICE", "COST", "MARGIN"],
          ...tenants.map((tenant) => [
            visible(tenant.id),
            visible(registryChange(tenant)) || "other",
            ...CHANGES.map((change) => String(tenant.counts[change])),
            ...[tenant.delta.priceMinor, tenant.delta.costMinor, tenant.delta.marginMinor].map(amount),
          ]),
        ])),
    ...shared.flatMap((cell) => [
      ...title(`shared by the tenants of ${visible(cell.cell)}: ${countsText(cell.counts)}`),
      ...sharedLines(cell),
    ]),
    ...tenants.flatMap((tenant) => [
      ...title(`${visible(tenant.id)}: ${countsText(tenant.counts)}`),
      ...tenantLines(tenant),
    ]),
  ];
}

function riskLine({ cell, tenant, kind, subject, message, replacedFor }: Review["risks"][number]): string {
  const owner = tenant === null ? "" : ` of ${tenant}`;
  const place = cell === "" ? "" : ` in ${cell}`;
  const reason = replacedFor.length === 0 ? "" : ` (for a change of ${replacedFor.join(", ")})`;
  return `${kind}: ${subject}${owner}${place}: ${message}${reason}`;
}
