import { ownFindings } from "../../policy/checks/index.ts";
import { formatFinding } from "../../policy/finding.ts";
import type { Manifest } from "../../policy/manifest.ts";
import { gatewayCell, ingressCell } from "../support/cell.ts";
import { renderManifests } from "../support/manifests.ts";
import { MUTATIONS } from "../support/mutations.ts";

let rendered: Readonly<Record<"gateway" | "ingress", readonly Manifest[]>>;

beforeAll(async () => {
  rendered = { gateway: await renderManifests(gatewayCell), ingress: await renderManifests(ingressCell) };
}, 120_000);

describe("the project's checks", () => {
  it("find nothing in what the program makes, in either edge mode", () => {
    for (const manifests of Object.values(rendered))
      expect(ownFindings(manifests).map(formatFinding)).toEqual([]);
  });

  it(`find each of ${MUTATIONS.length} faults alone`, () => {
    const survivors = MUTATIONS.filter((each) => ownFindings(each.apply(rendered[each.mode])).length === 0);
    expect(survivors.map(({ fault }) => fault)).toEqual([]);
  });
});
