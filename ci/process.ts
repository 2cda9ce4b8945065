import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { Io } from "../cli/io.ts";

type Place = Pick<Io, "projectDir" | "env">;

/** The end of a command's output that an issue shows, characters. */
const TAIL = 10_000;

/** Runs pulumi on a stack with the terminal, or with its output in a file. @returns the exit code */
export async function pulumi(
  { projectDir, env }: Place,
  args: readonly string[],
  stack: string,
  file?: string,
): Promise<number> {
  const child = spawn("pulumi", [...args, "--stack", stack, "--non-interactive", "--color", "never"], {
    cwd: projectDir,
    env,
    stdio: ["ignore", file === undefined ? "inherit" : "pipe", "inherit"],
  });
  const ended = exitCode(child);
  if (child.stdout === null || file === undefined) return ended;
  const [code] = await Promise.all([ended, finished(child.stdout.pipe(createWriteStream(file)))]);
  return code;
}

/** Runs a command and shows what it prints. @returns its exit code and the end of its output */
export async function watched(
  { projectDir, env }: Place,
  [name = "", ...args]: readonly string[],
): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn(name, args, { cwd: projectDir, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      process.stderr.write(chunk);
      output = (output + chunk).slice(-TAIL);
    });
  return { code: await exitCode(child), output };
}

const exitCode = (child: ReturnType<typeof spawn>): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
  });
