import { writeFileSync } from "node:fs";
import { Option, type Command } from "commander";
import { buildBilling } from "../../billing/build.ts";
import type { Report } from "../../report/report.ts";
import { buildReport } from "../../report/report.ts";
import { renderPage } from "../../report/page.ts";
import { renderTerminal } from "../../report/terminal.ts";
import { UsageError } from "../failures.ts";
import { headCommit } from "../git.ts";
import type { Io } from "../io.ts";
import { readsRegistry } from "../options.ts";
import { collect, type Places } from "../report/collect.ts";
import { Prometheus } from "../report/prometheus.ts";
import { readSla, renderSla } from "../report/sla.ts";
import { completeStacks, stackOf } from "../stack.ts";
import { allTenants, openWorkspace, tenantOf, type RegistryOptions, type Workspace } from "../workspace.ts";

/** Where facts beyond the registry are read. */
export interface PlacesOptions extends RegistryOptions {
  readonly offline?: boolean;
  readonly drift?: readonly string[];
  readonly prometheus?: string;
}

interface ReportOptions extends PlacesOptions {
  readonly html?: string | true;
  readonly json?: boolean;
  readonly sla?: string;
  readonly month?: string;
}

/** Where the page goes unless a file is named. */
const PAGE = "report.html";

export function registerReport(program: Command, io: Io): void {
  const command = program
    .command("report")
    .summary("tell how all tenants are, or how one was served in a month")
    .description(
      "Tells of all tenants: plans, states, releases, money, backups, drills, certificates, quotas, drift and what needs attention. The registry is always read; stack outputs, cluster and bucket as far as they answer, and each section says where it is from or why it is unknown. With --sla it asks Prometheus how one tenant was served in a month.",
    )
    .option("--html [file]", `as one page that loads nothing, into a file (default: ${PAGE})`)
    .addOption(new Option("--json", "as JSON").conflicts("html"))
    .addOption(new Option("--sla <id>", "the service level of one tenant").conflicts("html"))
    .option("--month <month>", "the month of --sla, as 2026-10");
  readsPlaces(readsRegistry(command)).action(async (options: ReportOptions) => {
    const workspace = openWorkspace(io, options);
    if (options.sla !== undefined) {
      await printSla(io, workspace, options, options.sla);
      return;
    }
    if (options.month !== undefined) throw new UsageError("--month is for --sla");
    const report = await readReport(io, workspace, options);
    if (options.json === true) io.out(JSON.stringify(report, undefined, 2));
    else if (options.html !== undefined) {
      const file = options.html === true ? PAGE : options.html;
      writeFileSync(file, renderPage(report));
      io.out(file);
    } else for (const line of renderTerminal(report, io)) io.out(line);
  });
}

export const readsPlaces = (command: Command): Command =>
  command
    .option("--offline", "the registry alone: ask nobody else")
    .option("--drift <file...>", "output of `pulumi refresh --preview-only --json`, one file a cell")
    .option("--prometheus <url>", "where Prometheus answers; a token in PROMETHEUS_TOKEN is sent");

/** The report of the checkout and of what answers. */
export async function readReport(io: Io, { registry }: Workspace, options: PlacesOptions): Promise<Report> {
  const facts = await collect(io, registry, placesOf(io, options));
  const { tenants } = buildBilling({ ...registry, entries: allTenants(registry) }, "");
  return buildReport({ registry, billing: tenants, facts, now: io.now(), commit: headCommit(io.projectDir) });
}

/** The places that the options name. */
export function placesOf(io: Io, { offline, stack, drift = [], prometheus }: PlacesOptions): Places {
  if (offline === true) return { stacks: [], noStacks: "--offline", drift, prometheus: undefined };
  const stacks = stack === undefined ? completeStacks(io) : [stackOf(io, stack, undefined)];
  return { stacks, noStacks: "no Pulumi.<stack>.yaml is complete", drift, prometheus };
}

async function printSla(
  io: Io,
  { registry }: Workspace,
  { month, prometheus, json }: ReportOptions,
  id: string,
): Promise<void> {
  if (month === undefined || prometheus === undefined)
    throw new UsageError("--sla needs --month, as 2026-10, and --prometheus <url>");
  const { entry } = tenantOf(registry, id);
  const { availability, p95Ms } = registry.catalogue.plans[entry.plan].slo;
  const subject = { tenant: id, plan: entry.plan, objective: { availability, p95Ms } };
  const report = await readSla(new Prometheus(prometheus, io.env), subject, month, io.now());
  if (json === true) io.out(JSON.stringify(report, undefined, 2));
  else for (const line of renderSla(report, io)) io.out(line);
}
