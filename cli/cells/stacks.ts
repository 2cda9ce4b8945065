import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { stackNames } from "../../components/cell/clashes.ts";
import { CELL_SIZE } from "../../registry/cells.ts";
import { countsIn, type Asking } from "../stack.ts";

/** A stack whose file is complete, and the cell that it deploys. */
export interface Stack {
  readonly stack: string;
  readonly cell: string;
  /** Hosts come in by a Gateway; the Ingress of a pooled tenant would be its pool's affair. */
  readonly byGateway: boolean;
}

/** What of a stack's file decides which tenants it may have. Whether the rest is valid, its preview says. */
export interface CellStack extends Stack {
  readonly region: string;
  /** Cells of one base domain share the registry's tenants; those of another, as staging, are beside them. */
  readonly baseDomain: string;
  /** Most tenants. */
  readonly ceiling: number;
  /** Whether its cell has the drills and restores, for all cells on its cluster and database server. */
  readonly operations: boolean;
}

/** The stacks that count here by name, and those whose file still has values to fill in. */
export function readStacks({ projectDir, env }: Asking): {
  readonly stacks: readonly CellStack[];
  readonly unfinished: readonly string[];
} {
  const files = stackNames(projectDir)
    .map((stack) => {
      const text = readFileSync(join(projectDir, `Pulumi.${stack}.yaml`), "utf8");
      return { stack, config: configIn(text), isUnfinished: text.includes("<fill in:") };
    })
    .filter(({ config }) => countsIn(env, fieldOf(config["warehouse:kubernetes"], "context")));
  return {
    stacks: files
      .filter(({ isUnfinished }) => !isUnfinished)
      .flatMap(({ stack, config }) => {
        const textOf = (key: string): string | undefined =>
          typeof config[key] === "string" ? config[key] : undefined;
        const cell = textOf("warehouse:cell");
        if (cell === undefined) return [];
        const most = Number(config["warehouse:maxTenants"]);
        return {
          stack,
          cell,
          byGateway: fieldOf(config["warehouse:edge"], "mode") === "gateway",
          region: textOf("warehouse:region") ?? "us-west-2",
          baseDomain: textOf("warehouse:baseDomain") ?? "",
          operations: String(config["warehouse:operations"]) !== "false",
          ceiling: most >= 1 && most <= CELL_SIZE.most ? most : CELL_SIZE.most,
        };
      }),
    unfinished: files.flatMap(({ stack, isUnfinished }) => (isUnfinished ? [stack] : [])),
  };
}

/** A field of a block, which may be missing or something else. */
const fieldOf = (block: unknown, name: string): unknown =>
  (block as Readonly<Record<string, unknown>> | null | undefined)?.[name];

function configIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const { config = {} } = (parse(text) ?? {}) as { readonly config?: Readonly<Record<string, unknown>> };
    return config;
  } catch {
    return {};
  }
}
