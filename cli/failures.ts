import { closest, formatIssues, type Issue } from "../registry/issues.ts";

/** The command understood and will not do it: exit 1. The message is all that is printed. */
export class Refusal extends Error {}

/** A wrong call: exit 2. */
export class UsageError extends Error {}

/** The files have problems before anything is changed. */
export const invalidRegistry = (issues: readonly Issue[]): Refusal => new Refusal(formatIssues(issues));

/** A change that the registry's rules do not allow. Places are left out: they would be those of a file never written. */
export function refusedChange(issues: readonly Issue[]): Refusal {
  const lines = issues.map(
    ({ file, subject, message }) => `  ${subject === "" ? file : subject}: ${message}`,
  );
  return new Refusal(["refused; nothing was written:", ...new Set(lines)].join("\n"));
}

export function unknownTenant(id: string, known: readonly string[]): Refusal {
  const best = closest(id, known);
  const hint = best === undefined ? "`npx tenant list` shows them all" : `did you mean "${best}"?`;
  return new Refusal(`no tenant "${id}" in the registry; ${hint}`);
}

/** Exit 1 after everything has been said. */
export class Silent extends Refusal {}

/** Ends with an exit code of its own after everything has been said. */
export class Ended extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}
