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
      "tenants/plans.yaml:79:25 plans.enterprise.cost.totalMinor: 12000 is less than its AI and support shares together",
    ],
    [
      "fewest pods above the most",
      "replicas: { min: 2, max: 6 }",
      "replicas: { min: 7, max: 6 }",
      "tenants/plans.yaml:14:30 plans.starter.replicas.max: 6 is below replicas.min (7)",
    ],
    [
      "connections below its logins'",
      "connections: 70",
      "connections: 7",
      "tenants/plans.yaml:83:95 plans.enterprise.database.connections: 7 is below what its logins may open together (65)",
    ],
    [
      "a backup without a connection for its snapshot",
      "backupConnections: 2, connections: 7",
      "backupConnections: 1, connections: 7",
      "tenants/plans.yaml:16:78 plans.starter.database.backupConnections: 1 is less than the 2 that a backup takes",
    ],
    [
      "pods without CPU",
      'resources: { cpu: "2", memory',
      "resources: { cpu: 90m, memory",
      'tenants/plans.yaml:81:23 plans.enterprise.resources.cpu: "90m" leaves less than 50m for each of 2 pods',
    ],
    [
      "pods without memory",
      "memory: 4Gi",
      "memory: 64Mi",
      'tenants/plans.yaml:81:36 plans.enterprise.resources.memory: "64Mi" leaves less than 128Mi for each of 2 pods',
    ],
    [
      "a pool that is not described",
      "    pool: { cpu: 500m, memory: 1Gi, storage: 500Gi }\n",
      "",
      'tenants/plans.yaml:12:16 plans.starter.placement: "pool" says nothing of what is shared; add e.g. pool: { cpu: 500m, memory: 1Gi, storage: 500Gi }',
    ],
    [
      "two plans with one pool",
      "placement: bridge",
      "placement: pool",
      'tenants/plans.yaml:35:16 plans.professional.placement: "pool" is the placement of starter already; each plan with a pool has a placement of its own',
    ],
    [
      "a pool that nobody shares",
      "    replicas: { min: 2, max: 4 }\n",
      "    replicas: { min: 2, max: 4 }\n    pool: { cpu: 500m, memory: 1Gi, storage: 500Gi }\n",
      'tenants/plans.yaml:58:16 plans.ai_enhanced.placement: "silo" shares nothing with other tenants; remove pool',
    ],
    [
      "a pool's pods without CPU",
      "pool: { cpu: 500m,",
      "pool: { cpu: 10m,",
      'tenants/plans.yaml:15:18 plans.starter.pool.cpu: "10m" is less than the 50m that a pod needs',
    ],
    [
      "a pool's pods without memory",
      "pool: { cpu: 500m, memory: 1Gi",
      "pool: { cpu: 500m, memory: 64Mi",
      'tenants/plans.yaml:15:32 plans.starter.pool.memory: "64Mi" is less than the 128Mi that a pod needs',
    ],
    [
      "a version of one's own in shared pods",
      "versionPin: false",
      "versionPin: true",
      "tenants/plans.yaml:26:21 plans.starter.entitlements.versionPin: true is for pods of the tenant's own, which placement pool does not have; write false",
    ],
    [
      "an alert that never ends",
      "backupMaxAgeMinutes: 480",
      "backupMaxAgeMinutes: 360",
      "tenants/plans.yaml:96:67 plans.enterprise.slo.backupMaxAgeMinutes: 360 is not above the 360 minutes between two backups, so its alert would never end",
    ],
    [
      "a retention that the bucket has no rule for",
      "retainDays: 14",
      "retainDays: 15",
      "tenants/plans.yaml:28:50 plans.starter.backup.retainDays: 15 is not allowed here; use one of: 7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825, 2555, 3650",
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
      "tenants/plans.yaml:96:26 plans.enterprise.slo.availability: 1 must be below 1",
    ],
    [
      "a schedule every minute",
      '"0 */6 * * *"',
      '"* * * * *"',
      'tenants/plans.yaml:95:25 plans.enterprise.backup.schedule: "* * * * *" is no supported schedule; write minute and hour, e.g. "0 2 * * *" or "0 */6 * * *"',
    ],
    [
      "text instead of true",
      "customization: true",
      "customization: yes",
      'tenants/plans.yaml:92:24 plans.enterprise.entitlements.customization: "yes" is not true or false',
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
