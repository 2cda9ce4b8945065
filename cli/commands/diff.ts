import type { Command } from "commander";
import { formatIssue, type Issue } from "../../registry/issues.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { forbiddenChanges } from "../../registry/transitions.ts";
import { registryAt } from "../base.ts";
import { Silent } from "../failures.ts";
import { mergeBase, type MergeBase } from "../git.ts";
import { paint, type Io } from "../io.ts";
import { readsRegistry } from "../options.ts";
import { showValue } from "../showValue.ts";
import { tenantChanges, type TenantChange } from "../tenantDiff.ts";
import { allTenants, openWorkspace, type RegistryOptions } from "../workspace.ts";

interface DiffOptions extends RegistryOptions {
  readonly ref?: string;
  readonly json?: boolean;
}

export function registerDiff(program: Command, io: Io): void {
  const command = program
    .command("diff")
    .summary("show what changes for each tenant since a Git revision")
    .description(
      "Compares the registry with the merge base of HEAD and a revision: what changes for each tenant, and which steps are forbidden. Exits with 1 if any is.",
    )
    .option("--ref <revision>", "the revision to merge into (default: origin/main, else HEAD)")
    .option("--json", "as JSON");
  readsRegistry(command).action((options: DiffOptions) => {
    const workspace = openWorkspace(io, options);
    const base = mergeBase(io.projectDir, options.ref);
    const before = registryAt(io, workspace.context, base);
    const changes = tenantChanges(before, workspace.registry);
    const forbidden = before === undefined ? [] : forbiddenChanges(before, workspace.registry);
    if (options.json === true) io.out(JSON.stringify({ base, changes, forbidden }, undefined, 2));
    else print(io, workspace.registry, base, changes, forbidden);
    if (forbidden.length > 0) throw new Silent();
  });
}

function print(
  io: Io,
  registry: LoadedRegistry,
  { ref, commit }: MergeBase,
  changes: readonly TenantChange[],
  forbidden: readonly Issue[],
): void {
  const where = `${commit.slice(0, 12)}, the merge base with ${ref}`;
  io.out(changes.length === 0 ? `no tenant changes since ${where}` : paint(io, "bold", `since ${where}:`));
  const entries = new Map(allTenants(registry).map(({ entry }) => [entry.id, entry]));
  for (const { id, change, fields } of changes) {
    switch (change) {
      case "added": {
        const entry = entries.get(id);
        io.out(paint(io, "green", `+ ${id}: ${entry?.plan ?? ""}, ${entry?.state ?? ""}`));
        break;
      }
      case "removed":
        io.out(paint(io, "red", `- ${id}`));
        break;
      case "changed":
        io.out(paint(io, "yellow", `~ ${id}`));
        for (const { path, from, to } of fields)
          io.out(`    ${path}: ${showValue(path, from)} → ${showValue(path, to)}`);
        break;
      default:
        change satisfies never;
    }
  }
  if (forbidden.length === 0) return;
  io.out(paint(io, "red", "forbidden:"));
  for (const issue of forbidden) io.out(`  ${formatIssue(issue)}`);
}
