import { openWorkplace, type Outcome, type Workplace } from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
}, 40 * MINUTE);
afterAll(() => place.close());

const underPolicies = (...args: string[]): Promise<Outcome> =>
  place.pulumi(...args, "--policy-pack", "policy/pack");

/** What stops the deployment, each with its policy and its resource. */
const violations = (output: string): string[] => output.match(/\[mandatory\].*\n.*\n.*/g) ?? [];

/** What the policies say while a file of the program is another. */
async function withEdit(file: string, from: string, to: string): Promise<Outcome> {
  const text = place.read(file);
  place.edit(file, from, to);
  try {
    return await underPolicies("preview");
  } finally {
    place.write(file, text);
  }
}

describe("the policy pack in the engine", () => {
  it("lets the first preview pass, in which much is unknown, and advises on costs", async () => {
    const { code, output } = await underPolicies("preview");
    expect(output).toContain("[advisory]  cost-leaves-compute");
    expect(violations(output)).toEqual([]);
    expect(code).toBe(0);
  });

  it("stops faults of the program before anything is made", async () => {
    const isolation = await withEdit(
      "components/network.ts",
      'policyTypes: ["Ingress", "Egress"],',
      'policyTypes: ["Ingress"],',
    );
    expect(isolation.output).toContain("hardened-cell");
    expect(isolation.output).toContain("does not deny Egress by default");
    expect(isolation.code).not.toBe(0);

    const pods = await withEdit(
      "components/pod.ts",
      "readOnlyRootFilesystem: true",
      "readOnlyRootFilesystem: false",
    );
    expect(pods.output).toContain("hardened-objects");
    expect(pods.output).toContain("warehouse-app can write to its image");
    expect(pods.code).not.toBe(0);

    const protection = await withEdit("components/namespace.ts", "protect = true,", "protect = false,");
    expect(protection.output).toContain("protected-data");
    expect(protection.code).not.toBe(0);
  });

  it(
    "deploys what holds, and previews nothing to do",
    async () => {
      const up = await underPolicies("up", "--yes", "--skip-preview");
      expect(violations(up.output)).toEqual([]);
      expect(up.code).toBe(0);
      const { code, output } = await underPolicies("preview", "--expect-no-changes");
      expect(violations(output)).toEqual([]);
      expect(code).toBe(0);
    },
    15 * 60_000,
  );

  it("finds a credential that is not marked, which the state would hold for all to read", async () => {
    const { code, output } = await withEdit(
      "components/app.ts",
      "    INTEGRATIONS: features.integrations",
      '    DSN: "postgres://app:hunter2@db/warehouse",\n    INTEGRATIONS: features.integrations',
    );
    expect(output).toContain("no-plaintext-secret");
    expect(output).toContain("spec holds a credential that is not marked as secret");
    expect(output).not.toContain("hunter2");
    expect(code).not.toBe(0);
  });
});
