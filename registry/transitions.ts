import { inReadingOrder, type Issue } from "./issues.ts";
import type { LoadedRegistry } from "./load.ts";
import { recordOf, type TenantRecord } from "./records.ts";
import type { TenantSpec } from "./spec.ts";
import { transitionRules, type Change } from "./transitionRules.ts";

export { appliedTenants } from "./records.ts";

/**
 * Compares the registry with what the last `up` left and refuses every step that would lose data.
 * @param previous the tenants of the last outputs, see `appliedTenants`
 */
export function forbiddenTransitions(previous: readonly TenantRecord[], next: LoadedRegistry): Issue[] {
  const { cell } = next.context;
  // What the stack of a cell has made is in that cell.
  const here = cell === undefined ? previous : previous.map((record) => ({ cell, ...record }));
  return check(here, next, false);
}

/**
 * The tenants whose namespace is about to get a smaller quota than the last `up` gave it. Their workload shrinks first:
 * the pods of a rollout would not fit in the smaller quota beside those that still run.
 */
export function shrinkingTenants(
  previous: readonly TenantRecord[],
  next: readonly TenantSpec[],
): ReadonlySet<string> {
  const quotas = new Map(previous.map(({ id, quota }) => [id, quota]));
  return new Set(
    next
      .filter(({ id, quota: { requests } }) => {
        const before = quotas.get(id);
        return before !== undefined && (requests.cpu < before.cpu || requests.memory < before.memory);
      })
      .map(({ id }) => id),
  );
}

/** Compares two revisions of the registry, e.g. a pull request's and its merge base: one edit. */
export const forbiddenChanges = (previous: LoadedRegistry, next: LoadedRegistry): Issue[] =>
  check(
    [...previous.entries, ...previous.elsewhere].map((tenant) => recordOf(tenant, previous)),
    next,
    true,
  );

function check(before: readonly TenantRecord[], next: LoadedRegistry, isOneEdit: boolean): Issue[] {
  const present = new Map(
    [...next.entries, ...next.elsewhere].map((tenant) => [
      tenant.entry.id,
      { record: recordOf(tenant, next), tenant },
    ]),
  );
  const past = new Set(before.map(({ id }) => id));
  const change: Change = {
    before,
    steps: before.flatMap((record) => {
      const now = present.get(record.id);
      return now === undefined ? [] : [{ before: record, after: now.record, tenant: now.tenant }];
    }),
    missing: before.filter(({ id }) => !present.has(id)),
    added: [...present.values()].filter(({ record }) => !past.has(record.id)),
    isOneEdit,
  };
  return inReadingOrder(Object.values(transitionRules).flatMap((rule) => rule(change)));
}
