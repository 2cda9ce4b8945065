import { Option, type Command } from "commander";
import {
  EXPORTS,
  GRACE_DAYS,
  OFFBOARDING_REASONS,
  SUSPENSION_MODES,
  SUSPENSION_REASONS,
  type TenantState,
} from "../../registry/lifecycle.ts";
import { editTenant, makeChange, type WriteOptions } from "../change.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { present, since, utcTime, writesRegistry } from "../options.ts";
import { openWorkspace, tenantOf } from "../workspace.ts";
import type { Plain } from "../yaml/render.ts";

/** The blocks that belong to some states alone; a change of state drops those of others. */
const STATE_BLOCKS = ["trial", "suspension", "offboarding"] as const;

interface StateOptions extends WriteOptions {
  readonly since?: string;
}

interface SuspendOptions extends StateOptions {
  readonly reason: string;
  readonly mode?: string;
}

interface OffboardOptions extends StateOptions {
  readonly reason: string;
  readonly export: string;
  readonly purgeAfter?: string;
}

/** A step of a tenant's life. */
interface Step {
  readonly id: string;
  readonly state: TenantState;
  readonly since: string;
  readonly block?: { readonly name: (typeof STATE_BLOCKS)[number]; readonly value: Plain };
  readonly summary: string;
  readonly danger?: string;
}

export function registerSuspend(program: Command, io: Io): void {
  const command = program
    .command("suspend <id>")
    .summary("stop a tenant and keep its data")
    .description(
      "Suspends a tenant: no pods run, its hosts answer with a maintenance response; data and backups stay.",
    )
    .addOption(new Option("--reason <reason>", "why").choices(SUSPENSION_REASONS).makeOptionMandatory())
    .addOption(
      new Option("--mode <mode>", "what its hosts answer: 503 or 402 (default: maintenance)").choices(
        SUSPENSION_MODES,
      ),
    )
    .addOption(since("the suspension begins"));
  writesRegistry(command).action(async (id: string, options: SuspendOptions) => {
    const { reason, mode, since: from = present(io) } = options;
    await takeStep(io, options, {
      id,
      state: "suspended",
      since: from,
      block: { name: "suspension", value: { reason, ...(mode !== undefined && { mode }) } },
      summary: `${id} is suspended (${reason}) from ${from} on: nobody is served, data and backups stay`,
      danger: `Suspend ${id}?`,
    });
  });
}

export function registerResume(program: Command, io: Io): void {
  const command = program
    .command("resume <id>")
    .summary("serve a suspended or leaving tenant again")
    .description("Makes a tenant active again that is suspended, past_due, offboarding or archived.")
    .addOption(since("the tenant is active again"));
  writesRegistry(command).action(async (id: string, options: StateOptions) => {
    const { since: from = present(io) } = options;
    await takeStep(io, options, {
      id,
      state: "active",
      since: from,
      summary: `${id} is active from ${from} on`,
    });
  });
}

export function registerOffboard(program: Command, io: Io): void {
  const command = program
    .command("offboard <id>")
    .summary("begin the end of a tenant")
    .description(
      "Begins to offboard a tenant: it is stopped, backed up for the last time, and kept until --purge-after.",
    )
    .addOption(new Option("--reason <reason>", "why").choices(OFFBOARDING_REASONS).makeOptionMandatory())
    .addOption(
      new Option("--export <kind>", "whether the customer gets the data").choices(EXPORTS).default("return"),
    )
    .addOption(
      new Option(
        "--purge-after <time>",
        `keep the data until then, a day or a UTC time (default: ${GRACE_DAYS} days after --since, the least)`,
      ).argParser(utcTime),
    )
    .addOption(since("offboarding begins"));
  writesRegistry(command).action(async (id: string, options: OffboardOptions) => {
    const { reason, since: from = present(io) } = options;
    const purgeAfter = options.purgeAfter ?? afterGrace(from);
    await takeStep(io, options, {
      id,
      state: "offboarding",
      since: from,
      block: { name: "offboarding", value: { reason, purgeAfter, export: options.export } },
      summary: `${id} leaves (${reason}) from ${from} on: nobody is served, data is kept until ${purgeAfter}`,
      danger: `Offboard ${id}?`,
    });
  });
}

async function takeStep(io: Io, options: StateOptions, step: Step): Promise<void> {
  const { id, state, block, summary, danger } = step;
  const workspace = openWorkspace(io, options);
  const tenant = tenantOf(workspace.registry, id);
  if (tenant.entry.state === state)
    throw new Refusal(`${id} is ${state} already, since ${tenant.entry.since}`);
  const edited = editTenant(workspace, tenant, (entry) => {
    entry.set(["state"], state);
    entry.set(["since"], step.since);
    for (const name of STATE_BLOCKS) if (name !== block?.name) entry.remove([name]);
    if (block !== undefined) entry.set([block.name], block.value);
  });
  await makeChange(io, workspace, { ...edited, summary, danger }, options);
}

/** The earliest purge; a time that is none is left to the schema to refuse. */
function afterGrace(from: string): string {
  const start = Date.parse(from);
  if (Number.isNaN(start)) return from;
  return new Date(start + GRACE_DAYS * 86_400_000).toISOString().replace(/\.\d+Z$/, "Z");
}
