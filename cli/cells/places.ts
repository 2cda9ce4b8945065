import { CELL_SIZE, cellSizes } from "../../registry/cells.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { compareText } from "../../registry/issues.ts";
import { allTenants } from "../workspace.ts";
import type { CellStack } from "./stacks.ts";

/** A cell of the registry, and the stack that deploys it. */
export interface CellPlaces {
  readonly cell: string;
  /** null where no complete stack file has the cell. */
  readonly stack: string | null;
  readonly region: string | null;
  /** Those whose environment exists, with those that every cell deploys. */
  readonly tenants: number;
  /** How many more the cell should get. */
  readonly free: number;
  /** How many it may have. */
  readonly ceiling: number;
}

/**
 * The cells of a base domain in the order of their stacks, then those that only the registry names.
 * @param everywhere tenants that count in every cell. Default: those without a cell
 */
export function cellPlaces(
  stacks: readonly CellStack[],
  registry: LoadedRegistry,
  everywhere?: number,
): readonly CellPlaces[] {
  const { defaults, context } = registry;
  const { byCell, unassigned } = cellSizes(allTenants(registry), defaults);
  const inEach = everywhere ?? unassigned;
  const deployed = stacks.filter(({ baseDomain }) => baseDomain === context.baseDomain);
  const placed = deployed.map(({ stack, cell, region, ceiling }): CellPlaces => {
    const tenants = (byCell.get(cell) ?? 0) + inEach;
    const free = Math.max(0, Math.min(CELL_SIZE.preferred, ceiling) - tenants);
    return { cell, stack, region, tenants, free, ceiling };
  });
  const others = [...byCell].filter(([cell]) => !deployed.some((stack) => stack.cell === cell));
  return [
    ...placed,
    ...others
      .sort(([a], [b]) => compareText(a, b))
      .map(([cell, tenants]) => ({
        ...{ cell, stack: null, region: null, tenants, free: 0, ceiling: CELL_SIZE.most },
      })),
  ];
}

/** The first cell of a region that has room, for a new tenant. undefined where none has. */
export const roomFor = (places: readonly CellPlaces[], region: string | undefined): CellPlaces | undefined =>
  places.find((place) => place.free > 0 && (region === undefined || place.region === region));

/** The places after one of them was taken. */
export const taken = (places: readonly CellPlaces[], cell: string): readonly CellPlaces[] =>
  places.map((place) =>
    place.cell === cell ? { ...place, tenants: place.tenants + 1, free: Math.max(0, place.free - 1) } : place,
  );

/** The entries without a cell, which every cell deploys. */
export const unassignedIn = (registry: LoadedRegistry) =>
  registry.defaults.cell === undefined
    ? allTenants(registry).filter(({ entry }) => entry.cell === undefined)
    : [];
