import { secret, type Resource } from "@pulumi/pulumi";
import type { CellConfig } from "../../components/cell/config.ts";
import { accessKeysOf, type AccessKeys } from "../../components/accessKeys.ts";
import { Foundation } from "../../components/cell/foundation.ts";
import { neededPools } from "../../components/cell/pool.ts";
import { deployTenants } from "../../components/cell/tenants.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { register, type Registration } from "./mocks.ts";

/** A cell with a Gateway, as components get it. */
export const gatewayCell: CellConfig = {
  cell: "test",
  region: "us-west-2",
  baseDomain: "yourwarehousesaas.com",
  kubernetes: { context: "test" },
  database: { host: "db.internal", port: 5432, user: "platform", sslmode: "verify-full" },
  aws: {},
  backup: {
    bucket: "warehouse-backups",
    manage: true,
    encryption: { algorithm: "AES256" },
    identity: { kind: "podIdentity", cluster: "test" },
    image: `registry.example.com/warehouse-ops@sha256:${"0".repeat(64)}`,
  },
  operations: true,
  qualifier: "",
  maxTenants: 100,
  edge: {
    mode: "gateway",
    gateway: { name: "platform", namespace: "gateway-system" },
    clusterIssuer: "letsencrypt-prod",
    acmeChallenge: "dns01",
  },
  network: {
    clusterCidrs: ["10.0.0.0/16", "fd00::/8"],
    databaseCidrs: ["10.0.64.0/20"],
    storageCidrs: [],
    monitoringNamespace: "monitoring",
    certManagerNamespace: "cert-manager",
  },
  nodes: { plans: {}, tenants: {} },
  storage: { uploadsClass: "uploads" },
};

/** The same with an Ingress controller. */
export const ingressCell: CellConfig = {
  ...gatewayCell,
  edge: {
    mode: "ingress",
    ingressClass: "nginx",
    controllerNamespace: "ingress-nginx",
    clusterIssuer: "letsencrypt-prod",
    acmeChallenge: "http01",
  },
};

/** What passwords follow from in `renderCell`. */
export const SEED = "seed-of-all-passwords";

/**
 * What the program registers for a registry in a cell that had no pools.
 * @param others declares what else a cell may have
 * @param limitedTo ids of the tenants to which the run is limited. Default: it is whole
 */
export const renderCell = (
  { tenants, pools }: LoadedRegistry,
  cell: CellConfig = gatewayCell,
  others: (foundation: readonly Resource[], keys: AccessKeys | undefined) => void = () => undefined,
  limitedTo?: ReadonlySet<string>,
): Promise<Registration[]> =>
  register(async () => {
    const foundation = new Foundation(cell, {}).parts;
    const hooks = { tenant: [], hold: [], prefix: [], cell: [] };
    const shared = { pools: neededPools(pools, tenants, []), shrinking: new Set<string>() };
    const limit = limitedTo === undefined ? {} : { limitedTo };
    const keys = accessKeysOf(cell, {});
    await deployTenants(
      { cell, foundation, seed: secret(SEED), keys, tenants, hooks, ...shared, ...limit },
      {},
    );
    others(foundation, keys);
  });
