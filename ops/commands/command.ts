import type { z } from "zod";
import { readEnvironment } from "../environment.ts";

/** What a command is given besides its environment. */
export interface Context {
  readonly log: (line: string) => void;
  /** The flags that it was called with, e.g. --all. */
  readonly flags: ReadonlySet<string>;
}

/** A command of the operations program. */
export interface Command {
  /** One sentence, for the reference. */
  readonly summary: string;
  /** The variables that configure it. */
  readonly environment: z.ZodObject;
  /** Flags that it takes besides --json, and what they mean. */
  readonly flags: Readonly<Record<string, string>>;
  /**
   * @returns the result, which `--json` prints
   * @throws OpsFailure
   */
  run(context: Context): Promise<object | undefined>;
}

/** A command whose environment is read and checked before anything else. */
export function command<Shape extends z.ZodRawShape>(
  summary: string,
  environment: z.ZodObject<Shape>,
  run: (env: z.output<z.ZodObject<Shape>>, context: Context) => Promise<object | undefined>,
  flags: Command["flags"] = {},
): Command {
  return { summary, environment, flags, run: (context) => run(readEnvironment(environment), context) };
}
