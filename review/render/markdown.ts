import { money, moneyDelta } from "../../billing/money.ts";
import { visible } from "../../registry/issues.ts";
import type { CellReview, Review, TenantReview } from "../review.ts";
import { CHANGES } from "../resources.ts";
import { fit, type Section } from "./fit.ts";
import { countsText, headline, registryChange, scope, sharedLines, tenantLines } from "./text.ts";

/** The most that GitHub takes as a comment, and as a job's summary. */
export const COMMENT_LIMIT = 65_536;
export const SUMMARY_LIMIT = 2 ** 20;

/** Invisible first line by which a workflow finds the comment that it keeps up to date. */
export const MARKER = "<!-- tenant-review -->";

const MAX_PROBLEM = 4_000;

/**
 * The review as GitHub's Markdown. Whatever comes from the registry, a resource or the engine stands in code, where
 * it is neither markup nor a mention.
 * @param limit size in bytes
 * @param elsewhere where the rest is, e.g. "the job's summary"; empty where there is none
 */
export function renderMarkdown(
  review: Review,
  limit: number,
  elsewhere = "",
): { readonly text: string; readonly isWhole: boolean } {
  const { problems, risks, tenants, cells, delta, currency } = review;
  const rest =
    (what: string) =>
    (left: number): string =>
      `\n… and ${left} more ${what}${elsewhere === "" ? "" : `: see ${elsewhere}`}.\n`;
  const section = (title: string, items: readonly string[], what: string): Section[] =>
    items.length === 0 ? [] : [{ head: `\n#### ${title}\n\n`, items, foot: "", rest: rest(what) }];

  const sums = `Monthly: price ${moneyDelta(delta.priceMinor, currency)}, cost ${moneyDelta(delta.costMinor, currency)}, margin ${moneyDelta(delta.marginMinor, currency)}.`;
  const shared = cells.filter(({ resources }) => resources.length > 0);
  return fit(
    [
      {
        head: `${MARKER}\n### ${headline(review)}\n\n${scope(review, code)} ${sums}\n`,
        items: [],
        foot: "",
        rest: () => "",
      },
      ...section("Problems", problems.map(problem), "problems"),
      ...section("Data at risk", risks.map(riskItem), "findings"),
      ...(tenants.length === 0
        ? []
        : [
            {
              head: `\n#### Tenants\n\n${row(HEAD)}${row(HEAD.map((_, column) => (column < 2 ? "---" : "--:")))}`,
              items: tenants.map((tenant) => tenantRow(tenant, currency)),
              foot: "",
              rest: rest("tenants"),
            },
          ]),
      ...section("Shared by the tenants of a cell", shared.map(cellDetails), "cells"),
      ...section("Details", tenants.map(tenantDetails), "tenants"),
    ],
    limit,
  );
}

const HEAD = ["tenant", "change", ...CHANGES, "price", "cost", "margin"];
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;

function tenantRow(tenant: TenantReview, currency: string): string {
  const { id, counts, before, after, delta } = tenant;
  const change = registryChange(tenant);
  const amount = (key: "priceMinor" | "costMinor" | "marginMinor"): string => {
    const now = after?.[key] ?? before?.[key] ?? 0;
    return delta[key] === 0 ? money(now, currency) : `**${moneyDelta(delta[key], currency)}**`;
  };
  return row([
    code(id),
    change === "" ? "other" : code(change),
    ...CHANGES.map((kind) => String(counts[kind])),
    amount("priceMinor"),
    amount("costMinor"),
    amount("marginMinor"),
  ]);
}

function riskItem({ cell, tenant, kind, subject, message, replacedFor }: Review["risks"][number]): string {
  const owner = tenant === null ? "all tenants" : code(tenant);
  const place = cell === "" ? "" : ` in ${code(cell)}`;
  const reason = replacedFor.length === 0 ? "" : ` (for a change of ${replacedFor.map(code).join(", ")})`;
  return `- **${kind}**: ${code(subject)} of ${owner}${place}: ${message}${reason}\n`;
}

const problem = ({ cell, message }: Review["problems"][number]): string =>
  `${cell === "" ? "The registry" : code(cell)}:\n${fenced(message.split("\n").map(visible).join("\n").slice(0, MAX_PROBLEM))}\n`;

const tenantDetails = (tenant: TenantReview): string =>
  folded(`<code>${html(tenant.id)}</code>: ${countsText(tenant.counts)}`, tenantLines(tenant));

const cellDetails = (cell: CellReview): string =>
  folded(`<code>${html(cell.cell)}</code>: ${countsText(cell.counts)}`, sharedLines(cell));

const folded = (summary: string, lines: readonly string[]): string =>
  `<details><summary>${summary}</summary>\n\n${fenced(lines.join("\n"))}\n</details>\n\n`;

/** A block of code whose fence is longer than any run of backticks in it. */
export function fenced(text: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}text\n${text}\n${fence}\n`;
}

/** A span of code for running text and tables, on one line. */
function code(text: string): string {
  const plain = visible(text);
  const fence = "`".repeat(longestRun(plain) + 1);
  const pad = /^`|`$/.test(plain) ? " " : "";
  // A table splits at bars before it looks for code.
  return `${fence}${pad}${plain.replaceAll("|", String.raw`\|`)}${pad}${fence}`;
}

const longestRun = (text: string): number =>
  Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));

const html = (text: string): string =>
  visible(text).replaceAll(/[<>&"'`]/g, (c) => `&#${c.codePointAt(0) ?? 0};`);
