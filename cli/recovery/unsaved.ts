import { NAMED_IN_POSTGRES, physicalId, type ExportedStack, type ResourceState } from "./state.ts";

/** A step of `pulumi preview --json`. */
export interface PlannedStep {
  readonly op: string;
  readonly urn: string;
  readonly newState?: ResourceState;
}

/** The id of the tenant whose TenantStack a URN is; undefined for others. */
export const tenantOfStack = (urn: string | undefined): string | undefined =>
  /::warehouse:tenancy:TenantStack::(.+)$/.exec(urn ?? "")?.[1];

/** How the engine prints the value of a secret. */
const SECRET = '"[secret]"';

/** A state with what was entered into it. */
export interface Entered {
  readonly stack: ExportedStack;
  /** Whether anything was. */
  readonly isChanged: boolean;
  /** URNs of the tenants' roles and databases, whether they were entered now or are known: each may not exist. */
  readonly unsure: readonly string[];
}

/**
 * Enters into a state the roles and databases that a run may have made for some tenants without the state being written:
 * those that the next run would create. Without their passwords, which that run sets.
 * @param tenants ids
 */
export function enterUnsaved(
  exported: ExportedStack,
  steps: readonly PlannedStep[],
  tenants: ReadonlySet<string>,
): Entered {
  const isOf = (urn: string | undefined): boolean => tenants.has(tenantOfStack(urn) ?? "");
  const isNamed = ({ type, parent }: ResourceState): boolean => NAMED_IN_POSTGRES.has(type) && isOf(parent);
  const { resources = [] } = exported.deployment;
  const known = new Set(resources.map(({ urn }) => urn));
  const entered: ResourceState[] = [];
  for (const { op, urn, newState } of steps) {
    if (op !== "create" || newState === undefined || known.has(urn)) continue;
    const id = isNamed(newState) ? physicalId(newState) : undefined;
    if (!isOf(urn) && id === undefined) continue;
    known.add(urn);
    entered.push(id === undefined ? newState : { ...newState, id, ...shown(newState, known) });
  }
  const all = [...resources, ...entered];
  return {
    stack: { ...exported, deployment: { ...exported.deployment, resources: all } },
    isChanged: entered.length > 0,
    unsure: all.filter(isNamed).map(({ urn }) => urn),
  };
}

/** What of a planned resource a state can hold: values that are shown, and dependencies that it knows. */
function shown({ inputs = {}, dependencies = [] }: ResourceState, known: ReadonlySet<string>) {
  const values = Object.fromEntries(
    Object.entries(inputs).filter(([, value]) => !JSON.stringify(value).includes(SECRET)),
  );
  return {
    inputs: values,
    outputs: values,
    dependencies: dependencies.filter((urn) => known.has(urn)),
    propertyDependencies: {},
  };
}
