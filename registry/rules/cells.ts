import { CELL_SIZE, cellSizes } from "../cells.ts";
import type { Rule } from "./rule.ts";

/** A cell past its ceiling takes too long to update, and too many tenants down with it. */
export const cellsFit: Rule = ({ tenants, defaults, source, context }) => {
  const { byCell, unassigned } = cellSizes(tenants, defaults);
  const known = new Set([...byCell.keys(), ...(context.ceilings?.keys() ?? [])]);
  const sizes =
    known.size === 0
      ? [["every cell", unassigned, CELL_SIZE.most] as const]
      : [...known].map(
          (cell) =>
            [
              `cell ${cell}`,
              (byCell.get(cell) ?? 0) + unassigned,
              context.ceilings?.get(cell) ?? CELL_SIZE.most,
            ] as const,
        );
  return sizes
    .filter(([, size, most]) => size > most)
    .map(([cell, size, most]) =>
      source.issue(
        ["tenants"],
        `${cell} would have ${size} tenants and takes at most ${most}; give new ones another cell: \`npx tenant cells\` shows where there is room, \`npx tenant cells add\` makes one`,
        "key",
      ),
    );
};
