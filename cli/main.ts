// The operators' command: `npm run tenant -- <command>`.
import { join } from "node:path";
import { recover } from "./recover.ts";

const PROJECT = join(import.meta.dirname, "..");

const USAGE = `usage: npm run tenant -- <command>

  recover <stack>   settle what a killed "pulumi up" left open, so that the next one converges`;

/** A wrong call; answered with one line and the usage. */
class UsageError extends Error {}

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  async recover([stack, ...rest]) {
    if (stack === undefined || rest.length > 0) throw new UsageError("recover takes the name of one stack");
    await recover({
      cwd: PROJECT,
      env: process.env,
      stack,
      log: (line) => void process.stdout.write(`${line}\n`),
    });
  },
};

const [name = "", ...args] = process.argv.slice(2);
try {
  const command = commands[name];
  if (command === undefined)
    throw new UsageError(name === "" ? "a command is missing" : `"${name}" is no command`);
  await command(args);
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n${USAGE}\n`);
    process.exitCode = 2;
  } else {
    // What a failed `pulumi` said is the message; only a bug of ours has a stack worth showing.
    const { stderr } = error as { stderr?: string };
    process.stderr.write(
      `${stderr ?? (error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
    );
    process.exitCode = 1;
  }
}
