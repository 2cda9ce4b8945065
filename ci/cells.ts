import { isDeepStrictEqual } from "node:util";
import { tenantChanges } from "../cli/tenantDiff.ts";
import { allTenants } from "../cli/workspace.ts";
import { isLive } from "../registry/lifecycle.ts";
import type { LoadedRegistry } from "../registry/load.ts";
import { REGISTRY_FOLDER } from "../registry/files.ts";
import { cellOf } from "../registry/resolve.ts";
import { ringOf } from "../registry/rollout.ts";
import type { Stack } from "./stacks.ts";

/** What differs between two commits. */
export interface Difference {
  /** Paths relative to the project. */
  readonly files: readonly string[];
  /** undefined where the registry of then cannot be read. */
  readonly before: LoadedRegistry | undefined;
  readonly after: LoadedRegistry;
}

/** Files that no cell is made from. */
const BESIDE =
  /^(?:\.|docs\/|test\/|bench\/|sandbox\/|ci\/|cli\/|report\/|review\/|scripts\/|[^/]+\.md$|LICENSE$|eslint|jest)/;

/** The stacks that a change can do something to, in the order of `inRingOrder`. */
export function touchedStacks(stacks: readonly Stack[], difference: Difference): Stack[] {
  const { files, before, after } = difference;
  const programs = files.filter(
    (file) =>
      !BESIDE.test(file) && !file.startsWith(`${REGISTRY_FOLDER}/`) && !/^Pulumi\..+\.yaml$/.test(file),
  );
  const configured = new Set(files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []));
  const cells = files.some((file) => file.startsWith(`${REGISTRY_FOLDER}/`))
    ? touchedCells(before, after)
    : new Set<string>();
  const touches = ({ stack, cell }: Stack): boolean =>
    programs.length > 0 || configured.has(stack) || cells === "all" || cells.has(cell);
  return inRingOrder(stacks.filter(touches), after);
}

/** The cells whose tenants a change of the registry's files is about. */
function touchedCells(
  before: LoadedRegistry | undefined,
  after: LoadedRegistry,
): ReadonlySet<string> | "all" {
  // Pools and prices follow from these, whichever tenants there are.
  if (before === undefined || !isDeepStrictEqual(commonOf(before), commonOf(after))) return "all";
  const changed = new Set(tenantChanges(before, after).map(({ id }) => id));
  const cells = [before, after].flatMap((registry) =>
    allTenants(registry)
      .filter(({ entry }) => changed.has(entry.id))
      .map(({ entry }) => cellOf(entry, registry.defaults)),
  );
  // A tenant without a cell is in every cell that reads the file.
  return cells.includes(undefined) ? "all" : new Set(cells.filter((cell) => cell !== undefined));
}

const commonOf = ({ releases, catalogue }: LoadedRegistry) => ({ releases, catalogue });

/** Stacks with tenants of the inner rings first: what is wrong with a change is seen where the fewest are hurt. */
export function inRingOrder(stacks: readonly Stack[], registry: LoadedRegistry): Stack[] {
  const tenants = allTenants(registry).filter(({ entry }) => isLive(entry.state));
  const ring = ({ cell }: Stack): number =>
    Math.min(
      Number.POSITIVE_INFINITY,
      ...tenants
        .filter(({ entry }) => [undefined, cell].includes(cellOf(entry, registry.defaults)))
        .map(({ entry }) => ringOf(entry, registry.defaults)),
    );
  return [...stacks].sort((a, b) => {
    const [left, right] = [ring(a), ring(b)];
    return left === right ? 0 : left - right;
  });
}
