/**
 * Environment variable with the ids of some tenants, separated by commas. The program then registers these and what the
 * cell shares, and no other tenant, which takes a fraction of the time. `npx tenant up` sets it together with `--target`,
 * without which the engine would take the others for deleted.
 */
export const LIMIT_VARIABLE = "WAREHOUSE_TENANTS";

/** The tenants that the run is limited to. undefined: all of the cell. */
export function limitOf(env: NodeJS.ProcessEnv): ReadonlySet<string> | undefined {
  const text = env[LIMIT_VARIABLE];
  return text === undefined || text === "" ? undefined : new Set(text.split(","));
}
