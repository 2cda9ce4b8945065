import { appendFileSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { Option, type Command } from "commander";
import type { Checked } from "../../registry/issues.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { forbiddenChanges } from "../../registry/transitions.ts";
import { readPreview, type Preview } from "../../review/preview.ts";
import { COMMENT_LIMIT, renderMarkdown, SUMMARY_LIMIT } from "../../review/render/markdown.ts";
import { renderTerminal } from "../../review/render/terminal.ts";
import { reviewOf, type Review } from "../../review/review.ts";
import { registryAt } from "../base.ts";
import { invalidRegistry, Silent, UsageError } from "../failures.ts";
import { mergeBase } from "../git.ts";
import type { Io } from "../io.ts";
import { readsRegistry } from "../options.ts";
import { tenantChanges } from "../tenantDiff.ts";
import { checkWorkspace, contextOf, type RegistryOptions } from "../workspace.ts";

/** How a review is printed. */
export interface ReviewFormat {
  readonly markdown?: boolean;
  readonly json?: boolean;
}

interface ReviewOptions extends RegistryOptions, ReviewFormat {
  readonly ref?: string;
  readonly drift?: boolean;
  readonly summary?: string;
}

export function registerReview(program: Command, io: Io): void {
  const command = program
    .command("review")
    .summary("show what a change does to each tenant, from previews of its cells")
    .description(
      "Merges the output of `pulumi preview --json` of one or more cells and the registry's changes since a Git revision: verdict, data at risk, each tenant's changes and money. Without previews it tells of the registry alone. Secrets are never shown. Exits with 1 if anything blocks the change.",
    )
    .argument("[preview...]", "files with the output of `pulumi preview --json`, one a cell")
    .option("--ref <revision>", "the revision to merge into (default: origin/main, else HEAD)")
    .addOption(
      new Option("--markdown", "as Markdown for a pull request's comment, below 65,536 characters").conflicts(
        "json",
      ),
    )
    .option("--json", "as JSON")
    .option("--summary <file>", "append the whole review as Markdown, e.g. to $GITHUB_STEP_SUMMARY")
    .addOption(
      new Option(
        "--drift",
        "the files are of `pulumi refresh --preview-only --json`: what differs from the last `up`",
      ),
    );
  readsRegistry(command).action((files: readonly string[], options: ReviewOptions) => {
    const review = reviewFiles(io, files, options);
    if (options.summary !== undefined)
      appendFileSync(options.summary, renderMarkdown(review, SUMMARY_LIMIT).text);
    printReview(io, review, options);
    if (review.verdict === "blocked") throw new Silent();
  });
}

/** The review of the checkout with the previews in some files. */
export const reviewFiles = (
  io: Io,
  files: readonly string[],
  options: RegistryOptions & Pick<ReviewOptions, "ref" | "drift">,
): Review => reviewPreviews(io, files.map(readPreviewFile), options);

/** Registries that a command has read already: one of a thousand tenants takes half a second. */
export interface RegistriesRead {
  /** That of the merge base. */
  readonly before?: LoadedRegistry;
  /** The checkout's. */
  readonly after?: LoadedRegistry;
}

/**
 * The review of the checkout with some previews.
 * @param read Default: they are read here.
 */
export function reviewPreviews(
  io: Io,
  previews: readonly Preview[],
  options: RegistryOptions & Pick<ReviewOptions, "ref" | "drift">,
  read: RegistriesRead = {},
): Review {
  // Drift is about what was deployed, which the checkout is.
  const ref = options.drift === true ? "HEAD" : options.ref;
  const before = read.before ?? registryAt(io, contextOf(io, options), mergeBase(io.projectDir, ref));
  const checked: Checked<LoadedRegistry> =
    read.after === undefined ? checkWorkspace(io, options) : { ok: true, value: read.after };
  // What an invalid registry would change is not known, but why it is invalid belongs into the review.
  const after = checked.ok ? checked.value : before;
  if (after === undefined) throw invalidRegistry(checked.ok ? [] : checked.issues);
  const forbidden = before === undefined ? [] : forbiddenChanges(before, after);
  return reviewOf({
    kind: options.drift === true ? "drift" : "preview",
    previews,
    before,
    after,
    changes: tenantChanges(before, after),
    issues: checked.ok ? forbidden : checked.issues,
  });
}

export function printReview(
  io: Pick<Io, "out" | "color">,
  review: Review,
  { json, markdown, summary }: ReviewFormat & Pick<ReviewOptions, "summary">,
): void {
  if (json === true) io.out(JSON.stringify(review, undefined, 2));
  else if (markdown === true)
    io.out(
      renderMarkdown(review, COMMENT_LIMIT, summary === undefined ? "" : "the job's summary").text.trimEnd(),
    );
  else for (const line of renderTerminal(review, io)) io.out(line);
}

function readPreviewFile(file: string): Preview {
  try {
    return readPreview(readFileSync(file, "utf8"), basename(file, ".json"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `${file} cannot be read (${String(code)}); give the output of \`pulumi preview --json\``,
    );
  }
}
