import type { CellConfig } from "../../components/cell/config.ts";
import { DatabaseServer } from "../../components/cell/databaseServer.ts";
import { Fleet } from "../../components/cell/fleet.ts";
import { Operations } from "../../components/cell/operations.ts";
import type { Manifest } from "../../policy/manifest.ts";
import { manifestOf } from "../../policy/pack/resource.ts";
import type { Registration } from "./mocks.ts";
import { renderCell } from "./cell.ts";
import { loadValid, registryOf, tombstone } from "./registry.ts";

/** The Kubernetes objects among what the program registers. */
export const manifestsOf = (registrations: readonly Registration[]): Manifest[] =>
  registrations.flatMap((each) => manifestOf(each) ?? []);

/** A registry with every plan and placement, and the states that change what is made. */
const EVERY_KIND = registryOf(
  {
    id: "acme",
    plan: "enterprise",
    domains: [{ host: "wms.acme.example", verification: "verified" }],
    features: { integrations: ["sap", "oracle"] },
    integrationServers: {
      sap: { host: "sap.acme.example", ports: [443, 44300], cidrs: ["198.51.100.0/28"] },
    },
  },
  { id: "acme-2", plan: "ai_enhanced", state: "suspended" },
  {
    id: "dora",
    plan: "professional",
    domains: [{ host: "wms.dora.example", verification: "verified" }],
    features: { integrations: ["oracle"] },
    integrationServers: { oracle: { host: "erp.dora.example", ports: [1522], cidrs: ["198.51.100.64/28"] } },
  },
  { id: "erik", plan: "professional", state: "suspended" },
  { id: "carla", plan: "starter" },
  { id: "carla-2", plan: "starter", state: "suspended", suspension: { reason: "security" } },
  { id: "fred", plan: "enterprise", migration: { kind: "placement", from: "starter", phase: "sync" } },
  {
    id: "gale",
    plan: "starter",
    state: "offboarding",
    offboarding: { reason: "unpaid", purgeAfter: "2026-05-01T00:00:00Z" },
  },
  {
    id: "hugo",
    plan: "enterprise",
    state: "archived",
    offboarding: {
      reason: "unpaid",
      purgeAfter: "2026-05-01T00:00:00Z",
      finalBackup: {
        id: "hugo-20260401T000000Z",
        sha256: "4".repeat(64),
        verifiedAt: "2026-04-01T01:00:00Z",
      },
    },
  },
  tombstone,
);

/** Everything that the program registers in a cell. */
export function renderResources(cell: CellConfig, registry = EVERY_KIND): Promise<Registration[]> {
  const loaded = loadValid(registry);
  return renderCell(loaded, cell, (foundation, keys) => {
    const server = new DatabaseServer({ isClosed: true }, {});
    const { namespace } = new Operations({ cell, foundation, server, keys }, {});
    new Fleet({ cell, namespace, catalogue: loaded.catalogue }, {});
  });
}

/** Every kind of Kubernetes object that the program makes in a cell. */
export const renderManifests = async (cell: CellConfig, registry = EVERY_KIND): Promise<Manifest[]> =>
  manifestsOf(await renderResources(cell, registry));
