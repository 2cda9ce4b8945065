import { Argument, type Command } from "commander";
import { PLAN_NAMES, type Catalogue, type PlanName } from "../../registry/catalogue.ts";
import { planChange, planMargin } from "../../registry/margins.ts";
import { formatBytes } from "../../registry/quantities.ts";
import type { RegisteredTenant } from "../../registry/load.ts";
import { effectivePlan } from "../../registry/placement.ts";
import { volumeBytes } from "../../registry/resolve.ts";
import type { TenantEntry } from "../../registry/tenantSchema.ts";
import { editTenant, makeChange, type WriteOptions } from "../change.ts";
import { Refusal, UsageError } from "../failures.ts";
import { table, type Io } from "../io.ts";
import { money, moneyDelta, percent } from "../../billing/money.ts";
import { present, since, writesRegistry } from "../options.ts";
import { openWorkspace, tenantOf, type Workspace } from "../workspace.ts";

interface PlanOptions extends WriteOptions {
  readonly since?: string;
}

export function registerPlan(program: Command, io: Io): void {
  const command = program
    .command("plan")
    .summary("change a tenant's plan; tells price, cost and margin")
    .description(
      "Changes a tenant's plan and tells what that does to price, cost and margin a month. A plan with another placement begins a move: see `tenant move`.",
    )
    .argument("<id>")
    .addArgument(new Argument("<plan>").choices(PLAN_NAMES))
    .addOption(since("the plan takes effect"));
  writesRegistry(command).action(async (id: string, plan: PlanName, options: PlanOptions) => {
    const workspace = openWorkspace(io, options);
    const { catalogue } = workspace.registry;
    const tenant = tenantOf(workspace.registry, id);
    const { entry } = tenant;
    if (entry.plan === plan) throw new Refusal(`${id} has the plan ${plan} already, since ${entry.since}`);
    if (catalogue.plans[plan].placement !== catalogue.plans[effectivePlan(entry)].placement) {
      await beginMove(io, workspace, tenant, plan, options);
      return;
    }
    const from = options.since ?? present(io);
    const kept = keptVolume(entry, plan, catalogue);
    const edited = editTenant(workspace, tenant, (editor) => {
      editor.set(["plan"], plan);
      editor.set(["since"], from);
      if (kept !== undefined) editor.set(["uploadsVolume"], formatBytes(kept));
      else editor.remove(["uploadsVolume"]);
    });
    const isDowngrade = PLAN_NAMES.indexOf(plan) < PLAN_NAMES.indexOf(entry.plan);
    const change = {
      ...edited,
      summary: `${id} changes from ${entry.plan} to ${plan} from ${from} on; a month:`,
      details: () => [
        ...effects(entry.plan, plan, catalogue),
        ...(kept === undefined
          ? []
          : [`the uploads volume stays at ${formatBytes(kept)}: a volume never shrinks`]),
      ],
      danger: isDowngrade ? `Lower ${id} to ${plan}?` : undefined,
    };
    await makeChange(io, workspace, change, options);
  });
}

/** A plan with another placement: the data moves, step by step, and the plan takes effect when it has. */
async function beginMove(
  io: Io,
  workspace: Workspace,
  tenant: RegisteredTenant,
  plan: PlanName,
  options: PlanOptions,
): Promise<void> {
  const { id, plan: from, migration } = tenant.entry;
  const { catalogue } = workspace.registry;
  const [source, target] = [catalogue.plans[from].placement, catalogue.plans[plan].placement];
  if (migration !== undefined)
    throw new Refusal(`${id} moves to ${from} already; \`npx tenant move ${id} back\` takes that back`);
  if (options.since !== undefined)
    throw new UsageError(
      `${plan} has another placement, so it takes effect at cutover: \`npx tenant move ${id} cutover --since …\``,
    );
  const edited = editTenant(workspace, tenant, (editor) => {
    editor.set(["plan"], plan);
    editor.set(["migration"], { kind: "placement", from, phase: "prepare" });
  });
  const change = {
    ...edited,
    summary: `${id} begins to move from ${from} (${source}) to ${plan} (${target}), and is served and billed as ${from} until its cutover; a month:`,
    details: () => [
      ...effects(from, plan, catalogue),
      `after \`pulumi up\`: npx tenant move ${id} sync (docs/runbooks/move-a-tenant.md)`,
    ],
  };
  await makeChange(io, workspace, change, options);
}

/** What the change does a month. */
function effects(from: PlanName, to: PlanName, { plans, currency }: Catalogue): string[] {
  const [before, after] = [plans[from], plans[to]];
  const delta = planChange(before, after);
  const [old, next] = [planMargin(before), planMargin(after)];
  const row = (name: string, was: number, is: number, change: number, note = ""): string[] => [
    name,
    `${money(was, currency)} → ${money(is, currency)}`,
    moneyDelta(change, currency),
    note,
  ];
  return table([
    row("price", before.priceMinor, after.priceMinor, delta.priceMinor),
    row("cost", before.cost.totalMinor, after.cost.totalMinor, delta.costMinor),
    row(
      "margin",
      old.marginMinor,
      next.marginMinor,
      delta.marginMinor,
      `${percent(old.marginBps)} → ${percent(next.marginBps)}`,
    ),
  ]);
}

/** Size of the tenant's uploads volume where the other plan would give a smaller one; undefined elsewhere. */
function keptVolume(entry: TenantEntry, target: PlanName, { plans }: Catalogue): number | undefined {
  const present = volumeBytes(entry, plans[entry.plan]);
  const given = volumeBytes({ overrides: entry.overrides }, plans[target]);
  return present > given ? present : undefined;
}
