import { Option, type Command } from "commander";
import { readCellConfig } from "../../components/cell/clashes.ts";
import type { CellConfig } from "../../components/cell/config.ts";
import { cellOf } from "../../registry/resolve.ts";
import { readPreview, type Preview } from "../../review/preview.ts";
import { problemText } from "../../review/review.ts";
import { differenceSince } from "../cells/difference.ts";
import { readStacks, type CellStack, type Stack } from "../cells/stacks.ts";
import { inRingOrder, touchedStacks, type Touched } from "../cells/touched.ts";
import { isFasterWhole } from "../deploy/arrivals.ts";
import { runCells, type CellEnding, type RunOptions } from "../deploy/cells.ts";
import type { CellRun } from "../deploy/engine.ts";
import { secondsText } from "../deploy/progress.ts";
import { Ended, Refusal, Silent, UsageError } from "../failures.ts";
import { mergeBase } from "../git.ts";
import { paint, table, type Io } from "../io.ts";
import { readsRegistry } from "../options.ts";
import { sandboxHint } from "../stack.ts";
import { allTenants, openWorkspace, type RegistryOptions, type Workspace } from "../workspace.ts";
import { printReview, reviewPreviews, type RegistriesRead, type ReviewFormat } from "./review.ts";

/** Exit code after Ctrl-C, as a shell has it. */
const INTERRUPTED = 130;

interface CellsOptions extends RegistryOptions {
  readonly changed?: boolean;
  readonly base?: string;
  readonly whole?: boolean;
  readonly cell?: readonly string[];
  readonly all?: boolean;
  readonly parallel: number;
  readonly failFast?: boolean;
}
interface UpOptions extends CellsOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function registerPreview(program: Command, io: Io): void {
  const command = program
    .command("preview")
    .summary("preview what `up` would do in the cells that a change touches")
    .description(
      "Runs `pulumi preview` on the cells that a change of the registry touches, several at once, and prints one review of all of them: see `review`. Where nothing changed that tenants share but what names them in a pool, a run is limited to the tenants that changed. Exits with 1 if anything blocks the change, with 130 after Ctrl-C.",
    );
  choosesCells(command)
    .addOption(new Option("--markdown", "as Markdown for a pull request's comment").conflicts("json"))
    .option("--json", "as JSON")
    .action(async (options: CellsOptions & ReviewFormat) => {
      const { runs, read } = chosenRuns(io, openWorkspace(io, options), options);
      if (runs.length === 0) return;
      const endings = await runCells(io, "preview", runs, parallelOf(options));
      const review = reviewOfEndings(io, endings, options, read);
      printReview(io, review, options);
      if (endings.some(({ result }) => result === "interrupted")) throw new Ended(INTERRUPTED);
      if (review.verdict === "blocked") throw new Silent();
    });
}

export function registerUp(program: Command, io: Io): void {
  const command = program
    .command("up")
    .summary("deploy the cells that a change touches")
    .description(
      "Runs `pulumi up` on the cells that a change of the registry touches, several at once: shows their review and asks, unless --yes is given. Where nothing changed that tenants share but what names them in a pool, a run is limited to the tenants that changed. One tenant's or cell's failure stops no other. Exits with 1 if a cell failed, with 130 after Ctrl-C, which lets each run end in order.",
    );
  choosesCells(command)
    .option("-y, --yes", "neither preview nor ask")
    .option("--json", "the result as JSON")
    .action(async (options: UpOptions) => {
      const chosen = chosenRuns(io, openWorkspace(io, options), options);
      const { runs } = chosen;
      if (runs.length === 0) return;
      if (options.yes !== true) await confirm(io, chosen, options);
      const endings = await runCells(io, "up", runs, parallelOf(options));
      if (options.json === true) io.out(JSON.stringify(endings.map(asJson), undefined, 2));
      else printEndings(io, endings);
      if (endings.some(({ result }) => result === "interrupted")) throw new Ended(INTERRUPTED);
      if (endings.some(({ result }) => result !== "done")) throw new Silent();
    });
}

const choosesCells = (command: Command): Command =>
  readsRegistry(command)
    .addOption(
      new Option("--changed", "the cells that the checkout changes since --base (default)").conflicts([
        "cell",
        "all",
      ]),
    )
    .option("--base <revision>", "what is deployed (default: origin/main, else HEAD)")
    .option("--whole", "every tenant of those cells, whatever changed")
    .addOption(new Option("--cell <cell...>", "these cells, whole").conflicts(["all", "base"]))
    .addOption(new Option("--all", "every cell, whole").conflicts("base"))
    .addOption(
      new Option("--parallel <n>", "cells at once; each takes up to 1 GB of memory")
        .argParser(positive)
        .default(4, "4"),
    )
    .option("--fail-fast", "begin no further cell once one has failed");

function positive(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`--parallel: "${text}" is no whole number above 0`);
}

const parallelOf = ({ parallel, failFast = false }: CellsOptions): RunOptions => ({ parallel, failFast });

/** Runs, and the registries that were read to choose them. */
interface Chosen {
  readonly runs: readonly CellRun[];
  readonly read: RegistriesRead;
}

/** The cells that are asked for, those with tenants of inner rings first; says so where there are none. */
function chosenRuns(io: Io, { registry, context }: Workspace, options: CellsOptions): Chosen {
  const { stacks: complete, unfinished } = readStacks(io);
  for (const stack of unfinished) io.err(`Pulumi.${stack}.yaml still has values to fill in: left out`);
  // Cells of another base domain have other tenants.
  const stacks = complete.filter(({ baseDomain }) => baseDomain === context.baseDomain);
  const cells = new Map(
    allTenants(registry).map(({ entry }) => [entry.id, cellOf(entry, registry.defaults)]),
  );
  const runOf = ({ stack, cell }: Stack, limitedTo?: readonly string[]): CellRun => ({
    ...{ stack, cell, limitedTo },
    members: registry.tenants.filter(({ id }) => (cells.get(id) ?? cell) === cell),
    config: configOf(io.projectDir, stack),
  });
  const whole = (chosen: readonly CellStack[]): Chosen => ({
    runs: inRingOrder(chosen, registry).map((stack) => runOf(stack)),
    read: { after: registry },
  });
  if (stacks.length === 0)
    throw new UsageError(
      `no Pulumi.<stack>.yaml of ${context.baseDomain} is complete; name another --stack${sandboxHint(io)}`,
    );
  if (options.cell !== undefined) return whole(named(stacks, options.cell));
  if (options.all === true) return whole(stacks);
  const { ref, commit } = mergeBase(io.projectDir, options.base);
  const difference = differenceSince(io.projectDir, commit, registry, context);
  const touched = touchedStacks(stacks, difference);
  if (touched.length === 0)
    io.err(
      `no cell is touched since ${commit.slice(0, 12)}, the merge base with ${ref}; --all runs every cell`,
    );
  const { before } = difference;
  const known = new Set((before?.tenants ?? []).map(({ id }) => id));
  const choose = ({ stack, limitedTo }: Touched<CellStack>): CellRun => {
    const run = runOf(stack, options.whole === true ? undefined : limitedTo);
    const newcomers = run.limitedTo?.filter((id) => !known.has(id)) ?? [];
    return isFasterWhole(run.config?.backup.identity.kind, newcomers.length)
      ? { ...run, limitedTo: undefined }
      : run;
  };
  return {
    runs: touched.map(choose),
    read: { after: registry, ...(before === undefined ? {} : { before }) },
  };
}

function configOf(projectDir: string, stack: string): CellConfig | undefined {
  const config = readCellConfig(projectDir, stack);
  return config.ok ? config.value : undefined;
}

function named(stacks: readonly CellStack[], cells: readonly string[]): CellStack[] {
  const unknown = cells.filter((name) => !stacks.some(({ cell }) => cell === name));
  if (unknown.length > 0)
    throw new UsageError(
      `no complete Pulumi.<stack>.yaml is the cell ${unknown.join(", ")}; there are ${stacks.map(({ cell }) => cell).join(", ")}`,
    );
  return stacks.filter(({ cell }) => cells.includes(cell));
}

async function confirm(io: Io, { runs, read }: Chosen, options: UpOptions): Promise<void> {
  if (io.ask === undefined)
    throw new UsageError("this needs a confirmation: --yes gives it, `npx tenant preview` shows the change");
  const previews = await runCells(io, "preview", runs, { ...parallelOf(options), failFast: false });
  const review = reviewOfEndings(io, previews, options, read);
  printReview({ ...io, out: io.err }, review, {});
  if (previews.some(({ result }) => result === "interrupted")) throw new Ended(INTERRUPTED);
  if (review.verdict === "blocked") throw new Refusal("nothing was deployed");
  if (!(await io.ask(`Deploy ${runs.length === 1 ? (runs[0]?.cell ?? "") : `${runs.length} cells`}?`)))
    throw new Refusal("nothing was deployed");
}

const reviewOfEndings = (
  io: Io,
  endings: readonly CellEnding[],
  { base, ...options }: CellsOptions,
  read: RegistriesRead,
) =>
  reviewPreviews(
    io,
    endings.map(previewOf),
    { ...options, ...(base === undefined ? {} : { ref: base }) },
    read,
  );

/** The preview of a cell; what went wrong before the engine started is its error. */
function previewOf({ output, errors, run: { cell }, result }: CellEnding): Preview {
  if (result === "skipped") return { cell, steps: [], errors: [{ message: "was not previewed" }] };
  return output.trim() === "" && errors.length > 0
    ? { cell, steps: [], errors }
    : { ...readPreview(output, cell), cell };
}

const asJson = ({ run, result, done, seconds, errors, retried = [] }: CellEnding) => ({
  ...{ cell: run.cell, stack: run.stack, limitedTo: run.limitedTo ?? null, result, done },
  seconds: Math.round(seconds * 10) / 10,
  errors: errors.map(problemText),
  retried: retried.map(problemText),
});

function printEndings(io: Io, endings: readonly CellEnding[]): void {
  const rows = endings.map(({ run, result, done, seconds }) => [
    ...[run.cell, run.stack, result],
    ...[done.created, done.updated, done.replaced, done.deleted].map(String),
    result === "skipped" ? "-" : secondsText(seconds),
  ]);
  const [head = "", ...lines] = table([
    ["CELL", "STACK", "RESULT", "CREATED", "UPDATED", "REPLACED", "DELETED", "TIME"],
    ...rows,
  ]);
  io.out(paint(io, "bold", head));
  lines.forEach((line, index) => {
    io.out(endings[index]?.result === "done" ? line : paint(io, "red", line));
  });
  for (const { run, result, errors, retried = [] } of endings) {
    for (const error of retried) io.err(`${run.cell}: tried again after: ${problemText(error)}`);
    if (result === "done" || result === "skipped") continue;
    io.err("");
    for (const error of errors) io.err(paint(io, "red", `${run.cell}: ${problemText(error)}`));
    io.err(`${run.cell}: mend it, and run it whole: npx tenant up --cell ${run.cell}`);
  }
}
