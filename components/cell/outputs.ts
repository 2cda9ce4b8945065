import { namespaceName } from "../../registry/naming.ts";
import type { Compute, TenantSpec } from "../../registry/spec.ts";

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
  /** How often the application's database password has been replaced. */
  readonly rotation: number;
  /** Bytes of the uploads volume, which never shrinks. */
  readonly uploadsBytes: number;
  /** What the namespace's pods may request: millicores and bytes. */
  readonly quota: Compute;
}

/** The stack output `tenants`, keyed by id. */
export function tenantOutputs(tenants: readonly TenantSpec[]): Record<string, TenantOutput> {
  return Object.fromEntries(
    tenants.map((spec) => {
      const { id, plan, placement, state, region, host, uploadsBytes } = spec;
      const record = {
        namespace: namespaceName(id),
        release: spec.release.version,
        rotation: spec.credentials.rotation,
        quota: spec.quota.requests,
      };
      return [id, { id, plan, placement, state, region, host, uploadsBytes, ...record }];
    }),
  );
}
