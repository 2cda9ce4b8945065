import type { Cluster } from "../cluster.ts";
import { Ended } from "../failures.ts";
import { paint, type Io } from "../io.ts";
import type { JobOptions } from "./options.ts";
import type { JobReport } from "./run.ts";

/** Where what is said on the way goes. */
export const sayOn = (io: Io, { json }: Pick<JobOptions, "json">): ((line: string) => void) =>
  json === true ? io.err : io.out;

export const logsCommand = ({ context }: Cluster, { job }: Pick<JobReport, "job">): string =>
  `kubectl --context ${context} logs --follow -n ${job.namespace} job/${job.name}`;

/** Says in a line how a Job went. */
export function conclude(
  io: Io,
  options: JobOptions,
  what: string,
  report: JobReport,
  cluster: Cluster,
): void {
  const { state, exitCode, reason, seconds: took } = report;
  const say = sayOn(io, options);
  switch (state) {
    case "succeeded":
      say(paint(io, "green", `${what}: done in ${took} s`));
      return;
    case "started":
      if (options.json !== true) io.out(`${report.job.namespace}/${report.job.name}`);
      io.err(`${what} is started: ${logsCommand(cluster, report)}`);
      return;
    case "interrupted":
    case "timed-out": {
      const goesOn = report.tries === 0 ? "" : `; the Job goes on: ${logsCommand(cluster, report)}`;
      io.err(paint(io, "red", `${what}: ${reason ?? state}${goesOn}`));
      return;
    }
    case "failed":
    case "not-started":
      io.err(paint(io, "red", `${what} failed (exit ${exitCode}): ${reason ?? ""}`));
      return;
    default:
      state satisfies never;
  }
}

/** Prints the document of `--json` and ends with the operation's exit code. */
export function finish(io: Io, options: JobOptions, exitCode: number, document: object): void {
  if (options.json === true) io.out(JSON.stringify({ ...document, exitCode }, undefined, 2));
  if (exitCode !== 0) throw new Ended(exitCode);
}
