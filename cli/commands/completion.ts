import { Argument, type Command } from "commander";
import { completionScript, SHELLS, type Shell } from "../completion.ts";
import type { Io } from "../io.ts";

export function registerCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .summary("print the completion script of a shell")
    .description(
      'Prints the completion script of a shell. With `alias tenant="npx tenant"`: eval "$(npx tenant completion bash)"; zsh the same; fish: npx tenant completion fish | source.',
    )
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell: Shell) => {
      io.out(completionScript(shell, program).trimEnd());
    });
}
