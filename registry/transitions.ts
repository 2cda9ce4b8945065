import type { Issue } from "./issues.ts";
import type { TenantSpec } from "./spec.ts";

/** What is remembered of a tenant from the last `up`: its record in the stack output `tenants`. */
export interface AppliedTenant {
  readonly id: string;
  readonly placement: string;
}

/** The tenants of a previous stack output; records that cannot be read count as absent. */
export function appliedTenants(output: unknown): readonly AppliedTenant[] {
  if (typeof output !== "object" || output === null) return [];
  return Object.values(output).filter(
    (record: unknown): record is AppliedTenant =>
      typeof record === "object" &&
      record !== null &&
      "id" in record &&
      typeof record.id === "string" &&
      "placement" in record,
  );
}

/**
 * Compares the registry with what was last applied and refuses every step that would lose data.
 * @param file the registry's name, for the issues
 */
export function forbiddenTransitions(
  previous: readonly AppliedTenant[],
  next: readonly TenantSpec[],
  file: string,
): Issue[] {
  const present = new Map(next.map((tenant) => [tenant.id, tenant]));
  return previous.flatMap(({ id, placement }) => {
    const now = present.get(id);
    if (now === undefined) {
      return [
        {
          file,
          subject: id,
          message:
            "is live but no longer in the registry: removing or renaming an entry would destroy the tenant's data; put it back, ids never change (another name is a displayName)",
        },
      ];
    }
    if (now.placement !== placement) {
      return [
        {
          file,
          subject: `${id}.plan`,
          message: `would move the tenant from placement ${placement} to ${now.placement}, which a change of plan alone does not do safely; choose a plan with placement ${placement}`,
        },
      ];
    }
    return [];
  });
}
