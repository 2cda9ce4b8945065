import { formatIssue, inReadingOrder } from "../registry/issues.ts";
import { checkRegistry, type LoadContext, type LoadedRegistry } from "../registry/load.ts";
import { Refusal } from "./failures.ts";
import { registryTextsAt, type MergeBase } from "./git.ts";
import type { Io } from "./io.ts";

/** The registry of a commit; undefined where it had none. A Refusal where it was not valid. */
export function registryAt(io: Io, context: LoadContext, { commit }: MergeBase): LoadedRegistry | undefined {
  const texts = registryTextsAt(io.projectDir, commit);
  if (texts.size === 0) return undefined;
  const checked = checkRegistry(texts, context);
  if (checked.ok) return checked.value;
  const issues = inReadingOrder(checked.issues).map((issue) => `  ${formatIssue(issue)}`);
  throw new Refusal(
    [
      `the registry of ${commit.slice(0, 12)} is not valid, so nothing can be compared with it:`,
      ...issues,
    ].join("\n"),
  );
}
