import { appendFileSync, existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { differenceSince } from "../cli/cells/difference.ts";
import { readStacks, type CellStack, type Stack } from "../cli/cells/stacks.ts";
import { inRingOrder, touchedStacks } from "../cli/cells/touched.ts";
import { reviewFiles } from "../cli/commands/review.ts";
import { Refusal, Silent } from "../cli/failures.ts";
import { mergeBase } from "../cli/git.ts";
import type { Io } from "../cli/io.ts";
import { contextOf } from "../cli/workspace.ts";
import { formatIssues } from "../registry/issues.ts";
import { loadRegistry } from "../registry/load.ts";
import { COMMENT_LIMIT, fenced, MARKER, renderMarkdown, SUMMARY_LIMIT } from "../review/render/markdown.ts";
import type { Review } from "../review/review.ts";
import { plainReport } from "../sandbox/lib/report.ts";
import { toolchainContext } from "../sandbox/toolchain/context.ts";
import { obtainGoTool } from "../sandbox/toolchain/goTools.ts";
import { closeIssue, putComment, putIssue, repositoryOf } from "./github.ts";
import { POLICY_PACK, preview } from "./preview.ts";
import { pulumi, watched } from "./process.ts";

/** The steps of the workflows as commands, so that they are tried where there is no GitHub. */
export function buildCi(io: Io): Command {
  const program = new Command("ci")
    .description("What the workflows in .github/workflows do.")
    .exitOverride()
    .enablePositionalOptions();
  program
    .command("tools")
    .description("print the folder of the pinned Pulumi, for $GITHUB_PATH")
    .action(async () => {
      const { bin } = await obtainGoTool(toolchainContext(io.env, plainReport(io.err)), "pulumi", io.err);
      io.out(bin);
    });
  program
    .command("cells")
    .description(
      "print the stacks that a change touches, inner rings first, as `cells=<JSON>` for $GITHUB_OUTPUT, and those of them that have the drills as `drills=<JSON>`",
    )
    .option("--since <revision>", "only those that differ from it (default: all)")
    .action(({ since }: { readonly since?: string }) => {
      const touched = cells(io, since);
      const named = (stacks: readonly Stack[]): string =>
        JSON.stringify(stacks.map(({ stack, cell }) => ({ stack, cell })));
      io.out(`cells=${named(touched)}`);
      io.out(`drills=${named(touched.filter(({ operations }) => operations))}`);
    });
  program
    .command("preview")
    .description("preview a stack under the policy pack; a failed preview is for the review to tell")
    .argument("<stack>")
    .argument("<file>", "where its output goes")
    .action(async (stack: string, file: string) => {
      const code = await preview(io, stack, file);
      if (code !== 0) io.err(`the preview of ${stack} failed with ${code}`);
    });
  program
    .command("review")
    .description("review the previews of stacks: the comment of a pull request and the job's summary")
    .argument("<folder>", "holds <stack>.json, the output of `preview`")
    .requiredOption("--cells <json>", "the stacks that were to be previewed, as `cells` printed them")
    .requiredOption("--since <revision>", "the revision to merge into")
    .option("--pull <number>", "write the comment of this pull request (default: print it)")
    .action(async (folder: string, options: ReviewOptions) => {
      await review(io, folder, options);
    });
  program
    .command("up")
    .description(
      "deploy a stack under the policy pack; one tenant's failure does not stop the others, but the command fails",
    )
    .argument("<stack>")
    .action(async (stack: string) => {
      const code = await pulumi(
        io,
        ["up", "--yes", "--skip-preview", "--continue-on-error", "--policy-pack", POLICY_PACK],
        stack,
      );
      if (code !== 0) throw new Refusal(`pulumi up of ${stack} failed with ${code}`);
    });
  program
    .command("drift")
    .description("compare a stack's state with the world; an issue is open as long as they differ")
    .argument("<stack>")
    .action(async (stack: string) => {
      await drift(io, stack);
    });
  program
    .command("watch")
    .description("run a command; an issue is open as long as it fails")
    .passThroughOptions()
    .argument("<topic>", "tells the issue from others, e.g. drill-prod")
    .argument("<title>", "title of the issue")
    .argument("<command...>")
    .action(async (topic: string, title: string, command: readonly string[]) => {
      const { code, output } = await watched(io, command);
      await tell(io, topic, code === 0 ? undefined : { title, text: fenced(output) });
      if (code !== 0) throw new Refusal(`${command.join(" ")} failed with ${code}`);
    });
  return program;
}

/** Stacks for a matrix of jobs. */
function cells(io: Io, since: string | undefined): readonly CellStack[] {
  const { stacks, unfinished } = readStacks(io);
  for (const stack of unfinished) io.err(`Pulumi.${stack}.yaml still has values to fill in: left out`);
  const context = contextOf(io, {});
  const loaded = loadRegistry(io.projectDir, context);
  if (!loaded.ok) {
    // `npx tenant lint` fails for it, and the review says why; there is nothing to preview.
    io.err(formatIssues(loaded.issues));
    return [];
  }
  const base = since === undefined ? undefined : baseOf(io, since);
  if (base === undefined) return inRingOrder(stacks, loaded.value);
  const difference = differenceSince(io.projectDir, base, loaded.value, context);
  return touchedStacks(stacks, difference).map((touched) => touched.stack);
}

/** Where this branch left a revision; undefined where there is none of it, as of the one before a branch's first push. */
function baseOf({ projectDir }: Io, revision: string): string | undefined {
  try {
    return mergeBase(projectDir, revision).commit;
  } catch {
    return undefined;
  }
}

interface ReviewOptions {
  readonly cells: string;
  readonly since: string;
  readonly pull?: string;
}

async function review(io: Io, folder: string, { cells: json, since, pull }: ReviewOptions): Promise<void> {
  const files = (JSON.parse(json) as readonly Stack[]).map(({ stack }) => join(folder, `${stack}.json`));
  // A job that was cancelled leaves no preview: an empty one is told as not run.
  for (const file of files) if (!existsSync(file)) writeFileSync(file, "");
  const found = reviewFiles(io, files, { ref: since });
  summarize(io, found);
  const { text } = renderMarkdown(found, COMMENT_LIMIT, "the job's summary");
  if (pull === undefined) io.out(text);
  else await putComment(repositoryOf(io.env), Number(pull), MARKER, text);
  if (found.verdict === "blocked") throw new Silent();
}

async function drift(io: Io, stack: string): Promise<void> {
  const file = join(mkdtempSync(join(tmpdir(), "drift-")), `${stack}.json`);
  await pulumi(io, ["refresh", "--preview-only", "--json"], stack, file);
  const found = reviewFiles(io, [file], { drift: true });
  summarize(io, found);
  const { text } = renderMarkdown(found, COMMENT_LIMIT, "the job's summary");
  await tell(
    io,
    `drift-${stack}`,
    found.verdict === "none" ? undefined : { title: `Drift in ${stack}`, text },
  );
  if (found.verdict !== "none") throw new Silent();
}

function summarize({ env }: Io, found: Review): void {
  const file = env["GITHUB_STEP_SUMMARY"];
  if (file !== undefined) appendFileSync(file, renderMarkdown(found, SUMMARY_LIMIT).text);
}

/** Keeps the issue of a topic: open with this text, or closed. Where there is no GitHub, prints it. */
async function tell(
  io: Io,
  topic: string,
  issue: { readonly title: string; readonly text: string } | undefined,
): Promise<void> {
  const marker = `<!-- ci: ${topic} -->`;
  if (io.env["GITHUB_TOKEN"] === undefined)
    io.out(issue === undefined ? `${topic}: nothing to tell` : issue.text);
  else if (issue === undefined) await closeIssue(repositoryOf(io.env), marker);
  else await putIssue(repositoryOf(io.env), marker, issue.title, issue.text);
}
