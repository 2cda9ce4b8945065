import { GATEWAY_API } from "../../registry/naming.ts";

/**
 * Environment variable with the ids of some tenants, separated by commas. The program then registers these and what the
 * cell shares, and no other tenant, which takes a fraction of the time. `npx tenant up` sets it together with `--target`,
 * without which the engine would take the others for deleted.
 */
export const LIMIT_VARIABLE = "WAREHOUSE_TENANTS";

/**
 * What of a pool names its tenants: logical names by type, below the pool's component, where `*` stands for more. A run
 * that is limited to one of them needs it as a target too, or the hosts of a new one lead nowhere. Nothing of a tenant
 * depends on any of it: with `--target-dependents` the engine would take such a tenant for deleted.
 */
export const POOL_TARGETS: Readonly<Record<string, string>> = {
  "kubernetes:core/v1:Secret": "directory",
  [`kubernetes:${GATEWAY_API}/v1:ReferenceGrant`]: "reference-grant*",
  "kubernetes:monitoring.coreos.com/v1:PrometheusRule": "alerts",
};

/** The tenants that the run is limited to. undefined: all of the cell. */
export function limitOf(env: NodeJS.ProcessEnv): ReadonlySet<string> | undefined {
  const text = env[LIMIT_VARIABLE];
  return text === undefined || text === "" ? undefined : new Set(text.split(","));
}
