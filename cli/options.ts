import { Command, Option } from "commander";
import type { Io } from "./io.ts";

/** Options that several commands share. */

/** For commands that read the registry. */
export const readsRegistry = (command: Command): Command =>
  command
    .option("--stack <name>", "read the base domain from Pulumi.<name>.yaml (default: prod, else the first)")
    .option("--base-domain <domain>", "the platform's domain; wins over --stack");

/** For commands that write the registry. */
export const writesRegistry = (command: Command): Command =>
  readsRegistry(
    command
      .option("--dry-run", "print the change of the file and write nothing")
      .option("-y, --yes", "do not ask"),
  );

export const since = (what: string): Option =>
  new Option("--since <time>", `when ${what}, a day or a UTC time (default: now)`).argParser(utcTime);

/** A day stands for its beginning, UTC; anything else is left to the schema. */
export const utcTime = (text: string): string =>
  /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;

/** The present to the second, as the registry writes it. */
export const present = (io: Io): string =>
  io
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, "Z");
