import { compareText } from "../registry/issues.ts";
import { nameOf, typesOf, type Preview, type ResourceState, type Step } from "./preview.ts";
import { withoutSecrets } from "./secrets.ts";

export const CHANGES = ["create", "update", "replace", "delete"] as const;
export type Change = (typeof CHANGES)[number];

/** A property that changes. undefined where there is none. */
export interface PropertyChange {
  /** e.g. spec.template.spec.containers[0].image */
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What happens to one resource, without secrets. */
export interface ResourceChange {
  readonly change: Change;
  /** e.g. kubernetes:apps/v1:Deployment */
  readonly type: string;
  /** Its logical name, e.g. acme-app. */
  readonly name: string;
  /** Name of the component that it is part of. Empty for none. */
  readonly component: string;
  /** The tenant whose it is; null for what tenants share. */
  readonly tenant: string | null;
  readonly isProtected: boolean;
  /** It was protected, and is no longer. */
  readonly losesProtection: boolean;
  /** Empty unless updated or replaced. */
  readonly properties: readonly PropertyChange[];
  /** Paths that cannot change in place. */
  readonly replacedFor: readonly string[];
}

/** Components and the engine's own bookkeeping are left out: they hold nothing. */
const ENGINE_TYPE = /^pulumi:pulumi:/;
const TENANT_STACK = "warehouse:tenancy:TenantStack";

/** The changes of resources in a preview, tenant by tenant in the order of the names. */
export function resourceChanges({ steps }: Preview, tenants: readonly string[]): ResourceChange[] {
  return steps
    .flatMap((step): ResourceChange[] => {
      const change = changeOf(step.op);
      const { oldState, newState } = step;
      const state = newState ?? oldState;
      if (change === undefined || state?.custom !== true || ENGINE_TYPE.test(state.type)) return [];
      const name = nameOf(step.urn);
      return [
        {
          change,
          type: state.type,
          name,
          component: state.parent === undefined ? "" : nameOf(state.parent),
          tenant: tenantOf(step, tenants),
          isProtected: oldState?.protect ?? state.protect,
          losesProtection: oldState?.protect === true && newState?.protect === false,
          properties: propertyChanges(step),
          replacedFor: step.replaceReasons,
        },
      ];
    })
    .sort((a, b) => compareText(a.tenant ?? "", b.tenant ?? "") || compareText(a.name, b.name));
}

/** The engine's operations as people count them; its steps of one replacement count once. */
function changeOf(op: string): Change | undefined {
  switch (op) {
    case "create":
    case "import":
      return "create";
    case "update":
      return "update";
    case "replace":
    case "import-replacement":
      return "replace";
    case "delete":
    // Out of the state, but not out of the world: nobody looks after it any more.
    case "discard":
    case "remove":
      return "delete";
    default:
      return undefined;
  }
}

/** By the parent, which is the tenant's component; else by type and name. */
function tenantOf({ urn, oldState, newState }: Step, tenants: readonly string[]): string | null {
  const parent = (newState ?? oldState)?.parent;
  return parent !== undefined && typesOf(parent).at(-1) === TENANT_STACK
    ? nameOf(parent)
    : tenantOfUrn(urn, tenants);
}

/** The tenant of a resource by its type and name; null for what tenants share. */
export function tenantOfUrn(urn: string, tenants: readonly string[]): string | null {
  if (!typesOf(urn).includes(TENANT_STACK)) return null;
  const name = nameOf(urn);
  // `acme-2-app` is of acme-2, not of acme.
  const candidates = tenants.filter((id) => name === id || name.startsWith(`${id}-`));
  return candidates.sort((a, b) => b.length - a.length)[0] ?? null;
}

function propertyChanges({ detailedDiff, oldState, newState }: Step): PropertyChange[] {
  const [before, after] = [visibleInputs(oldState), visibleInputs(newState)];
  return Object.keys(detailedDiff)
    .sort(compareText)
    .map((path) => ({ path, from: valueAt(before, path), to: valueAt(after, path) }));
}

const visibleInputs = (state: ResourceState | undefined): unknown =>
  state === undefined ? undefined : withoutSecrets(state.type, state.inputs);

/** The value at a path of the engine: `spec.hard["limits.cpu"]`, `rules[0].expr`. */
function valueAt(value: unknown, path: string): unknown {
  const keys = [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, plain]) => quoted?.replaceAll(/\\(.)/g, "$1") ?? index ?? plain ?? "",
  );
  return keys.reduce<unknown>(
    // Below a secret there is nothing to be seen but that it is one.
    (found, key) =>
      typeof found === "object" && found !== null
        ? (found as Readonly<Record<string, unknown>>)[key]
        : typeof found === "string"
          ? found
          : undefined,
    value,
  );
}
