import { isDeepStrictEqual } from "node:util";
import { REGISTRY_FOLDER } from "../../registry/files.ts";
import { isLive } from "../../registry/lifecycle.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { cellOf } from "../../registry/resolve.ts";
import { ringOf } from "../../registry/rollout.ts";
import { concernsItAlone, isMerelyServed, standsAlone } from "../../registry/spec.ts";
import { tenantChanges } from "../tenantDiff.ts";
import { allTenants } from "../workspace.ts";
import type { Stack } from "./stacks.ts";

/** What differs between two commits. */
export interface Difference {
  /** Paths relative to the project. */
  readonly files: readonly string[];
  /** undefined where the registry of then cannot be read. */
  readonly before: LoadedRegistry | undefined;
  readonly after: LoadedRegistry;
}

/** A stack that a change can do something to. */
export interface Touched<T extends Stack> {
  readonly stack: T;
  /** The tenants to which a run of it can be limited. undefined: it must be whole. */
  readonly limitedTo: readonly string[] | undefined;
}

/** Files that no cell is made from. */
const BESIDE =
  /^(?:\.|docs\/|test\/|bench\/|sandbox\/|ci\/|cli\/|report\/|review\/|scripts\/|[^/]+\.md$|LICENSE$|eslint|jest)/;

/** The stacks that a change can do something to, in the order of `inRingOrder`. */
export function touchedStacks<T extends Stack>(
  stacks: readonly T[],
  difference: Difference,
): readonly Touched<T>[] {
  const { files, before, after } = difference;
  const isProgram = files.some(
    (file) =>
      !BESIDE.test(file) && !file.startsWith(`${REGISTRY_FOLDER}/`) && !/^Pulumi\..+\.yaml$/.test(file),
  );
  const configured = new Set(files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []));
  const changed = files.some((file) => file.startsWith(`${REGISTRY_FOLDER}/`))
    ? changedTenants(before, after)
    : [];
  return inRingOrder(stacks, after).flatMap((stack): Touched<T>[] => {
    if (isProgram || configured.has(stack.stack) || changed === "all")
      return [{ stack, limitedTo: undefined }];
    // A tenant without a cell is in every cell that reads the file.
    const tenants = changed.filter(({ cells }) => cells.some((cell) => (cell ?? stack.cell) === stack.cell));
    const ids = tenants.map(({ id }) => id);
    return ids.length === 0 ? [] : [{ stack, limitedTo: limit(ids, stack, before, after) }];
  });
}

/** A tenant that changes, and its cells before and after. */
interface Changed {
  readonly id: string;
  readonly cells: readonly (string | undefined)[];
}

/** The tenants that a change of the registry's files is about. */
function changedTenants(
  before: LoadedRegistry | undefined,
  after: LoadedRegistry,
): readonly Changed[] | "all" {
  // Pools and prices follow from these, whichever tenants there are.
  if (before === undefined || !isDeepStrictEqual(commonOf(before), commonOf(after))) return "all";
  const cells = new Map<string, (string | undefined)[]>();
  for (const registry of [before, after])
    for (const { entry } of allTenants(registry))
      cells.set(entry.id, [...(cells.get(entry.id) ?? []), cellOf(entry, registry.defaults)]);
  return tenantChanges(before, after).map(({ id }) => ({ id, cells: cells.get(id) ?? [] }));
}

const commonOf = ({ releases, catalogue }: LoadedRegistry) => ({ releases, catalogue });

/** The tenants, if nothing that others share follows from any of them but the directory of a pool. */
function limit(
  ids: readonly string[],
  { cell: own, byGateway }: Stack,
  before: LoadedRegistry | undefined,
  after: LoadedRegistry,
): readonly string[] | undefined {
  const specsIn = (registry: LoadedRegistry | undefined) =>
    new Map((registry?.tenants ?? []).map((spec) => [spec.id, spec]));
  const [old, now] = [specsIn(before), specsIn(after)];
  const earlier = new Map(
    (before === undefined ? [] : allTenants(before)).map(({ entry }) => [entry.id, entry]),
  );
  const isHere = (id: string): boolean => {
    const entry = earlier.get(id);
    return entry !== undefined && (cellOf(entry, before?.defaults ?? {}) ?? own) === own;
  };
  // The pool was there: it has had a tenant in this cell.
  const pools = new Set([...old.values()].flatMap(({ id, plan }) => (isHere(id) ? [plan] : [])));
  const isLimited = (id: string): boolean => {
    const [was, is] = [old.get(id), now.get(id)];
    if (is === undefined || (was === undefined && earlier.has(id))) return false;
    return (
      concernsItAlone(was, is, byGateway) &&
      (standsAlone(is) || (pools.has(is.plan) && (was === undefined || isMerelyServed(was))))
    );
  };
  return ids.every(isLimited) ? ids : undefined;
}

/** Stacks with tenants of the inner rings first: what is wrong with a change is seen where the fewest are hurt. */
export function inRingOrder<T extends Stack>(stacks: readonly T[], registry: LoadedRegistry): T[] {
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
