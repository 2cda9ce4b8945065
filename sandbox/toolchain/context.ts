import { cacheFolder } from "../layout.ts";
import type { Report } from "../lib/report.ts";
import { Network } from "./network.ts";

/** What the search for tools needs to know. */
export interface ToolchainContext {
  readonly cache: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly network: Network;
}

/** The context of a command. */
export const toolchainContext = (env: NodeJS.ProcessEnv, report: Report): ToolchainContext => {
  const cache = cacheFolder(env);
  return { cache, env, report, network: new Network(cache, env) };
};

/** A tool that was found, and where it came from, in words. */
export interface Found {
  /** Folder that holds its programs. */
  readonly bin: string;
  readonly version: string;
  readonly source: "machine" | "cache" | "vendor" | "built" | "PyPI";
}
