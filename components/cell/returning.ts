import type { OpsFailure } from "../../ops/failure.ts";
import type { Issue } from "../../registry/issues.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { backupPrefix } from "../../registry/naming.ts";
import type { TenantRecord } from "../../registry/records.ts";
import type { CellConfig } from "./config.ts";
import { openBucket } from "./openBucket.ts";

/** States in which a tenant waits that comes back from state archived. */
const WAITING: readonly (string | undefined)[] = ["archived", "suspended"];

/**
 * A tenant that was archived is not served, nor backed up for the last time, before what was emptied is restored.
 * @param applied what the last `up` left
 */
export async function missingDataIssues(
  applied: readonly TenantRecord[],
  { entries }: LoadedRegistry,
  cell: CellConfig,
): Promise<Issue[]> {
  const states = new Map(applied.map(({ id, state }) => [id, state]));
  const returning = entries.filter(
    ({ entry: { id, state } }) =>
      WAITING.includes(states.get(id)) && !WAITING.includes(state) && state !== "deleted",
  );
  if (returning.length === 0) return [];
  const { missingParts } = await import("../../ops/offboarding/emptied.ts");
  const bucket = await openBucket(cell);
  const issues = returning.map(async (tenant): Promise<Issue[]> => {
    const { id, state } = tenant.entry;
    try {
      const missing = await missingParts(bucket, backupPrefix(id));
      if (missing.length === 0) return [];
      const parts = missing.map(({ part }) => part).join(" and ");
      return [
        tenant.issue(
          ["state"],
          `cannot become ${state}: its ${parts} were deleted when it was archived and are not restored; apply state suspended, then run: npx tenant restore ${id}`,
        ),
      ];
    } catch (error) {
      return [tenant.issue(["state"], (error as OpsFailure).message)];
    }
  });
  return (await Promise.all(issues)).flat();
}
