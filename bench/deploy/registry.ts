import { CELL_SIZE } from "../../registry/cells.ts";

/** Of ten tenants in turn: most share a pool, few have an application of their own. */
const MIX = [
  ...["starter", "professional", "starter", "ai_enhanced", "starter"],
  ...["professional", "starter", "enterprise", "professional", "starter"],
];

export const cellOf = (n: number): string => `cell-${Math.floor(n / CELL_SIZE.preferred)}`;
/** The cells of so many tenants, in their order. */
export const cellNames = (tenants: number): readonly string[] =>
  Array.from({ length: cellCount(tenants) }, (_, n) => `cell-${n}`);
export const cellCount = (tenants: number): number => Math.ceil(tenants / CELL_SIZE.preferred);

/** A tenant's entry, as an operator writes it. */
export const entry = (id: string, plan: string, cell: string): string => `
  - id: ${id}
    displayName: ${id} & Sons
    plan: ${plan}
    since: "2026-01-01T00:00:00Z"
    cell: ${cell}
    billing: { customerRef: cus_${id}, subscriptionRef: sub_${id} }
`;

/**
 * Text of a registry of so many tenants of a realistic mix, in cells of the preferred size.
 * @param head what comes before `tenants:`
 */
export const mixedRegistry = (count: number, head: string): string =>
  `${head}tenants:${Array.from({ length: count }, (_, n) =>
    entry(`tenant-${n}`, MIX[n % MIX.length] ?? "starter", cellOf(n)),
  ).join("")}`;
