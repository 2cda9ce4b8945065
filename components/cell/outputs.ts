import { namespaceName } from "../../registry/naming.ts";
import { isCutOver, type MoveRecord } from "../../registry/placement.ts";
import type { Compute, PoolSpec, TenantSpec } from "../../registry/spec.ts";

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
  /** The move between plans of different placements that is under way; plan and placement above are what serves. */
  readonly move?: MoveRecord;
}

/** One pool in the stack output `pools`. The next `up` keeps it, even when its last tenant has gone. */
export interface PoolOutput {
  readonly plan: string;
  readonly placement: string;
  readonly namespace: string;
  /** Version of the application, e.g. v2.1.0. */
  readonly release: string;
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
      return [id, { id, plan, placement, state, region, host, uploadsBytes, ...record, ...moveOf(spec) }];
    }),
  );
}

function moveOf({ plan, move }: TenantSpec): Pick<TenantOutput, "move"> {
  if (move === undefined) return {};
  const { phase, other } = move;
  const [from, to] = isCutOver(phase) ? [other.plan, plan] : [plan, other.plan];
  return { move: { from, to, phase } };
}

/** The stack output `pools`, keyed by plan. */
export function poolOutputs(pools: readonly PoolSpec[]): Record<string, PoolOutput> {
  return Object.fromEntries(
    pools.map(({ plan, name, placement, release }) => [
      plan,
      { plan, placement, namespace: name, release: release.version },
    ]),
  );
}
