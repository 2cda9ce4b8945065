import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { Refusal } from "./failures.ts";

/** A stack of a project, and how pulumi gets at it. */
export interface StackPlace {
  /** Folder of Pulumi.yaml. */
  readonly cwd: string;
  /** Environment of the pulumi command. */
  readonly env: NodeJS.ProcessEnv;
  readonly stack: string;
}

/**
 * Runs pulumi on a stack.
 * @returns what it printed
 * @throws Refusal with what it says went wrong, and as its cause what it printed
 */
export async function pulumi(
  { cwd, env, stack }: StackPlace,
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(
      "pulumi",
      [...args, "--stack", stack, "--non-interactive", "--color", "never"],
      { cwd, env: { ...env, ...more }, maxBuffer: 1024 ** 3 },
    );
    return stdout;
  } catch (error) {
    const { stdout: cause = "", stderr = "", message } = error as Partial<Record<string, string>>;
    const said = stderr.trim() === "" ? (message ?? "") : stderr.trim();
    throw new Refusal(said.replace(/^error: /, ""), { cause });
  }
}

/** The name of the project in a folder, as its Pulumi.yaml says it. */
export const projectName = (projectDir: string): string =>
  (parse(readFileSync(join(projectDir, "Pulumi.yaml"), "utf8")) as { readonly name: string }).name;
