import { formatFinding } from "../../policy/finding.ts";
import { inspect } from "../../policy/inspect.ts";
import type { Manifest } from "../../policy/manifest.ts";
import { kubeconform, podSecurity } from "../../policy/tools.ts";
import { unwaived } from "../../policy/waivers.ts";
import { plainReport } from "../../sandbox/lib/report.ts";
import { obtainCheckers, type Checkers } from "../../sandbox/toolchain/checkers.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { gatewayCell, ingressCell } from "../support/cell.ts";
import { renderManifests } from "../support/manifests.ts";
import { TOOL_MUTATIONS } from "../support/mutations.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

let checkers: Checkers;
let rendered: Readonly<Record<"gateway" | "ingress", readonly Manifest[]>>;

beforeAll(async () => {
  const report = plainReport((line) => void process.stderr.write(`${line}\n`));
  checkers = await obtainCheckers(toolchainContext(process.env, report));
  rendered = { gateway: await renderManifests(gatewayCell), ingress: await renderManifests(ingressCell) };
}, 40 * MINUTE);

describe("tools that were not written for this project", () => {
  it("find nothing in either edge mode that is not waived with a reason, and every waiver is needed", async () => {
    const findings = [
      ...(await inspect(checkers, rendered.gateway)),
      ...(await inspect(checkers, rendered.ingress)),
    ];
    expect(unwaived(findings).map(formatFinding)).toEqual([]);
  });

  it(`find ${TOOL_MUTATIONS.length} faults that the project's checks leave to them`, async () => {
    const survivors: string[] = [];
    for (const { fault, mode, ...mutation } of TOOL_MUTATIONS) {
      const manifests = mutation.apply(rendered[mode]);
      const found = [
        ...(await podSecurity(checkers, manifests)),
        ...(await kubeconform(checkers, manifests)),
      ];
      if (found.length === 0) survivors.push(fault);
    }
    expect(survivors).toEqual([]);
  });
});
