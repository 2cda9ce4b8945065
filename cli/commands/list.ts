import { Option, type Command } from "commander";
import { PLAN_NAMES } from "../../registry/catalogue.ts";
import { isLive, STATES } from "../../registry/lifecycle.ts";
import type { LoadedRegistry, RegisteredTenant } from "../../registry/load.ts";
import { platformHost } from "../../registry/naming.ts";
import { effectivePlan, moveOf, type MoveRecord } from "../../registry/placement.ts";
import { ringOf, servingVersion } from "../../registry/rollout.ts";
import { paint, table, type Io } from "../io.ts";
import { readsRegistry } from "../options.ts";
import { allTenants, openWorkspace, type RegistryOptions } from "../workspace.ts";

interface ListOptions extends RegistryOptions {
  readonly state?: string;
  readonly plan?: string;
  readonly json?: boolean;
  readonly ids?: boolean;
}

const HEAD = ["ID", "PLAN", "STATE", "SINCE", "RING", "VERSION", "HOST"];

export function registerList(program: Command, io: Io): void {
  const command = program
    .command("list")
    .summary("list the tenants")
    .description("Lists the tenants in the order of the registry. * marks a pinned version.")
    .addOption(new Option("--state <state>", "only those in this state").choices(STATES))
    .addOption(new Option("--plan <plan>", "only those with this plan").choices(PLAN_NAMES))
    .addOption(new Option("--ids", "ids alone, one a line").conflicts("json"))
    .option("--json", "as JSON");
  readsRegistry(command).action((options: ListOptions) => {
    const { registry } = openWorkspace(io, options);
    const rows = allTenants(registry)
      .filter(({ entry }) => options.state === undefined || entry.state === options.state)
      .filter(({ entry }) => options.plan === undefined || effectivePlan(entry) === options.plan)
      .map((tenant) => rowOf(tenant, registry));
    if (options.json === true) io.out(JSON.stringify(rows, undefined, 2));
    else if (options.ids === true)
      rows.forEach(({ id }) => {
        io.out(id);
      });
    else if (rows.length === 0) io.err("no tenant is like that");
    else printRows(io, rows);
  });
}

/** A tenant on one line; what a tombstone no longer has is null. */
interface Row {
  readonly id: string;
  readonly displayName: string;
  /** The plan that serves it. */
  readonly plan: string;
  /** The move that is under way; null without. */
  readonly move: MoveRecord | null;
  readonly state: string;
  readonly since: string;
  readonly ring: number | null;
  readonly version: string | null;
  readonly pinned: boolean;
  readonly host: string;
  readonly place: string;
}

function rowOf(tenant: RegisteredTenant, registry: LoadedRegistry): Row {
  const { entry, place } = tenant;
  const { defaults, context } = registry;
  const { id, displayName = id, state, since } = entry;
  const plan = effectivePlan(entry);
  const lives = isLive(state);
  const host = platformHost(id, context.baseDomain);
  const { version } = servingVersion(entry, registry);
  return {
    ...{ id, displayName, plan, state, since, host, place },
    ring: lives ? ringOf(entry, defaults) : null,
    version: lives ? version : null,
    pinned: entry.pin !== undefined,
    move: moveOf(entry) ?? null,
  };
}

function printRows(io: Io, rows: readonly Row[]): void {
  const lines = table([
    HEAD,
    ...rows.map(({ id, plan, move, state, since, ring, version, pinned, host }) => [
      ...[id, move === null ? plan : `${move.from} → ${move.to}: ${move.phase}`, state, since.slice(0, 10)],
      ring === null ? "-" : String(ring),
      version === null ? "-" : `${version}${pinned ? "*" : ""}`,
      host,
    ]),
  ]);
  lines.forEach((line, index) => {
    const state = rows[index - 1]?.state;
    if (index === 0) io.out(paint(io, "bold", line));
    else io.out(state === "suspended" || state === "past_due" ? paint(io, "yellow", line) : line);
  });
}
