import { namespaceName } from "../../registry/naming.ts";
import type { TenantSpec } from "../../registry/spec.ts";

/** One tenant in the stack output `tenants`. The next `up` compares the registry with it. */
export interface TenantOutput {
  readonly id: string;
  readonly plan: string;
  readonly placement: string;
  readonly state: string;
  readonly region: string;
  readonly host: string;
  readonly namespace: string;
  /** Version of the application, e.g. v2.1.0. */
  readonly release: string;
}

/** The stack output `tenants`, keyed by id. */
export function tenantOutputs(tenants: readonly TenantSpec[]): Record<string, TenantOutput> {
  return Object.fromEntries(
    tenants.map(({ id, plan, placement, state, region, host, release }) => [
      id,
      { id, plan, placement, state, region, host, namespace: namespaceName(id), release: release.version },
    ]),
  );
}
