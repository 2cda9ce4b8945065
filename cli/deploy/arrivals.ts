import { isDeepStrictEqual } from "node:util";
import type { CellConfig } from "../../components/cell/config.ts";
import type { TenantOutput } from "../../components/cell/outputs.ts";
import { GATEWAY_API, LIFECYCLE, TENANT_LABEL } from "../../registry/naming.ts";
import { lifecycleData } from "../../registry/records.ts";
import type { TenantSpec } from "../../registry/spec.ts";
import type { ExportedStack } from "../recovery/state.ts";
import { tenantOfStack } from "../recovery/unsaved.ts";

type Identity = CellConfig["backup"]["identity"]["kind"];

/** A run that brings tenants, as far as the state need not be written at each change. */
export interface Arrivals {
  /** The tenants that are new, or that no run has completed yet. */
  readonly ids: readonly string[];
  /**
   * The run is to be whole, and in two passes: the first makes what is not theirs, and of theirs what cannot be made twice
   * or taken over, with the state written at each change; the second writes it at its end.
   */
  readonly inTwoPasses: boolean;
}

/** From so many new tenants on, two passes take less time than one that writes the state at each change. */
const MANY = 10;

/** What decides how a run writes the state. */
export interface Run {
  /** The tenants of the cell. */
  readonly members: readonly TenantSpec[];
  /** The tenants to which it is limited: then nothing changes but their entries. undefined: the whole cell. */
  readonly limitedTo: readonly string[] | undefined;
  /** How the cell's ServiceAccounts get to the bucket; undefined where it is not known. */
  readonly identity: Identity | undefined;
}

/**
 * Whom a run brings; undefined where the state is to be written at each change: it brings nobody, or changes the plan,
 * state, login or move of another tenant, so that more is deleted than what a release replaces; or it brings few and
 * other things may change too.
 */
export function arrivalsOf(
  { members, limitedTo, identity }: Run,
  state: ExportedStack,
): Arrivals | undefined {
  if (limitedTo !== undefined && !canBeTakenOver(identity)) return undefined;
  const { resources = [] } = state.deployment;
  const concerned = members.filter(({ id }) => limitedTo?.includes(id) ?? true);
  const specs = new Map(concerned.map((spec) => [spec.id, spec]));
  // What was brought about completely: outputs tell what was asked for.
  const completed = new Map(
    resources.flatMap(({ inputs = {} }) => {
      const { metadata, data } = inputs as { readonly metadata?: Metadata; readonly data?: object };
      const id = metadata?.name === LIFECYCLE ? metadata.labels?.[TENANT_LABEL] : undefined;
      return id === undefined ? [] : [[id, data] as const];
    }),
  );
  const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  const asked = (root?.outputs?.["tenants"] ?? {}) as Readonly<Record<string, TenantOutput>>;
  const stays = (id: string): boolean => {
    const [spec, was, last] = [specs.get(id), completed.get(id), asked[id]];
    if (spec === undefined || spec.move !== undefined) return false;
    const isAsIs = was === undefined || isDeepStrictEqual(was, lifecycleData(spec));
    return isAsIs && (last === undefined || isAsAsked(last, spec));
  };
  const there = resources.flatMap(({ urn }) => tenantOfStack(urn) ?? []);
  const touched = limitedTo ?? [...there, ...completed.keys(), ...Object.keys(asked)];
  const ids = concerned.map(({ id }) => id).filter((id) => !completed.has(id));
  if (ids.length === 0 || !touched.every(stays)) return undefined;
  if (limitedTo !== undefined) return { ids, inTwoPasses: false };
  return ids.length < MANY ? undefined : { ids, inTwoPasses: true };
}

interface Metadata {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const isAsAsked = (
  { plan, state, rotation, move }: TenantOutput,
  spec: Pick<TenantSpec, "plan" | "state" | "credentials">,
): boolean =>
  plan === spec.plan && state === spec.state && rotation === spec.credentials.rotation && move === undefined;

/**
 * Whether everything of a tenant may be made twice, or is taken over by its name: the ways into AWS have none of which
 * the next run would know.
 */
export const canBeTakenOver = (identity: Identity | undefined): boolean => identity === "staticKeys";

/**
 * Whether a run for so many new tenants is to be whole, although it could be limited to them: in two passes it takes less
 * time.
 */
export const isFasterWhole = (identity: Identity | undefined, newcomers: number): boolean =>
  newcomers >= MANY && !canBeTakenOver(identity);

/**
 * Of a new tenant's objects those that may be made twice, or are taken over by their name. A kind that is missing here
 * costs time, and no more.
 */
const REPEATABLE = [
  "kubernetes:apps/*:*",
  "kubernetes:autoscaling/*:*",
  "kubernetes:batch/*:*",
  "kubernetes:core/v1:ConfigMap",
  "kubernetes:core/v1:LimitRange",
  "kubernetes:core/v1:PersistentVolumeClaim",
  "kubernetes:core/v1:ResourceQuota",
  "kubernetes:core/v1:Secret",
  "kubernetes:core/v1:Service",
  `kubernetes:${GATEWAY_API}/*:*`,
  "kubernetes:monitoring.coreos.com/*:*",
  "kubernetes:networking.k8s.io/*:*",
  "kubernetes:policy/*:*",
  "postgresql:index/grant:Grant",
  "postgresql:index/schema:Schema",
];

/** Options of `pulumi up` for the first pass: what tenants share, and of new ones what cannot be left to the second. */
export const firstPass = (urnPrefix: string, identity: Identity | undefined): readonly string[] => [
  ...leftToSecond(identity).flatMap((kind) => [
    "--exclude",
    `${urnPrefix}warehouse:tenancy:TenantStack$${kind}::**`,
  ]),
  "--exclude-dependents",
];

function leftToSecond(identity: Identity | undefined): readonly string[] {
  if (canBeTakenOver(identity)) return ["**"];
  // An association of Pod Identity, which cannot be made twice, comes after its account.
  return identity === "irsa" ? [...REPEATABLE, "kubernetes:core/v1:ServiceAccount"] : REPEATABLE;
}

/** Environment of a pass that writes the state once, at its end. */
export const WRITTEN_ONCE = { PULUMI_SKIP_CHECKPOINTS: "true" } as const;
