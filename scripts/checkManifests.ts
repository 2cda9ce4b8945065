/**
 * `npm run check:manifests`: renders the Kubernetes objects of a registry with every plan, placement and state, in both
 * edge modes, and lets the project's own checks and four tools that were not written for it look for faults.
 */
import { formatFinding, type Finding } from "../policy/finding.ts";
import { inspect } from "../policy/inspect.ts";
import { unwaived } from "../policy/waivers.ts";
import { plainReport } from "../sandbox/lib/report.ts";
import { obtainCheckers } from "../sandbox/toolchain/checkers.ts";
import { toolchainContext } from "../sandbox/toolchain/context.ts";
import { gatewayCell, ingressCell } from "../test/support/cell.ts";
import { renderManifests } from "../test/support/manifests.ts";

const checkers = await obtainCheckers(toolchainContext(process.env, plainReport(console.log)));
const findings: Finding[] = [];
let objects = 0;
for (const cell of [gatewayCell, ingressCell]) {
  const manifests = await renderManifests(cell);
  objects += manifests.length;
  findings.push(...(await inspect(checkers, manifests)));
}
const open = unwaived(findings);
for (const finding of open) console.error(formatFinding(finding));
console.log(`${objects} objects, ${findings.length} findings, ${open.length} of them without a waiver`);
process.exitCode = open.length === 0 ? 0 : 1;
