import { physicalId, type ExportedStack, type ResourceState } from "./state.ts";

/** A step of `pulumi preview --json`. */
export interface PlannedStep {
  readonly op: string;
  readonly urn: string;
  readonly newState?: ResourceState;
}

/** The id of the tenant whose TenantStack a URN is; undefined for others. */
export const tenantOfStack = (urn: string | undefined): string | undefined =>
  /::warehouse:tenancy:TenantStack::(.+)$/.exec(urn ?? "")?.[1];

/** How the engine prints values that are secret, or not known before the run. */
const NOT_SHOWN: ReadonlySet<unknown> = new Set(["[secret]", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"]);

/** A state with what was entered into it. */
export interface Entered {
  readonly stack: ExportedStack;
  /** Whether anything was. */
  readonly isChanged: boolean;
  /** URNs of what may not exist, whether it was entered now or is known. */
  readonly unsure: readonly string[];
}

/**
 * Enters into a state what a run may have made without the state being written, and the next would fail to make a second
 * time: of what that run would create, the objects of Kubernetes, roles and databases of some tenants, and the objects that
 * belong to no tenant, as the directory of a pool. Without values that are not shown, which that run sets.
 * @param tenants ids
 */
export function enterUnsaved(
  exported: ExportedStack,
  steps: readonly PlannedStep[],
  tenants: ReadonlySet<string>,
): Entered {
  const isOf = (urn: string | undefined): boolean => tenants.has(tenantOfStack(urn) ?? "");
  /** The id of what may not exist. */
  const unsureId = (resource: ResourceState): string | undefined => {
    const { external, parent, type } = resource;
    const isShared = tenantOfStack(parent) === undefined && type.startsWith("kubernetes:");
    return external !== true && (isOf(parent) || isShared) ? physicalId(resource) : undefined;
  };
  const { resources = [] } = exported.deployment;
  const known = new Set(resources.map(({ urn }) => urn));
  const entered: ResourceState[] = [];
  for (const { op, urn, newState } of steps) {
    if (op !== "create" || newState === undefined || known.has(urn)) continue;
    const id = unsureId(newState);
    if (!isOf(urn) && id === undefined) continue;
    known.add(urn);
    entered.push(id === undefined ? newState : { ...newState, id, ...settled(newState, known) });
  }
  const all = [...resources, ...entered];
  return {
    stack: { ...exported, deployment: { ...exported.deployment, resources: all } },
    isChanged: entered.length > 0,
    unsure: all.filter((resource) => unsureId(resource) !== undefined).map(({ urn }) => urn),
  };
}

/** What of a planned resource a state can hold: values that are shown, and dependencies that it knows. */
function settled({ inputs = {}, dependencies = [] }: ResourceState, known: ReadonlySet<string>) {
  const values = shown(inputs) as Readonly<Record<string, unknown>>;
  return {
    inputs: values,
    outputs: values,
    dependencies: dependencies.filter((urn) => known.has(urn)),
    propertyDependencies: {},
  };
}

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((element) => !NOT_SHOWN.has(element)).map(shown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (NOT_SHOWN.has(child) ? [] : [[key, shown(child)]])),
  );
}
