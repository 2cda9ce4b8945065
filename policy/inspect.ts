import type { Checkers } from "../sandbox/toolchain/checkers.ts";
import { ownFindings } from "./checks/index.ts";
import type { Finding } from "./finding.ts";
import type { Manifest } from "./manifest.ts";
import { TOOLS } from "./tools.ts";

/** Everything that the project's checks and the tools find in the objects of a cell, waived or not. */
export async function inspect(checkers: Checkers, manifests: readonly Manifest[]): Promise<Finding[]> {
  const found = await Promise.all(TOOLS.map((tool) => tool(checkers, manifests)));
  return [...ownFindings(manifests), ...found.flat()];
}
