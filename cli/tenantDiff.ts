import { isDeepStrictEqual } from "node:util";
import type { LoadedRegistry } from "../registry/load.ts";
import { flatten } from "./flatten.ts";
import { allTenants } from "./workspace.ts";

/** A value that changes. undefined where there is none. */
export interface FieldChange {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What happens to one tenant. */
export interface TenantChange {
  readonly id: string;
  readonly change: "added" | "removed" | "changed";
  /** Empty unless changed. */
  readonly fields: readonly FieldChange[];
}

/** The changes between two registries, tenant by tenant, in the order of the later one, then what is gone. */
export function tenantChanges(before: LoadedRegistry | undefined, after: LoadedRegistry): TenantChange[] {
  const [old, now] = [before === undefined ? new Map<string, Values>() : valuesOf(before), valuesOf(after)];
  const present = [...now].flatMap(([id, values]): TenantChange[] => {
    const previous = old.get(id);
    if (previous === undefined) return [{ id, change: "added", fields: [] }];
    // Of a thousand tenants all but a few are equal: their leaves need not be looked at.
    const fields = isDeepStrictEqual(previous, values) ? [] : fieldChanges(previous, values);
    return fields.length === 0 ? [] : [{ id, change: "changed", fields }];
  });
  const gone = [...old.keys()].filter((id) => !now.has(id));
  return [...present, ...gone.map((id): TenantChange => ({ id, change: "removed", fields: [] }))];
}

type Values = object;

/** Each tenant's resolved values, with what only its entry has. */
function valuesOf(registry: LoadedRegistry): ReadonlyMap<string, Values> {
  const specs = new Map(registry.tenants.map((spec) => [spec.id, spec]));
  return new Map(
    allTenants(registry).map(({ entry }) => [
      entry.id,
      // A move is told once, as the entry has it.
      { ...entry, ...specs.get(entry.id), move: undefined },
    ]),
  );
}

function fieldChanges(before: Values, after: Values): FieldChange[] {
  const [old, now] = [new Map(flatten(before)), new Map(flatten(after))];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((path) => ({ path, from: old.get(path), to: now.get(path) }))
    .filter(({ from, to }) => !isDeepStrictEqual(from, to));
}
