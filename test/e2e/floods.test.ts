import { connectionOf, openWorkplace, tenantLogin, type Workplace } from "../support/e2e.ts";
import { flood } from "../support/flood.ts";

jest.setTimeout(300_000);

/** Two tenants of each placement. */
const PLANS = {
  carla: "starter",
  "carla-2": "starter",
  dora: "professional",
  erik: "professional",
  acme: "enterprise",
  beta: "ai_enhanced",
} as const;

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace();
  const file = "tenants/tenants.yaml";
  const text = place.read(file);
  const entries = Object.entries(PLANS).map(
    ([id, plan]) => `\n  - { id: ${id}, plan: ${plan}, since: "2026-01-01T00:00:00Z" }`,
  );
  place.write(file, `${text.slice(0, text.indexOf("tenants:\n"))}tenants:${entries.join("")}\n`);
  const { code, output } = await place.pulumi("up", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(output);
}, 600_000);
afterAll(() => place.close());

describe("a flood of connections", () => {
  it.each([
    ["carla", "carla-2", 4],
    ["dora", "erik", 12],
    ["acme", "beta", 60],
  ])("by %s ends at its limit, and its neighbour %s hardly notices", async (id, neighbour, limit) => {
    const [own, other] = await Promise.all([id, neighbour].map((each) => tenantLogin(place, each)));
    if (own === undefined || other === undefined) throw new Error("no logins");
    const { slowdown, ...said } = await flood(connectionOf(place, own), connectionOf(place, other));
    expect(said).toEqual({ opened: limit, refusals: [`too many connections for role "${own.user}"`] });
    expect(slowdown).toBeLessThan(2);
  });
});
