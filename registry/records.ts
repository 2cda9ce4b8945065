import type { LoadedRegistry, RegisteredTenant } from "./load.ts";
import { effectivePlacement, effectivePlan, moveOf, type MoveRecord } from "./placement.ts";
import { cellOf, regionOf, uploadsBytes } from "./resolve.ts";
import type { Compute, TenantSpec } from "./spec.ts";

/** What is compared of a tenant between two times. What is not known of one time is not compared. */
export interface TenantRecord {
  readonly id: string;
  /** Plan and placement that serve it: during a move the old ones until cutover. */
  readonly placement?: string;
  readonly plan?: string;
  readonly state?: string;
  readonly region?: string;
  readonly cell?: string;
  readonly since?: string;
  readonly customerRef?: string;
  readonly subscriptionRef?: string;
  /** The customer's own hosts. */
  readonly hosts?: readonly string[];
  readonly legalHold?: boolean;
  /** How often the application's database password has been replaced. */
  readonly rotation?: number;
  /** Bytes of the uploads volume. */
  readonly uploadsBytes?: number;
  /** What the namespace's pods may request. */
  readonly quota?: Compute;
  /** The move between placements that is under way. */
  readonly move?: MoveRecord;
}

/** The record of an entry as the registry has it. */
export function recordOf(
  { entry }: RegisteredTenant,
  { defaults, catalogue, context }: LoadedRegistry,
): TenantRecord {
  const { id, state, since, billing, domains, legalHold, credentials } = entry;
  const move = moveOf(entry);
  const [region, cell] = [
    regionOf(entry, defaults) ?? context.region,
    cellOf(entry, defaults) ?? context.cell,
  ];
  return {
    id,
    state,
    plan: effectivePlan(entry),
    since,
    placement: effectivePlacement(entry, catalogue),
    ...billing,
    ...(region === undefined ? {} : { region }),
    ...(cell === undefined ? {} : { cell }),
    hosts: domains.map(({ host }) => host),
    legalHold: legalHold !== undefined,
    rotation: credentials.rotation,
    uploadsBytes: uploadsBytes(entry, catalogue),
    ...(move === undefined ? {} : { move }),
  };
}

const FIELDS = ["placement", "state", "plan", "region"] as const;
const BILLING_FIELDS = ["customerRef", "subscriptionRef"] as const;

/**
 * The tenants that the last `up` left, from the stack's outputs: `tenants` has what exists, `billing` the tombstones
 * and the references that tell a renaming. What cannot be read of an output counts as not known.
 */
export function appliedTenants(outputs: Readonly<Record<string, unknown>>): readonly TenantRecord[] {
  const live = children(outputs["tenants"]).flatMap((record) =>
    texts(record, ["id", ...FIELDS]).map((found) => ({ ...found, ...figures(record), ...moveIn(record) })),
  );
  const known = new Set(live.map(({ id }) => id));
  const billed = children(fieldOf(outputs["billing"], "tenants")).flatMap((record) =>
    texts({ ...record, id: record["tenantId"] }, ["id", "state", ...BILLING_FIELDS]),
  );
  const references = new Map(billed.map((record) => [record.id, record]));
  const tombstones = billed.filter(({ id, state }) => state === "deleted" && !known.has(id));
  return [...live.map((record) => ({ ...references.get(record.id), ...record })), ...tombstones];
}

type TextField = "id" | (typeof FIELDS)[number] | (typeof BILLING_FIELDS)[number];

/** A record of the fields that are text; none without an id. */
function texts(record: Readonly<Record<string, unknown>>, fields: readonly TextField[]): TenantRecord[] {
  const found: { [Field in TextField]?: string } = {};
  for (const field of fields) {
    const value = record[field];
    if (typeof value === "string" && value !== "") found[field] = value;
  }
  const { id, ...rest } = found;
  return id === undefined ? [] : [{ id, ...rest }];
}

/** The figures of a record that are numbers. */
function figures(record: Readonly<Record<string, unknown>>): Omit<TenantRecord, "id"> {
  const { rotation, uploadsBytes: bytes, quota } = record;
  const [cpu, memory] = [fieldOf(quota, "cpu"), fieldOf(quota, "memory")];
  return {
    ...(typeof rotation === "number" ? { rotation } : {}),
    ...(typeof bytes === "number" ? { uploadsBytes: bytes } : {}),
    ...(typeof cpu === "number" && typeof memory === "number" ? { quota: { cpu, memory } } : {}),
  };
}

/** The move of a record, if it can be read. */
function moveIn({ move }: Readonly<Record<string, unknown>>): Pick<TenantRecord, "move"> {
  const [from, to, phase] = [fieldOf(move, "from"), fieldOf(move, "to"), fieldOf(move, "phase")];
  return typeof from === "string" && typeof to === "string" && typeof phase === "string"
    ? { move: { from, to, phase } }
    : {};
}

const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[field] : undefined;

const children = (value: unknown): Readonly<Record<string, unknown>>[] =>
  typeof value === "object" && value !== null
    ? Object.values(value).filter(
        (child: unknown): child is Record<string, unknown> => typeof child === "object" && child !== null,
      )
    : [];

/** In the data of a tenant's lifecycle record, the case for which its data is held. */
export const HELD_FOR = "legalHold";

/** Data of a tenant's lifecycle record, which is written once everything else of the tenant is as it is to be. */
export function lifecycleData({
  plan,
  state,
  since,
  credentials,
  move,
  legalHold,
  leaving,
}: Pick<TenantSpec, "plan" | "state" | "since" | "credentials" | "move" | "legalHold" | "leaving">): Record<
  string,
  string
> {
  return {
    ...{ plan, state, since, rotation: String(credentials.rotation) },
    ...(move === undefined ? {} : { move: move.phase }),
    ...(legalHold === undefined ? {} : { [HELD_FOR]: legalHold }),
    ...(leaving === undefined ? {} : { purgeAfter: leaving.purgeAfter }),
    ...(leaving?.finalBackup === undefined ? {} : { finalBackup: leaving.finalBackup.id }),
  };
}
