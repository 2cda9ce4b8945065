import { checkRegistry, type LoadContext, type LoadedRegistry } from "../../registry/load.ts";
import { changedFiles, registryTextsAt } from "../git.ts";
import type { Difference } from "./touched.ts";

/** What the checkout, with what is not committed yet, has that a commit has not. */
export function differenceSince(
  projectDir: string,
  commit: string,
  after: LoadedRegistry,
  context: LoadContext,
): Difference {
  const before = checkRegistry(registryTextsAt(projectDir, commit), context);
  return {
    files: changedFiles(projectDir, commit),
    before: before.ok ? before.value : undefined,
    after,
  };
}
