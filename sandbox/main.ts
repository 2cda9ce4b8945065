/** `npm run sandbox`: the embedded platform and the program on it. See `npm run sandbox help`. */
import { parseArguments } from "./cli/args.ts";
import { isCommand, runCommand } from "./cli/commands.ts";
import { helpText } from "./cli/help.ts";
import { SandboxError } from "./lib/errors.ts";

async function main(): Promise<number> {
  const args = parseArguments(process.argv.slice(2));
  if (args.help) {
    console.log(helpText());
    return 0;
  }
  if (!isCommand(args.command)) {
    throw new SandboxError(`No subcommand is called "${args.command}". See: npm run sandbox help`, 2);
  }
  return runCommand(args.command, args);
}

try {
  process.exitCode = await main();
} catch (error) {
  // Anything else is a bug, and shows where it is.
  if (!(error instanceof SandboxError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  process.exitCode = error.exitCode;
}
