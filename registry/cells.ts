import { isProvisioned } from "./lifecycle.ts";
import { cellOf } from "./resolve.ts";
import type { RegisteredTenant } from "./rules/rule.ts";
import type { Defaults } from "./schema.ts";

/** How many tenants a cell may have: `preferred`, beyond which a new cell is better, and `most`, which no cell exceeds. */
export const CELL_SIZE = { preferred: 50, most: 100 } as const;

/** How the tenants whose environment exists are spread. Tombstones do not count. */
export interface CellSizes {
  readonly byCell: ReadonlyMap<string, number>;
  /** Those without a cell, which every cell that reads the registry deploys. */
  readonly unassigned: number;
}

export function cellSizes(tenants: readonly RegisteredTenant[], defaults: Defaults): CellSizes {
  const byCell = new Map<string, number>();
  let unassigned = 0;
  for (const { entry } of tenants) {
    if (!isProvisioned(entry.state)) continue;
    const cell = cellOf(entry, defaults);
    if (cell === undefined) unassigned += 1;
    else byCell.set(cell, (byCell.get(cell) ?? 0) + 1);
  }
  return { byCell, unassigned };
}
