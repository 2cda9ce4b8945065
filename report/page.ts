import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { money, percent } from "../billing/money.ts";
import { DRILL_MAX_DAYS } from "../monitoring/rules.ts";
import { SECTIONS, type Source } from "./facts.ts";
import { html, Markup } from "./markup.ts";
import type { Distribution, Report, TenantReport } from "./report.ts";
import { ageOf, hoursBetween, sizeOf, spanOf } from "./spans.ts";

/** A file of ours, as it is. */
const asset = (name: string): Markup =>
  new Markup([readFileSync(join(import.meta.dirname, "assets", name), "utf8")], []);

/** Put together in one piece: the page's policy knows the script by its digest, to the last space. */
const inline = (tag: "script" | "style", content: Markup): Markup =>
  new Markup([`<${tag}>`, `</${tag}>`], [content]);

type Tone = "good" | "warn" | "bad" | "";
const badge = (tone: Tone, text: string): Markup => html`<span class="badge ${tone}">${text}</span>`;

/** The report as one page that loads nothing, for either colour scheme and for paper. */
export function renderPage(report: Report): string {
  const { generatedAt, commit } = report;
  const [style, script] = [asset("page.css"), asset("sort.js")];
  const sha256 = createHash("sha256").update(script.text).digest("base64");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${sha256}'`;
  const when = generatedAt.replace("T", " ").replace("Z", " UTC");
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>Tenants, ${when}</title>
        ${inline("style", style)}
      </head>
      <body>
        <header>
          <h1>Tenants</h1>
          <p class="soft">
            ${when}${commit === null ? "" : html` · commit <code>${commit.slice(0, 12)}</code>`}
          </p>
        </header>
        <main>
          ${cards(report)} ${attention(report)} ${distributions(report)} ${tenantTable(report)}
          ${protectionTable(report)} ${sourceTable(report)}
        </main>
        <footer>
          Made by <code>npx tenant report --html</code>. Money is by the month: prices of the catalogue, costs
          as it estimates them.
        </footer>
        ${inline("script", script)}
      </body>
    </html> `.text;
}

function cards({ totals, currency, attention: found }: Report): Markup {
  const { tenants, billable, mrrMinor, costMinor, marginMinor, marginBps } = totals;
  const critical = found.filter(({ severity }) => severity === "critical").length;
  const card = (name: string, value: string, more: string): Markup =>
    html`<div class="card">
      <dt>${name}</dt>
      <dd>${value}<small>${more}</small></dd>
    </div>`;
  return html`<dl class="cards">
    ${card("Tenants", String(tenants), `${billable} billable`)}
    ${card("Revenue a month", money(mrrMinor, currency), "due from billable tenants")}
    ${card("Cost a month", money(costMinor, currency), "estimated, of all that exist")}
    ${card("Margin", money(marginMinor, currency), marginBps === null ? "no revenue" : percent(marginBps))}
    ${card("Needs attention", String(found.length), `${critical} critical`)}
  </dl>`;
}

function attention({ attention: found }: Report): Markup {
  const items = found.map(
    ({ severity, tenant, message }) =>
      html`<li>
        ${badge(severity === "critical" ? "bad" : "warn", severity)}
        <span>${tenant === "" ? "" : html`<strong>${tenant}</strong> `}${message}</span>
      </li>`,
  );
  return html`<section aria-labelledby="attention">
    <h2 id="attention">Needs attention</h2>
    <div class="panel">
      ${
        found.length === 0
          ? html`<p class="calm">${badge("good", "nothing")} in what could be read.</p>`
          : html`<ul class="attention">
              ${items}
            </ul>`
      }
    </div>
  </section>`;
}

function distributions({ distributions: { plan, state, ring, version } }: Report): Markup {
  const chart = (name: string, distribution: Distribution): Markup => {
    const all = distribution.reduce((sum, { count }) => sum + count, 0);
    const rows = distribution.map(
      ({ value, count }) =>
        html`<tr>
          <th scope="row">${value}</th>
          <td class="bar">
            <meter
              min="0"
              max="${all}"
              value="${count}"
              aria-label="${`${value}: ${count} of ${all}`}"
            ></meter>
          </td>
          <td>${count}</td>
        </tr>`,
    );
    return html`<div class="panel">
      <table class="bars">
        <caption>
          ${name}
        </caption>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
  };
  return html`<section aria-labelledby="distribution">
    <h2 id="distribution">By plan, state, ring and version</h2>
    <div class="split">
      ${chart("Plan", plan)} ${chart("State", state)} ${chart("Ring", ring)} ${chart("Version", version)}
    </div>
  </section>`;
}

/** A column: its heading and how it shows a tenant; the key is what it is sorted by, empty where it is not known. */
interface Column {
  readonly title: string;
  readonly number?: boolean;
  readonly cell: (tenant: TenantReport) => Markup | string;
  readonly key?: (tenant: TenantReport) => string | number;
}

function table(
  id: string,
  title: string,
  caption: string,
  columns: readonly Column[],
  tenants: readonly TenantReport[],
): Markup {
  const classOf = ({ number = false }: Column): string => (number ? "number" : "");
  const heads = columns.map(
    (column) => html`<th scope="col" data-sort class="${classOf(column)}">${column.title}</th>`,
  );
  const rows = tenants.map(
    (tenant) =>
      html`<tr>
        <th scope="row" data-key="${tenant.id}">
          ${tenant.displayName}<small><code>${tenant.id}</code></small>
        </th>
        ${columns.map((column) => {
          const key = column.key === undefined ? "" : html`data-key="${column.key(tenant)}"`;
          return html`<td class="${classOf(column)}" ${key}>${column.cell(tenant)}</td>`;
        })}
      </tr>`,
  );
  return panel(
    id,
    title,
    caption,
    html`<th scope="col" data-sort>Tenant</th>
      ${heads}`,
    rows,
  );
}

/** A section with a table that scrolls by itself. */
const panel = (id: string, title: string, caption: string, heads: Markup, rows: readonly Markup[]): Markup =>
  html`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    <div class="panel scroll" role="group" aria-labelledby="${id}" tabindex="0">
      <table class="rows">
        <caption>
          ${caption}
        </caption>
        <thead>
          <tr>
            ${heads}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;

const STATE_TONES: Readonly<Record<string, Tone>> = {
  active: "good",
  past_due: "warn",
  suspended: "bad",
  offboarding: "warn",
};

function tenantTable({ tenants, currency }: Report): Markup {
  const due = (minor: number): string => (minor === 0 ? "-" : money(minor, currency));
  return table(
    "tenants",
    "Plans, releases and money",
    "What the registry says of each tenant. Press a heading to sort by it.",
    [
      {
        title: "Plan",
        cell: ({ plan, placement, move }) =>
          html`${plan}<small>${placement}${move === null ? "" : `, moves ${move}`}</small>`,
      },
      {
        title: "State",
        cell: ({ state, since }) =>
          html`${badge(STATE_TONES[state] ?? "", state)}<small>since ${since.slice(0, 10)}</small>`,
      },
      {
        title: "Ring",
        cell: ({ ring }) => (ring === null ? "-" : String(ring)),
        key: ({ ring }) => ring ?? "",
      },
      {
        title: "Version",
        cell: ({ version, pinned }) =>
          pinned ? html`${version ?? "-"}<small>pinned</small>` : (version ?? "-"),
      },
      {
        title: "Cell",
        cell: ({ cell, region }) => html`${cell === "" ? "any" : cell}<small>${region}</small>`,
      },
      {
        title: "Price",
        number: true,
        cell: ({ priceMinor }) => due(priceMinor),
        key: ({ priceMinor }) => priceMinor,
      },
      {
        title: "Cost",
        number: true,
        cell: ({ costMinor }) => due(costMinor),
        key: ({ costMinor }) => costMinor,
      },
      {
        title: "Margin",
        number: true,
        cell: ({ marginBps }) => (marginBps === null ? "-" : percent(marginBps)),
        key: ({ marginBps }) => marginBps ?? "",
      },
    ],
    tenants,
  );
}

const UNKNOWN = html`<span class="soft">unknown</span>`;
/** A fact that may be missing, or that nobody could look for. */
const fact = <T>(value: T | null | undefined, none: Markup | string, shown: (value: T) => Markup | string) =>
  value === undefined ? UNKNOWN : value === null ? none : shown(value);

function protectionTable({ tenants, generatedAt }: Report): Markup {
  const now = new Date(generatedAt);
  return table(
    "protection",
    "Protection and capacity",
    "What was measured; the sources below say where and when, and why something is unknown.",
    [
      {
        title: "Newest backup",
        cell: ({ backup, objective }) =>
          fact(backup, badge("bad", "none"), ({ at, bytes }) => {
            const fresh = hoursBetween(at, now) * 60 <= objective.backupMaxAgeMinutes;
            const age = `${ageOf(at, now)} ago`;
            return html`${badge(fresh ? "good" : "bad", fresh ? age : `late: ${age}`)}<small
                >${sizeOf(bytes)}</small
              >`;
          }),
        key: ({ backup }) => (backup === undefined || backup === null ? "" : Date.parse(backup.at)),
      },
      {
        title: "Restore drill",
        cell: ({ drill }) =>
          fact(drill, badge("warn", "none"), ({ at, seconds }) => {
            const stale = hoursBetween(at, now) > DRILL_MAX_DAYS * 24;
            return html`${badge(stale ? "warn" : "good", `${ageOf(at, now)} ago`)}<small
                >took ${spanOf(seconds)}</small
              >`;
          }),
        key: ({ drill }) => (drill === undefined || drill === null ? "" : Date.parse(drill.at)),
      },
      {
        title: "Certificate",
        cell: ({ certificates }) =>
          fact(certificates, "", (all) => {
            const [first] = soonest(all);
            if (first === undefined) return html`<span class="soft word">the platform's</span>`;
            if (first.endsAt === null) return badge("warn", "not issued");
            const days = Math.floor(-hoursBetween(first.endsAt, now) / 24);
            const tone = days <= 7 ? "bad" : days <= 21 ? "warn" : "good";
            return html`${badge(tone, days < 0 ? "ended" : `${days} d left`)}<small>${first.name}</small>`;
          }),
        key: ({ certificates = [] }) => {
          const end = soonest(certificates)[0]?.endsAt;
          return end === undefined || end === null ? "" : Date.parse(end);
        },
      },
      {
        title: "Fullest quota",
        cell: ({ quota }) =>
          fact(
            quota,
            "-",
            ({ resource, used, hard, share }) =>
              html`${badge(share > 0.9 ? "warn" : "", `${Math.round(share * 100)} %`)}<small
                  >${resource}: ${used} of ${hard}</small
                >`,
          ),
        key: ({ quota }) => quota?.share ?? "",
      },
      {
        title: "Drift",
        cell: ({ drifted }) =>
          fact(drifted, "", (count) => (count === 0 ? badge("good", "none") : badge("warn", String(count)))),
        key: ({ drifted }) => drifted ?? "",
      },
      {
        title: "Applied",
        cell: ({ applied, plan, state, version }) =>
          fact(applied, badge("warn", "not yet"), (was) =>
            was.plan === plan && was.state === state && was.release === version
              ? badge("good", "as registered")
              : html`${badge("warn", "waits for an up")}<small
                    >${was.plan}, ${was.state}, ${was.release}</small
                  >`,
          ),
      },
      {
        title: "Availability, p95",
        cell: ({ service, objective }) =>
          fact(
            service,
            html`<span class="soft">no requests</span>`,
            ({ availability, p95Ms }) =>
              html`${badge(availability >= objective.availability ? "good" : "bad", `${(availability * 100).toFixed(3)} %`)}<small
                  >${Math.round(p95Ms)} ms of ${objective.p95Ms}</small
                >`,
          ),
        key: ({ service }) => service?.availability ?? "",
      },
    ],
    tenants.filter(({ state }) => state !== "deleted"),
  );
}

/** The certificates, those first that are missing or end soonest. */
const soonest = (all: NonNullable<TenantReport["certificates"]>) =>
  all.toSorted(
    (a, b) => (a.endsAt === null ? 0 : Date.parse(a.endsAt)) - (b.endsAt === null ? 0 : Date.parse(b.endsAt)),
  );

/** What each section is called where its source is named. */
export const SECTION_NAMES: Readonly<Record<"registry" | (typeof SECTIONS)[number], string>> = {
  registry: "Plans, releases and money",
  applied: "What was applied",
  backups: "Backups",
  drills: "Restore drills",
  certificates: "Certificates",
  quotas: "Quotas",
  drift: "Drift",
  service: "Availability and p95, 30 days",
};

function sourceTable({ sources }: Report): Markup {
  const rows = (["registry", ...SECTIONS] as const).map((section) => {
    const source: Source = sources[section];
    return html`<tr>
      <th scope="row">${SECTION_NAMES[section]}</th>
      <td>${source.read ? badge("good", "read") : badge("", "unknown")}</td>
      <td>${source.from}</td>
      <td>${source.read ? source.at.replace("T", " ").replace("Z", " UTC") : source.why}</td>
    </tr>`;
  });
  return panel(
    "sources",
    "Sources",
    "Where each section is from and when it was read.",
    html`<th scope="col">Section</th>
      <th scope="col">Status</th>
      <th scope="col">From</th>
      <th scope="col">When, or why not</th>`,
    rows,
  );
}
