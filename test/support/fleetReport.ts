import { buildBilling } from "../../billing/build.ts";
import type { LiveFacts, Source } from "../../report/facts.ts";
import { buildReport, type Report } from "../../report/report.ts";
import { loadValid, NOW, registryOf, tombstone } from "./registry.ts";

const read = (from: string): Source => ({ read: true, from, at: "2026-11-23T12:00:00Z" });
const ago = (hours: number): string => new Date(NOW.getTime() - hours * 3_600_000).toISOString();

/** Tenants in every state, some of which need attention; a name that would be markup if it were not escaped. */
const REGISTRY = registryOf(
  ...[
    { id: "acme", displayName: "ACME Corp", plan: "enterprise", ring: 0, region: "us-west-2" },
    { id: "beta", displayName: "Beta Retail", plan: "ai_enhanced", release: "v2.0.5" },
    { id: "carla", displayName: "Carla's <b>Shop</b> & Sons", plan: "starter" },
    { id: "dora", displayName: "Dora Logistics", plan: "professional", state: "past_due" },
    { id: "erik", displayName: "Erik Parts", plan: "professional" },
    { id: "fred", displayName: "Fred Foods", plan: "starter", state: "suspended" },
    { id: "gale", displayName: "Gale Wind", plan: "starter", state: "trial" },
    {
      id: "hugo",
      displayName: "Hugo Metals",
      plan: "enterprise",
      state: "offboarding",
      offboarding: { reason: "customer_request", purgeAfter: "2027-01-31T00:00:00Z" },
    },
  ].map((entry) => ({ ...entry, billing: { subscriptionRef: `sub_${entry.id}` } })),
  tombstone,
);

/** What was measured of those tenants. */
const FACTS: LiveFacts = {
  applied: {
    source: read("outputs of stack prod"),
    byTenant: new Map(
      ["acme", "beta", "carla", "dora", "erik", "fred", "hugo"].map((id) => [
        id,
        {
          plan:
            {
              acme: "enterprise",
              beta: "ai_enhanced",
              carla: "starter",
              fred: "starter",
              hugo: "enterprise",
            }[id] ?? "professional",
          state: { dora: "active", fred: "suspended", hugo: "offboarding" }[id] ?? "active",
          release: id === "beta" ? "v2.0.5" : "v2.1.0",
        },
      ]),
    ),
  },
  backups: {
    source: read("bucket warehouse-backups"),
    byTenant: new Map(
      Object.entries({ acme: 3, beta: 20, carla: 9, dora: 11, erik: 10, fred: 9, hugo: 5 }).map(
        ([id, hours]) => [id, { id: `${id}-20261123T000000Z`, at: ago(hours), bytes: 37_000_000 * hours }],
      ),
    ),
  },
  drills: {
    source: read("bucket warehouse-backups"),
    byTenant: new Map(
      Object.entries({ acme: 60, beta: 200, carla: 40 * 24, dora: 90, fred: 300, hugo: 12 }).map(
        ([id, hours]) => [id, { at: ago(hours), seconds: 40 + hours }],
      ),
    ),
  },
  certificates: {
    source: read("cluster prod"),
    byTenant: new Map([
      ["acme", [{ name: "acme-tls", hosts: ["wms.acme.example"], endsAt: ago(-24 * 62) }]],
      ["dora", [{ name: "dora-tls", hosts: ["wms.dora.example"], endsAt: ago(-24 * 5) }]],
      ["erik", [{ name: "erik-tls", hosts: ["wms.erik.example"], endsAt: null }]],
    ]),
  },
  quotas: {
    source: read("cluster prod"),
    byTenant: new Map([
      ["acme", { resource: "requests.memory", used: "14Gi", hard: "15Gi", share: 14 / 15 }],
      ["beta", { resource: "requests.cpu", used: "2", hard: "5500m", share: 2 / 5.5 }],
    ]),
  },
  drift: { source: read("files drift.json"), byTenant: new Map([["beta", 2]]) },
  service: {
    source: { read: false, from: "Prometheus", why: "name it by --prometheus <url>" },
    byTenant: new Map(),
  },
};

/** A report in which there is one of everything. */
export function fleetReport(): Report {
  const registry = loadValid(REGISTRY);
  const { tenants } = buildBilling(registry, "");
  return buildReport({
    registry,
    billing: tenants,
    facts: FACTS,
    now: NOW,
    commit: "0123456789abcdef".repeat(2),
  });
}
