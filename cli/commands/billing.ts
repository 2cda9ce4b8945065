import { readFileSync } from "node:fs";
import { Option, type Command } from "commander";
import { billingEvents, type BillingEvent } from "../../billing/events.ts";
import { readExport } from "../../billing/export.ts";
import { mergeBilling, type MergedBilling, type Source } from "../../billing/merge.ts";
import { reconcile } from "../../billing/reconcile.ts";
import { vendorRequest, VENDORS, type Vendor } from "../../billing/vendors.ts";
import { formatIssue, type Issue } from "../../registry/issues.ts";
import { Refusal, Silent, UsageError } from "../failures.ts";
import { paint, table, type Io } from "../io.ts";
import { pulumi } from "../pulumi.ts";
import { money, percent } from "../../billing/money.ts";

interface SourceOptions {
  readonly stack?: readonly string[];
  readonly json?: boolean;
}
interface BillingOptions extends SourceOptions {
  readonly since?: readonly string[];
  readonly for?: Vendor;
}

export function registerBilling(program: Command, io: Io): void {
  const command = program
    .command("billing")
    .summary("what the tenants of all cells bring and cost, and what changed")
    .description(
      "Merges the stack output `billing` of one or more cells, checks it and prints revenue, cost and margin a month; with --since the events that lead there from earlier outputs.",
    );
  readsOutputs(command)
    .option("--since <output...>", "earlier outputs: print the events since then")
    .addOption(
      new Option("--for <vendor>", "print the events as requests to a billing system; an example").choices(
        VENDORS,
      ),
    )
    .action(async (files: readonly string[], options: BillingOptions) => {
      const after = merged(await sources(io, files, options));
      if (options.since === undefined) {
        if (options.for !== undefined)
          throw new UsageError("--for maps events: name earlier outputs by --since");
        printBilling(io, after, options);
      } else printEvents(io, merged(options.since.map(fileSource)), after, options);
    });
  readsOutputs(
    command
      .command("reconcile")
      .summary("compare what is due with what a billing system charges")
      .description(
        "Lists double charges, silent zeros (due, but nothing charged), orphans (charged, but not due) and wrong amounts. The export is CSV with a header, or JSON: subscription, customer, tenant, status, amount_minor, currency. Exits with 1 if it finds any.",
      )
      .argument("<export>", "the billing system's subscriptions"),
  ).action(async (file: string, files: readonly string[], _: SourceOptions, self: Command) => {
    // Options that the parent has as well are the parent's to commander.
    const options = self.optsWithGlobals<SourceOptions>();
    printFindings(io, file, merged(await sources(io, files, options)), options);
  });
}

const readsOutputs = (command: Command): Command =>
  command
    .argument("[output...]", "files with `pulumi stack output billing --json`, one a cell")
    .option("--stack <name...>", "read the output of these stacks instead")
    .option("--json", "as JSON");

async function sources(io: Io, files: readonly string[], { stack = [] }: SourceOptions): Promise<Source[]> {
  if (files.length + stack.length === 0) throw new UsageError("name files with the output, or --stack");
  return [...files.map(fileSource), ...(await Promise.all(stack.map((name) => stackSource(io, name))))];
}

const fileSource = (name: string): Source => ({ name, value: parsed(name, textOf(name)) });

function textOf(name: string): string {
  try {
    return readFileSync(name, "utf8");
  } catch (error) {
    throw new UsageError(`${name} cannot be read (${String((error as NodeJS.ErrnoException).code)})`);
  }
}

async function stackSource({ projectDir: cwd, env }: Io, stack: string): Promise<Source> {
  const name = `stack ${stack}`;
  return {
    name,
    value: parsed(name, await pulumi({ cwd, env, stack }, ["stack", "output", "billing", "--json"])),
  };
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(`${name} is no JSON; give the output of \`pulumi stack output billing --json\``);
  }
}

function merged(all: readonly Source[]): MergedBilling {
  const checked = mergeBilling(all);
  if (checked.ok) return checked.value;
  throw refused(checked.issues);
}

const refused = (issues: readonly Issue[]): Refusal => new Refusal(issues.map(formatIssue).join("\n"));

function printBilling(io: Io, { tenants, totals, currency }: MergedBilling, { json }: SourceOptions): void {
  if (json === true) {
    io.out(JSON.stringify({ currency, totals, tenants: Object.fromEntries(tenants) }, undefined, 2));
    return;
  }
  const rows = [...tenants.values()].map(
    ({ tenantId, cell, plan, state, billable, priceMinor, estimatedCostMinor, grossMarginBps }) => [
      ...[tenantId, cell, plan, state],
      billable ? money(priceMinor, currency) : "-",
      money(estimatedCostMinor, currency),
      billable ? percent(grossMarginBps) : "-",
    ],
  );
  const [head = "", ...lines] = table([
    ["TENANT", "CELL", "PLAN", "STATE", "PRICE", "COST", "MARGIN"],
    ...rows,
  ]);
  io.out(paint(io, "bold", head));
  for (const line of lines) io.out(line);
  const { mrrMinor, estimatedCostMinor, billableCount } = totals;
  const margin = mrrMinor - estimatedCostMinor;
  const share = mrrMinor === 0 ? "" : ` (${percent(Math.round((margin * 10_000) / mrrMinor))})`;
  io.out("");
  io.out(
    `${billableCount} billable: ${money(mrrMinor, currency)} a month, estimated cost ${money(estimatedCostMinor, currency)}, margin ${money(margin, currency)}${share}`,
  );
}

function printEvents(io: Io, before: MergedBilling, after: MergedBilling, options: BillingOptions): void {
  const { events, missing } = billingEvents(before, after);
  const vendor = options.for;
  if (vendor !== undefined)
    io.out(
      JSON.stringify(
        events.map((event) => vendorRequest(vendor, event)),
        undefined,
        2,
      ),
    );
  else if (options.json === true) io.out(JSON.stringify(events, undefined, 2));
  else if (events.length === 0) io.out("nothing changes for the billing system");
  else for (const line of table(events.map(eventRow))) io.out(line);
  if (missing.length === 0) return;
  throw new Refusal(
    `${missing.join(", ")}: in the earlier outputs only; was a cell left out? Tombstones stay.`,
  );
}

function eventRow({
  type,
  tenantId,
  effectiveAt,
  plan,
  priceMinor,
  previous,
  currency,
}: BillingEvent): string[] {
  const from = previous === null ? "" : `${previous.plan} ${money(previous.priceMinor, currency)} → `;
  return [type, tenantId, effectiveAt, `${from}${plan} ${money(priceMinor, currency)}`];
}

function printFindings(io: Io, file: string, due: MergedBilling, { json }: SourceOptions): void {
  const exported = readExport(textOf(file), file);
  if (!exported.ok) throw refused(exported.issues);
  const findings = reconcile(due, exported.value);
  if (json === true) io.out(JSON.stringify(findings, undefined, 2));
  else if (findings.length === 0) io.out(`${exported.value.length} subscriptions charge what is due`);
  else
    for (const line of table(
      findings.map(({ kind, tenant, subscriptions, message }) => [
        kind.replace("_", " "),
        tenant === "" ? "-" : tenant,
        subscriptions.length === 0 ? "-" : subscriptions.join(", "),
        message,
      ]),
    ))
      io.out(line);
  if (findings.length > 0) throw new Silent();
}
