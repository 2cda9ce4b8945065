import { InvalidArgumentError, Option, type Command } from "commander";
import { utcTime } from "../options.ts";

/** Options of every command that runs Jobs. */
export interface JobOptions {
  readonly stack?: string;
  /** Seconds. */
  readonly timeout: number;
  /** false: --no-wait */
  readonly wait: boolean;
  readonly json?: boolean;
}

/** For commands that run Jobs on the cluster of a stack. */
export const runsJobs = (command: Command): Command =>
  command
    .option(
      "--stack <name>",
      "the stack whose cluster is meant (default: the only one whose Pulumi.<name>.yaml is complete)",
    )
    .addOption(
      new Option("--timeout <duration>", "stop waiting after so long, as 90s, 30m or 2h; the Job goes on")
        .argParser(duration)
        .default(21_600, "6h"),
    )
    .option("--no-wait", "print the Job's name and wait for nothing")
    .option("--json", "one JSON document on standard output, everything else on standard error");

/** Which backup is meant. */
export interface ChoiceOptions {
  readonly backup?: string;
  readonly at?: string;
}

/** For commands that read a backup. */
export const choosesBackup = (command: Command): Command =>
  command
    .option("--backup <backup>", "id of the backup, as acme-20260101T020304Z (default: the newest)")
    .addOption(
      new Option("--at <time>", "the newest backup that was begun not after this, a day or a UTC time")
        .argParser(utcTime)
        .conflicts("backup"),
    );

/** The variables that tell the operations program which backup is meant. */
export function choiceEnv({ backup, at }: ChoiceOptions): { name: string; value: string }[] {
  return [
    ...(backup === undefined ? [] : [{ name: "RESTORE_ID", value: backup }]),
    ...(at === undefined ? [] : [{ name: "RESTORE_AT", value: at }]),
  ];
}

const LONGEST_SECONDS = 7 * 86_400;
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds of `90s`, `30m`, `2h`. */
function duration(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const value = Number(amount) * (UNITS[unit] ?? 0);
  if (value > 0 && value <= LONGEST_SECONDS) return value;
  throw new InvalidArgumentError("Write e.g. 90s, 30m or 2h, at most 168h.");
}
