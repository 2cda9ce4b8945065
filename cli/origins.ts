import type { LoadedRegistry, RegisteredTenant } from "../registry/load.ts";
import { effectivePlan } from "../registry/placement.ts";
import { ringOf, servingVersion } from "../registry/rollout.ts";

/** Where a value of a resolved tenant was decided. cell: the stack that deploys it; catalogue: releases of the registry. */
export const ORIGINS = ["entry", "defaults", "plan", "ring", "pin", "releases", "cell", "built-in"] as const;
export type Origin = (typeof ORIGINS)[number];

type OriginOf = (tenant: RegisteredTenant["entry"], registry: LoadedRegistry) => Origin;

const either =
  (isWritten: (entry: RegisteredTenant["entry"]) => boolean, otherwise: Origin): OriginOf =>
  (entry) =>
    isWritten(entry) ? "entry" : otherwise;

const storage = either(
  ({ overrides, uploadsVolume }) => overrides.storage !== undefined || uploadsVolume !== undefined,
  "plan",
);
const replicas = either(({ overrides }) => overrides.replicas !== undefined, "plan");

/** The origin of each value by its path in the resolved tenant; the longest path that leads to a value counts. */
const ORIGIN_BY_PATH: Readonly<Record<string, Origin | OriginOf>> = {
  id: "entry",
  displayName: either(({ displayName }) => displayName !== undefined, "built-in"),
  plan: "entry",
  placement: "plan",
  // A state that is not written reads as active.
  state: either(({ state }) => state !== "active", "built-in"),
  serving: "built-in",
  suspensionMode: either(({ suspension }) => suspension !== undefined, "built-in"),
  since: "entry",
  region: ({ region }, { defaults }) =>
    region !== undefined ? "entry" : defaults.region === undefined ? "cell" : "defaults",
  host: "built-in",
  customHosts: either(({ domains }) => domains.length > 0, "built-in"),
  ring: ({ ring }, { defaults }) =>
    ring !== undefined ? "entry" : defaults.ring === undefined ? "built-in" : "defaults",
  "release.version": (entry, registry) => (servingVersion(entry, registry).from === "pin" ? "pin" : "ring"),
  "release.image": "releases",
  "release.secrets": "releases",
  "features.aiWorkflows": either(({ features }) => features.ai_workflows !== undefined, "plan"),
  "features.chatbot": either(({ features }) => features.chatbot !== undefined, "plan"),
  "features.theme": either(({ features }) => features.custom_theme !== undefined, "built-in"),
  "features.integrations": either(({ features }) => features.integrations.length > 0, "built-in"),
  egress: either(({ integrationServers }) => Object.keys(integrationServers).length > 0, "built-in"),
  "branding.productName": either(({ branding }) => branding.productName !== undefined, "built-in"),
  "branding.primaryColor": either(({ branding }) => branding.primaryColor !== undefined, "built-in"),
  "branding.logoUrl": either(({ branding }) => branding.logoUrl !== undefined, "built-in"),
  // Pods share the plan's figures between the fewest replicas.
  pod: replicas,
  replicas,
  uploadsBytes: storage,
  quota: replicas,
  "quota.storageBytes": storage,
  connections: "plan",
  "credentials.rotation": either(({ credentials }) => credentials.rotation > 0, "built-in"),
  dashboard: either(({ observability }) => observability.dashboard !== "shared", "built-in"),
  backup: "plan",
  slo: "plan",
  money: "plan",
  move: "entry",
  "move.other.release": "releases",
};

export function originOf(
  path: string,
  { entry }: RegisteredTenant,
  registry: LoadedRegistry,
): Origin | undefined {
  const parts = path.split(".");
  for (let length = parts.length; length > 0; length--) {
    const origin = ORIGIN_BY_PATH[parts.slice(0, length).join(".")];
    if (origin !== undefined) return typeof origin === "string" ? origin : origin(entry, registry);
  }
  return undefined;
}

/** What an origin is called on a screen: `ring 1 (early)`. */
export function describeOrigin(
  origin: Origin,
  { entry }: RegisteredTenant,
  registry: LoadedRegistry,
): string {
  switch (origin) {
    case "plan":
      return `plan ${effectivePlan(entry)}`;
    case "ring": {
      // A pool runs what ring 2 runs.
      const pooled = servingVersion(entry, registry).from === "pool";
      const ring = pooled ? 2 : ringOf(entry, registry.defaults);
      return `ring ${ring} (${registry.releases.rings[`${ring}`].name})`;
    }
    case "pin":
      return `pin until ${entry.pin?.until ?? ""}`;
    case "entry":
    case "defaults":
    case "releases":
    case "cell":
    case "built-in":
      return origin;
    default:
      return origin satisfies never;
  }
}
