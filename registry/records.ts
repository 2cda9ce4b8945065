import type { LoadedRegistry, RegisteredTenant } from "./load.ts";
import { cellOf, regionOf } from "./resolve.ts";

/** What is compared of a tenant between two times. What is not known of one time is not compared. */
export interface TenantRecord {
  readonly id: string;
  readonly placement?: string;
  readonly state?: string;
  readonly plan?: string;
  readonly region?: string;
  readonly cell?: string;
  readonly since?: string;
  readonly customerRef?: string;
  readonly subscriptionRef?: string;
  /** The customer's own hosts. */
  readonly hosts?: readonly string[];
  readonly legalHold?: boolean;
}

/** The record of an entry as the registry has it. */
export function recordOf(
  { entry }: RegisteredTenant,
  { defaults, catalogue, context }: LoadedRegistry,
): TenantRecord {
  const { id, state, plan, since, billing, domains, legalHold } = entry;
  const [region, cell] = [
    regionOf(entry, defaults) ?? context.region,
    cellOf(entry, defaults) ?? context.cell,
  ];
  return {
    id,
    state,
    plan,
    since,
    placement: catalogue.plans[plan].placement,
    ...billing,
    ...(region === undefined ? {} : { region }),
    ...(cell === undefined ? {} : { cell }),
    hosts: domains.map(({ host }) => host),
    legalHold: legalHold !== undefined,
  };
}

const FIELDS = ["placement", "state", "plan", "region"] as const;
const BILLING_FIELDS = ["customerRef", "subscriptionRef"] as const;

/**
 * The tenants that the last `up` left, from the stack's outputs: `tenants` has what exists, `billing` the tombstones
 * and the references that tell a renaming. What cannot be read of an output counts as not known.
 */
export function appliedTenants(outputs: Readonly<Record<string, unknown>>): readonly TenantRecord[] {
  const live = children(outputs["tenants"]).flatMap((record) => texts(record, ["id", ...FIELDS]));
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

const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[field] : undefined;

const children = (value: unknown): Readonly<Record<string, unknown>>[] =>
  typeof value === "object" && value !== null
    ? Object.values(value).filter(
        (child: unknown): child is Record<string, unknown> => typeof child === "object" && child !== null,
      )
    : [];
