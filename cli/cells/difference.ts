import { execFileSync } from "node:child_process";
import { checkRegistry, type LoadContext, type LoadedRegistry } from "../../registry/load.ts";
import { registryTextsAt } from "../git.ts";
import type { Difference } from "./touched.ts";

/** What the checkout, with what is not committed yet, has that a commit has not. */
export function differenceSince(
  projectDir: string,
  commit: string,
  after: LoadedRegistry,
  context: LoadContext,
): Difference {
  const listed = (...args: readonly string[]): string[] =>
    execFileSync("git", args, { cwd: projectDir, encoding: "utf8" })
      .split("\0")
      .filter((file) => file !== "");
  const before = checkRegistry(registryTextsAt(projectDir, commit), context);
  return {
    files: [
      ...listed("diff", "--name-only", "--relative", "-z", commit),
      ...listed("ls-files", "--others", "--exclude-standard", "-z"),
    ],
    before: before.ok ? before.value : undefined,
    after,
  };
}
