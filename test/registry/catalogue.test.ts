import { planChange, planMargin } from "../../registry/margins.ts";
import { issuesOf, loadValid, realCatalogue, realRegistry } from "../support/registry.ts";

const { plans } = loadValid().catalogue;

describe("the catalogue", () => {
  it("holds the founding plan's figures exactly", () => {
    const figures = Object.fromEntries(
      Object.entries(plans).map(([name, { priceMinor, cost, resources }]) => [
        name,
        [
          priceMinor / 100,
          cost.totalMinor / 100,
          cost.aiMinor / 100,
          cost.supportMinor / 100,
          resources.cpu / 1000,
          resources.memory / 2 ** 30,
          resources.storage / 2 ** 30,
        ],
      ]),
    );
    expect(figures).toEqual({
      starter: [99, 15, 0, 0, 0.25, 0.5, 10],
      professional: [199, 25, 0, 0, 0.5, 1, 25],
      ai_enhanced: [399, 75, 50, 0, 1, 2, 50],
      enterprise: [699, 150, 100, 50, 2, 4, 100],
    });
  });

  it("earns the founding plan's margins: $324 (81 %) and $549 (79 %)", () => {
    const margins = [plans.ai_enhanced, plans.enterprise].map((plan) => {
      const { marginMinor, marginBps } = planMargin(plan);
      return [marginMinor / 100, Math.round(marginBps / 100)];
    });
    expect(margins).toEqual([
      [324, 81],
      [549, 79],
    ]);
  });

  it("tells what a change of plan makes", () => {
    expect(planChange(plans.ai_enhanced, plans.enterprise)).toEqual({
      priceMinor: 30000,
      costMinor: 7500,
      marginMinor: 22500,
    });
    expect(planMargin({ priceMinor: 0, cost: { totalMinor: 10, aiMinor: 0, supportMinor: 0 } })).toEqual({
      marginMinor: -10,
      marginBps: 0,
      computeMinor: 10,
    });
  });
});

describe("an impossible plan", () => {
  it.each([
    [
      "shares above the cost",
      "totalMinor: 15000, aiMinor: 10000",
      "totalMinor: 12000, aiMinor: 10000",
      "tenants/plans.yaml:77:25 plans.enterprise.cost.totalMinor: 12000 is less than its AI and support shares together",
    ],
    [
      "fewest pods above the most",
      "replicas: { min: 2, max: 6 }",
      "replicas: { min: 7, max: 6 }",
      "tenants/plans.yaml:80:30 plans.enterprise.replicas.max: 6 is below replicas.min (7)",
    ],
    [
      "connections below its logins'",
      "connections: 70",
      "connections: 7",
      "tenants/plans.yaml:81:95 plans.enterprise.database.connections: 7 is below what its logins may open together (65)",
    ],
    [
      "pods without CPU",
      "resources: { cpu: 250m, memory: 512Mi",
      "resources: { cpu: 10m, memory: 512Mi",
      'tenants/plans.yaml:13:23 plans.starter.resources.cpu: "10m" leaves less than 50m for each of 1 pods',
    ],
    [
      "pods without memory",
      "memory: 512Mi",
      "memory: 64Mi",
      'tenants/plans.yaml:13:37 plans.starter.resources.memory: "64Mi" leaves less than 128Mi for each of 1 pods',
    ],
    [
      "an alert that never ends",
      "backupMaxAgeMinutes: 480",
      "backupMaxAgeMinutes: 360",
      "tenants/plans.yaml:94:67 plans.enterprise.slo.backupMaxAgeMinutes: 360 is not above the 360 minutes between two backups, so its alert would never end",
    ],
    [
      "a cost of AI that is not sold",
      "totalMinor: 1500, aiMinor: 0",
      "totalMinor: 1500, aiMinor: 5",
      "tenants/plans.yaml:11:40 plans.starter.cost.aiMinor: 5 is a cost of AI, which the plan does not include",
    ],
    [
      "a negative price",
      "priceMinor: 9900",
      "priceMinor: -9900",
      "tenants/plans.yaml:10:17 plans.starter.priceMinor: -9900 must be at least 0",
    ],
    [
      "a price in dollars",
      "priceMinor: 9900",
      "priceMinor: 99.5",
      "tenants/plans.yaml:10:17 plans.starter.priceMinor: 99.5 is not a whole number",
    ],
    [
      "an availability of 100 %",
      "availability: 0.9995",
      "availability: 1",
      "tenants/plans.yaml:94:26 plans.enterprise.slo.availability: 1 must be below 1",
    ],
    [
      "a schedule every minute",
      '"0 */6 * * *"',
      '"* * * * *"',
      'tenants/plans.yaml:93:25 plans.enterprise.backup.schedule: "* * * * *" is no supported schedule; write minute and hour, e.g. "0 2 * * *" or "0 */6 * * *"',
    ],
    [
      "text instead of true",
      "customization: true",
      "customization: yes",
      'tenants/plans.yaml:90:24 plans.enterprise.entitlements.customization: "yes" is not true or false',
    ],
    [
      "another currency",
      "currency: USD",
      "currency: Dollar",
      'tenants/plans.yaml:6:11 currency: "Dollar" is no ISO 4217 code; write e.g. "USD"',
    ],
    [
      "a fifth plan",
      "  starter:\n",
      "  basic: {}\n  starter:\n",
      "tenants/plans.yaml:8:3 plans.basic: is no known field; remove it or check its spelling",
    ],
    [
      "decimal units",
      "memory: 512Mi",
      "memory: 512M",
      'tenants/plans.yaml:13:37 plans.starter.resources.memory: "512M" is no quantity in binary units; write "512Mi" or "10Gi"',
    ],
  ])("is refused: %s", (_name, from, to, message) => {
    const edited = realCatalogue.replace(from, to);
    expect(edited).not.toBe(realCatalogue);
    expect(issuesOf(realRegistry, edited)).toEqual([message]);
  });
});
