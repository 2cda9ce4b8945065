import { OpsFailure } from "./failure.ts";

/** What a check of a database found. */
export interface Finding {
  readonly object: string;
  readonly problem: string;
}

/** @throws OpsFailure "verification" that names all findings, if there are any */
export function requireNone(findings: readonly Finding[], subject: string): void {
  if (findings.length === 0) return;
  const lines = findings.map(({ object, problem }) => `\n  ${object}: ${problem}`);
  throw new OpsFailure("verification", `${subject}, ${findings.length} found:${lines.join("")}`);
}
