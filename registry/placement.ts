import type { Catalogue, Placement, PlanName } from "./catalogue.ts";
import type { TenantEntry } from "./tenantSchema.ts";

/** How far a move between placements has come, in the order of its phases. */
export const MOVE_PHASES = ["prepare", "sync", "cutover", "soak", "cleanup"] as const;
export type MovePhase = (typeof MOVE_PHASES)[number];

/** Whether a placement gives a tenant pods of its own. */
export const hasOwnApp = (placement: Placement): boolean => placement === "silo";

/** Whether a placement gives a tenant a database of its own. */
export const hasOwnDatabase = (placement: Placement): boolean => placement !== "pool";

/** Whether the new plan holds already: from cutover on. Until then the tenant is served and billed as before. */
export const isCutOver = (phase: MovePhase): boolean => phase !== "prepare" && phase !== "sync";

/** The plan an entry is served and billed by: during a move the old one until its cutover. */
export const effectivePlan = ({ plan, migration }: Pick<TenantEntry, "plan" | "migration">): PlanName =>
  migration?.from === undefined || isCutOver(migration.phase) ? plan : migration.from;

/** A move from one plan to another. */
export interface MoveRecord {
  readonly from: string;
  readonly to: string;
  readonly phase: string;
}

/** The move that an entry is in; undefined without. */
export const moveOf = ({
  plan,
  migration,
}: Pick<TenantEntry, "plan" | "migration">): MoveRecord | undefined =>
  migration?.from === undefined ? undefined : { from: migration.from, to: plan, phase: migration.phase };

/** The placement an entry is served in. */
export const effectivePlacement = (
  entry: Pick<TenantEntry, "plan" | "migration">,
  { plans }: Catalogue,
): Placement => plans[effectivePlan(entry)].placement;
