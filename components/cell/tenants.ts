import type { ComponentResourceOptions, Output, Resource } from "@pulumi/pulumi";
import { setImmediate } from "node:timers/promises";
import { hasOwnDatabase } from "../../registry/placement.ts";
import type { PoolSpec, TenantSpec } from "../../registry/spec.ts";
import type { AccessKeys } from "../accessKeys.ts";
import { TenantStack } from "../tenantStack.ts";
import { createTenantBucket } from "./bucket.ts";
import type { CellConfig } from "./config.ts";
import type { DirectoryEntry } from "./directory.ts";
import type { LifecycleHooks } from "./leaving.ts";
import { Pool } from "./pool.ts";
import { SharedDatabase } from "./sharedDatabase.ts";

/** What a cell is made of. */
export interface CellParts {
  readonly cell: CellConfig;
  /** What is in force before the first namespace: see `Foundation`. */
  readonly foundation: readonly Resource[];
  /** What the passwords of the tenants' logins follow from. */
  readonly seed: Output<string>;
  readonly keys: AccessKeys | undefined;
  readonly tenants: readonly TenantSpec[];
  /** The pools that the cell has: see `neededPools`. */
  readonly pools: readonly PoolSpec[];
  /** Ids of the tenants whose quota becomes smaller: see `shrinkingTenants`. */
  readonly shrinking: ReadonlySet<string>;
  readonly hooks: LifecycleHooks;
  /** Ids of the tenants that a limited run registers: see `LimitedRun`. Default: all. */
  readonly limitedTo?: ReadonlySet<string>;
}

/**
 * Declares what tenants share, each tenant (or those to which the run is limited), and then the directories that name them
 * to their pools. Between tenants the engine has its turn: otherwise it would hear of the first when the last is declared.
 * @returns what depends on all of it
 */
export async function deployTenants(
  { cell, foundation, seed, keys, tenants, pools, shrinking, hooks, limitedTo }: CellParts,
  opts: ComponentResourceOptions,
): Promise<Resource[]> {
  const sharing = pools.find(({ placement }) => !hasOwnDatabase(placement));
  const shared =
    sharing === undefined
      ? undefined
      : new SharedDatabase({ cell, foundation, release: sharing.release }, opts);
  const bucket = createTenantBucket(cell, keys, opts);
  const byPlan = new Map(
    pools.map((spec) => {
      const members = tenants.filter(
        ({ plan, move }) => plan === spec.plan || move?.other.plan === spec.plan,
      );
      const after = shared === undefined || hasOwnDatabase(spec.placement) ? [] : [shared.ready];
      return [
        spec.plan,
        {
          pool: new Pool({ spec, cell, foundation, after, tenants: members }, opts),
          entries: [] as DirectoryEntry[],
        },
      ];
    }),
  );
  const all: Resource[] = shared === undefined ? [] : [shared];
  for (const spec of tenants.filter(({ id }) => limitedTo?.has(id) !== false)) {
    await setImmediate();
    const home = byPlan.get(spec.plan);
    const other = spec.move === undefined ? undefined : byPlan.get(spec.move.other.plan);
    const stack = new TenantStack(
      {
        spec,
        cell,
        foundation,
        seed,
        hooks,
        bucket,
        shrinks: shrinking.has(spec.id),
        ...(home === undefined ? {} : { pool: home.pool }),
        ...(other === undefined ? {} : { otherPool: other.pool }),
        ...(shared === undefined ? {} : { shared }),
      },
      opts,
    );
    home?.entries.push({ spec, databaseUrl: stack.databaseUrl });
    all.push(stack.lifecycle);
  }
  for (const [plan, { pool, entries }] of byPlan) {
    const unregistered = tenants.filter((spec) => spec.plan === plan && limitedTo?.has(spec.id) === false);
    // What is no target, and was made after tenants that are not registered, the engine does not take (3.250).
    if (limitedTo === undefined || entries.length > 0) pool.serve(entries, unregistered);
    all.push(pool);
  }
  return all;
}
