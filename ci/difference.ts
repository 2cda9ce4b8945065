import { execFileSync } from "node:child_process";
import { mergeBase, registryTextsAt } from "../cli/git.ts";
import { checkRegistry, type LoadContext, type LoadedRegistry } from "../registry/load.ts";
import type { Difference } from "./cells.ts";

/**
 * What the checkout has that a revision has not. undefined where the revision is not there, as the one before a
 * branch's first push.
 */
export function differenceSince(
  projectDir: string,
  revision: string,
  after: LoadedRegistry,
  context: LoadContext,
): Difference | undefined {
  let commit: string;
  try {
    ({ commit } = mergeBase(projectDir, revision));
  } catch {
    return undefined;
  }
  const listed = execFileSync("git", ["diff", "--name-only", "--relative", "-z", commit, "HEAD"], {
    cwd: projectDir,
    encoding: "utf8",
  });
  const before = checkRegistry(registryTextsAt(projectDir, commit), context);
  return {
    files: listed.split("\0").filter((file) => file !== ""),
    before: before.ok ? before.value : undefined,
    after,
  };
}
