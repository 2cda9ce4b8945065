import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Io } from "../cli/io.ts";
import { pulumi } from "./process.ts";

/** Where the policy pack is in the project. */
export const POLICY_PACK = "policy/pack";

/** What a policy found, in the form of the diagnostics of `pulumi preview --json`, which leaves it out. */
interface Violation {
  readonly urn?: string;
  readonly message: string;
  readonly severity: "error" | "warning";
}

/** The violations in an engine's event log, one event a line. */
export function violationsIn(eventLog: string): Violation[] {
  return eventLog
    .split("\n")
    .filter((line) => line.includes('"policyEvent"'))
    .flatMap((line) => {
      const { policyEvent } = JSON.parse(line) as {
        readonly policyEvent?: {
          readonly resourceUrn?: string;
          readonly message: string;
          readonly policyName: string;
          readonly enforcementLevel: string;
        };
      };
      if (policyEvent === undefined) return [];
      const { resourceUrn: urn, message, policyName, enforcementLevel } = policyEvent;
      return [
        {
          ...(urn === undefined ? {} : { urn }),
          // Its first line describes the policy.
          message: `policy ${policyName}: ${message.trim().split("\n").slice(1).join(" ")}`,
          severity: enforcementLevel === "advisory" ? ("warning" as const) : ("error" as const),
        },
      ];
    });
}

/**
 * Previews a stack under the policy pack.
 * @param file gets what `pulumi preview --json` prints, and in its diagnostics what the policies found
 * @returns the exit code
 */
export async function preview(io: Io, stack: string, file: string): Promise<number> {
  // The log holds the resources' secrets: it is read, and gone.
  const folder = mkdtempSync(join(tmpdir(), "preview-"));
  const log = join(folder, "events.json");
  try {
    const args = ["preview", "--json", "--policy-pack", POLICY_PACK, "--event-log", log];
    // Pulumi writes an event log only with its commands for debugging.
    const env = { ...io.env, PULUMI_DEBUG_COMMANDS: "true" };
    const code = await pulumi({ ...io, env }, args, stack, file);
    const violations = violationsIn(readIfThere(log));
    for (const { message, severity } of violations) io.err(`${severity}: ${message}`);
    const digest = parsed(readFileSync(file, "utf8"));
    if (digest !== undefined) {
      const diagnostics = [...(digest.diagnostics ?? []), ...violations];
      writeFileSync(file, JSON.stringify({ ...digest, diagnostics }));
    }
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // The engine did not come so far.
  }
}

/** What was printed, if it is a digest; otherwise it is left to the review as it is. */
function parsed(text: string): { readonly diagnostics?: readonly unknown[] | null } | undefined {
  try {
    return JSON.parse(text) as { readonly diagnostics?: readonly unknown[] | null };
  } catch {
    return undefined;
  }
}
