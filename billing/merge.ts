import type { Checked, Issue } from "../registry/issues.ts";
import { idempotencyKey, totalsOf } from "./build.ts";
import { billingSchema, type Billing, type BillingRecord } from "./contract.ts";

/** The stack output `billing` of a cell, and where it was read. */
export interface Source {
  /** File or stack, as the user named it. */
  readonly name: string;
  readonly value: unknown;
}

/** A tenant's record and the cell that has it. */
export interface MergedRecord extends BillingRecord {
  readonly cell: string;
}

/** The outputs of several cells as one. */
export interface MergedBilling {
  readonly currency: string;
  readonly tenants: ReadonlyMap<string, MergedRecord>;
  readonly totals: Billing["totals"];
}

/**
 * Checks the outputs of some cells and merges them; all issues come together. Accepts the whole of
 * `pulumi stack output --json` as well.
 */
export function mergeBilling(sources: readonly Source[]): Checked<MergedBilling> {
  const read = sources.map((source) => ({
    source,
    parsed: billingSchema.safeParse(billingOf(source.value)),
  }));
  const outputs = read.flatMap(({ source: { name }, parsed }) =>
    parsed.success ? [{ name, billing: parsed.data }] : [],
  );
  const issues = [
    ...read.flatMap(({ source: { name }, parsed }) =>
      parsed.success
        ? []
        : parsed.error.issues.map(({ path, message }) => issue(name, path.map(String).join("."), message)),
    ),
    ...outputs.flatMap(({ name, billing }) => inconsistencies(name, billing)),
    ...conflicts(outputs),
  ];
  if (issues.length > 0) return { ok: false, issues };
  const records = outputs.flatMap(({ billing: { cell, tenants } }) =>
    Object.values(tenants).map((record) => ({ cell, ...record })),
  );
  return {
    ok: true,
    value: {
      currency: outputs[0]?.billing.currency ?? "USD",
      tenants: new Map(records.map((record) => [record.tenantId, record])),
      totals: totalsOf(records),
    },
  };
}

const billingOf = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "billing" in value ? value.billing : value;

const issue = (file: string, subject: string, message: string): Issue => ({ file, subject, message });

/** What an output contradicts itself in: it was edited, or is of another version than it says. */
function inconsistencies(name: string, { tenants, totals }: Billing): Issue[] {
  const entries = Object.entries(tenants);
  const own = totalsOf(Object.values(tenants));
  return [
    ...entries.flatMap(([id, { tenantId }]) =>
      id === tenantId ? [] : [issue(name, `tenants.${id}`, `holds the record of "${tenantId}"`)],
    ),
    ...entries.flatMap(([id, { tenantId, revision, idempotencyKey: key }]) =>
      key === idempotencyKey(tenantId, revision)
        ? []
        : [issue(name, `tenants.${id}.idempotencyKey`, `"${key}" is not that of revision ${revision}`)],
    ),
    ...(["billableCount", "mrrMinor", "estimatedCostMinor"] as const).flatMap((key) =>
      totals[key] === own[key]
        ? []
        : [issue(name, `totals.${key}`, `${totals[key]} is not what the tenants add up to: ${own[key]}`)],
    ),
  ];
}

interface Output {
  readonly name: string;
  readonly billing: Billing;
}

/** What two outputs contradict each other in. */
function conflicts(outputs: readonly Output[]): Issue[] {
  const [first] = outputs;
  const cells = new Map<string, string>();
  const owners = new Map<string, string>();
  const issues: Issue[] = [];
  for (const { name, billing } of outputs) {
    const { cell, currency, tenants } = billing;
    const other = cells.get(cell);
    if (other !== undefined)
      issues.push(issue(name, "cell", `"${cell}" is that of ${other} as well; give each once`));
    cells.set(cell, name);
    if (first !== undefined && currency !== first.billing.currency) {
      const message = `${currency} cannot be added to the ${first.billing.currency} of ${first.name}; merge them apart`;
      issues.push(issue(name, "currency", message));
    }
    for (const id of Object.keys(tenants)) {
      const owner = owners.get(id);
      if (owner !== undefined)
        issues.push(issue(name, `tenants.${id}`, `is in ${owner} as well: it would be charged twice`));
      owners.set(id, name);
    }
  }
  return issues;
}
