import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { checkCellConfig } from "../../components/cell/config.ts";
import { CELL_SIZE } from "../../registry/cells.ts";
import { formatIssues } from "../../registry/issues.ts";
import type { LoadedRegistry, RegisteredTenant } from "../../registry/load.ts";
import { isProvisioned } from "../../registry/lifecycle.ts";
import { regionOf } from "../../registry/resolve.ts";
import { replaceFile } from "../atomicWrite.ts";
import { newStack } from "../cells/newStack.ts";
import { cellPlaces, roomFor, taken, unassignedIn, type CellPlaces } from "../cells/places.ts";
import { readStacks } from "../cells/stacks.ts";
import { editTenants, makeChange, type WriteOptions } from "../change.ts";
import { Refusal, UsageError } from "../failures.ts";
import { paint, table, type Io } from "../io.ts";
import { readsRegistry, writesRegistry } from "../options.ts";
import { openWorkspace, type RegistryOptions } from "../workspace.ts";

interface ListOptions extends RegistryOptions {
  readonly json?: boolean;
}
interface PlanOptions extends ListOptions {
  readonly tenants: number;
  readonly region?: string;
}
interface FillOptions extends WriteOptions {
  readonly cell?: string;
}
interface AddOptions {
  readonly from: string;
  readonly stack?: string;
  readonly qualifier?: string;
  readonly dryRun?: boolean;
}

export function registerCells(program: Command, io: Io): void {
  const command = program
    .command("cells")
    .summary("list the cells and their free places; add one, assign tenants")
    .description(
      `Lists the cells: how many tenants each has, how many more it should get (up to ${CELL_SIZE.preferred}), and how many it may have (\`warehouse:maxTenants\`). Tombstones do not count.`,
    )
    .option("--json", "as JSON");
  readsRegistry(command).action((options: ListOptions) => {
    const { registry } = openWorkspace(io, options);
    list(io, registry, placesOf(io, registry), options);
  });
  registerCellsPlan(command, io);
  registerCellsFill(command, io);
  registerCellsAdd(command, io);
}

const placesOf = (io: Io, registry: LoadedRegistry): readonly CellPlaces[] =>
  cellPlaces(readStacks(io).stacks, registry);

function list(io: Io, registry: LoadedRegistry, places: readonly CellPlaces[], { json }: ListOptions): void {
  const everywhere = unassignedIn(registry).filter(({ entry }) => isProvisioned(entry.state)).length;
  if (json === true) {
    io.out(JSON.stringify({ cells: places, unassigned: everywhere }, undefined, 2));
    return;
  }
  const [head = "", ...lines] = table([
    ["CELL", "STACK", "REGION", "TENANTS", "FREE", "MOST"],
    ...places.map(({ cell, stack, region, tenants, free, ceiling }) => [
      ...[cell, stack ?? "-", region ?? "-"],
      ...[tenants, free, ceiling].map(String),
    ]),
  ]);
  io.out(paint(io, "bold", head));
  lines.forEach((line, index) => {
    io.out(places[index]?.free === 0 ? paint(io, "yellow", line) : line);
  });
  if (everywhere > 0)
    io.err(
      `${everywhere} tenants have no cell: every cell deploys them; \`npx tenant cells fill\` gives them one`,
    );
}

function registerCellsPlan(parent: Command, io: Io): void {
  const command = parent
    .command("plan")
    .summary("say where new tenants go")
    .description(
      "Says which cells the next tenants go to, and how many new cells they need. Tenants that are deployed stay where they are: their data does.",
    )
    .addOption(new Option("--tenants <n>", "how many").argParser(Number).default(1, "1"))
    .option("--region <region>", "region of the new tenants (default: any)")
    .option("--json", "as JSON");
  readsRegistry(command).action((_: PlanOptions, self: Command) => {
    const options = self.optsWithGlobals<PlanOptions>();
    if (!Number.isInteger(options.tenants) || options.tenants < 1)
      throw new UsageError("--tenants takes a whole number above 0");
    const { registry } = openWorkspace(io, options);
    const places = placesOf(io, registry).filter(
      ({ region }) => options.region === undefined || region === options.region,
    );
    let left = options.tenants;
    const assigned = places.flatMap(({ cell, free }) => {
      const tenants = Math.min(free, left);
      left -= tenants;
      return tenants === 0 ? [] : [{ cell, tenants }];
    });
    const newCells = Math.ceil(left / CELL_SIZE.preferred);
    if (options.json === true) io.out(JSON.stringify({ assigned, left, newCells }, undefined, 2));
    else {
      for (const { cell, tenants } of assigned) io.out(`${cell}: ${tenants}`);
      if (left > 0)
        io.out(
          `${left} more need ${newCells} new ${newCells === 1 ? "cell" : "cells"}: npx tenant cells add <cell> --from <stack>`,
        );
    }
  });
}

function registerCellsFill(parent: Command, io: Io): void {
  const command = parent
    .command("fill")
    .summary("give a cell to the entries that have none")
    .description(
      "Writes `cell:` into each entry without one, so that it belongs to one cell for ever: the first with room in its region, or --cell. A tenant that is deployed elsewhere stays there: the preview of that cell refuses.",
    )
    .option("--cell <cell>", "the cell of all of them");
  writesRegistry(command).action(async (_: FillOptions, self: Command) => {
    const options = self.optsWithGlobals<FillOptions>();
    const { registry } = openWorkspace(io, options);
    const entries = unassignedIn(registry);
    if (entries.length === 0) throw new Refusal("every entry has a cell; nothing was written");
    const homes = assignment(io, registry, entries, options.cell);
    for (const file of new Set(entries.map((tenant) => tenant.file))) {
      // Read again for each file: what was written into the others counts.
      const workspace = openWorkspace(io, options);
      const here = unassignedIn(workspace.registry).filter((tenant) => tenant.file === file);
      const change = editTenants(workspace, file, here, (editor, { entry }) => {
        editor.set(["cell"], homes.get(entry.id) ?? "");
      });
      const counts = [...Map.groupBy(here, ({ entry }) => homes.get(entry.id) ?? "")];
      const summary = counts.map(([cell, list]) => `${cell} gets ${list.length} entries`).join(", ");
      await makeChange(io, workspace, { ...change, summary }, options);
    }
  });
}

/** The cell of each entry without one, by id. */
function assignment(
  io: Io,
  registry: LoadedRegistry,
  entries: readonly RegisteredTenant[],
  given: string | undefined,
): ReadonlyMap<string, string> {
  let places = cellPlaces(readStacks(io).stacks, registry, 0);
  const homes = new Map<string, string>();
  for (const { entry } of entries) {
    const region = regionOf(entry, registry.defaults);
    const cell = given ?? roomFor(places, region)?.cell;
    if (cell === undefined)
      throw new Refusal(
        `no cell${region === undefined ? "" : ` of ${region}`} has room for ${entry.id}; \`npx tenant cells add\` makes one. Nothing was written`,
      );
    if (isProvisioned(entry.state)) places = taken(places, cell);
    homes.set(entry.id, cell);
  }
  return homes;
}

function registerCellsAdd(parent: Command, io: Io): void {
  parent
    .command("add <cell>")
    .summary("write the stack file of a new cell beside another")
    .description(
      "Writes `Pulumi.<stack>.yaml` of a cell on the same cluster, database server and bucket as another cell's: with a qualifier in the names of what each cell has once, and without what one cell has for all (operations, the bucket). Edit it for a cell elsewhere.",
    )
    .requiredOption("--from <stack>", "stack of the cell beside which it is")
    .option("--stack <name>", "name of the new stack (default: the cell's)")
    .option("--qualifier <word>", "completes the names of what the cell has once (default: the cell's name)")
    .option("--dry-run", "print the file and write nothing")
    .action((cell: string, _: AddOptions, self: Command) => {
      // Options that the parent has as well are the parent's to commander.
      add(io, cell, self.optsWithGlobals<AddOptions>());
    });
}

function add(io: Io, cell: string, options: AddOptions): void {
  const { from, stack = cell, qualifier = cell, dryRun = false } = options;
  const [source, target] = [`Pulumi.${from}.yaml`, `Pulumi.${stack}.yaml`];
  const { stacks } = readStacks(io);
  const taken = stacks.find((other) => other.cell === cell);
  if (taken !== undefined) throw new Refusal(`Pulumi.${taken.stack}.yaml is the cell ${cell} already`);
  if (existsSync(join(io.projectDir, target))) throw new Refusal(`there is a ${target} already`);
  let text: string;
  try {
    text = readFileSync(join(io.projectDir, source), "utf8");
  } catch {
    throw new Refusal(`there is no ${source}; --from names the stack of another cell`);
  }
  const made = newStack(text, { cell, qualifier });
  const checked = checkCellConfig(made.config, io.projectDir, stack);
  if (!checked.ok) throw new Refusal(formatIssues(checked.issues));
  if (dryRun) {
    io.out(made.text.trimEnd());
    return;
  }
  replaceFile(join(io.projectDir, target), undefined, made.text);
  io.out(`${target} is written; then:`);
  const provider = made.secretsProvider === undefined ? "" : ` --secrets-provider "${made.secretsProvider}"`;
  io.out(`  pulumi stack init ${stack}${provider}`);
  for (const key of made.secrets) io.out(`  pulumi config set --secret ${key} --stack ${stack}`);
  io.out(`  npx tenant up --cell ${cell}`);
}
