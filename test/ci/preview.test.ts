import { violationsIn } from "../../ci/preview.ts";

const event = (policyEvent: object): string => JSON.stringify({ sequence: 1, timestamp: 2, policyEvent });

describe("violations of policies", () => {
  it("are read from the event log: what is mandatory as an error, advice as a warning", () => {
    const log = [
      JSON.stringify({ sequence: 0, resourcePreEvent: { metadata: { urn: "u", note: '"policyEvent"' } } }),
      event({
        resourceUrn: "urn:pulumi:prod::warehouse::kubernetes:apps/v1:Deployment::acme-app",
        message: "Pods are restricted.\nwarehouse-app can write to its image\n",
        policyName: "hardened-objects",
        enforcementLevel: "mandatory",
      }),
      event({
        message: "Costs fit.\nEnterprise leaves nothing\n",
        policyName: "cost-leaves-compute",
        enforcementLevel: "advisory",
      }),
      "",
    ].join("\n");
    expect(violationsIn(log)).toEqual([
      {
        urn: "urn:pulumi:prod::warehouse::kubernetes:apps/v1:Deployment::acme-app",
        message: "policy hardened-objects: warehouse-app can write to its image",
        severity: "error",
      },
      { message: "policy cost-leaves-compute: Enterprise leaves nothing", severity: "warning" },
    ]);
  });

  it("are none in a log that ends early", () => {
    expect(violationsIn("")).toEqual([]);
  });
});
