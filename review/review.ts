import type { TenantChange } from "../cli/tenantDiff.ts";
import { formatIssue, type Issue } from "../registry/issues.ts";
import type { LoadedRegistry } from "../registry/load.ts";
import type { Diagnostic, Preview } from "./preview.ts";
import { nameOf, typesOf } from "./preview.ts";
import { resourceChanges, tenantOfUrn, type Change, type ResourceChange } from "./resources.ts";
import { inOrder, refusedRisks, resourceRisks, type Risk } from "./risks.ts";
import { holdsSecrets, withoutPasswords } from "./secrets.ts";
import {
  difference,
  NO_MONEY,
  registryRisks,
  sumOf,
  tenantFacts,
  type Money,
  type TenantFacts,
} from "./tenants.ts";

export type Counts = Readonly<Record<Change, number>>;

/** A tenant that changes. */
export interface TenantReview {
  readonly id: string;
  /** Cells whose previews change it; empty where only the registry does. */
  readonly cells: readonly string[];
  /** What the registry says; null where it did not, or does not, have the tenant. */
  readonly before: TenantFacts | null;
  readonly after: TenantFacts | null;
  /** The resolved values that the registry changes. */
  readonly fields: TenantChange["fields"];
  readonly counts: Counts;
  readonly resources: readonly ResourceChange[];
  /** A month, minor units. */
  readonly delta: Money;
}

/** What the tenants of a cell share. */
export interface CellReview {
  readonly cell: string;
  readonly counts: Counts;
  readonly resources: readonly ResourceChange[];
}

/** What stops the change. */
export interface Problem {
  /** Empty where the registry is meant. */
  readonly cell: string;
  readonly message: string;
}

/** blocked: it cannot be applied; risk: it destroys data; changes; none. */
export type Verdict = "blocked" | "risk" | "changes" | "none";

/** A change as its reviewers see it, tenant by tenant. Free of secrets. */
export interface Review {
  readonly kind: "preview" | "drift";
  readonly verdict: Verdict;
  readonly problems: readonly Problem[];
  readonly risks: readonly Risk[];
  readonly tenants: readonly TenantReview[];
  /** How many tenants of the registry do not change. */
  readonly unchanged: number;
  /** The cells that were previewed. */
  readonly cells: readonly CellReview[];
  readonly delta: Money;
  /** ISO 4217. */
  readonly currency: string;
}

/** What a review is made of. */
export interface ReviewInput {
  /** drift: the previews are of a refresh. */
  readonly kind: Review["kind"];
  readonly previews: readonly Preview[];
  /** The registry before the change; undefined where there was none. */
  readonly before: LoadedRegistry | undefined;
  readonly after: LoadedRegistry;
  readonly changes: readonly TenantChange[];
  /** What is wrong with the registry, or with the step that it takes. */
  readonly issues: readonly Issue[];
}

/** Merges what the previews of some cells and the registry's diff say into one review. */
export function reviewOf({ kind, previews, before, after, changes, issues }: ReviewInput): Review {
  const [old, now] = [
    before === undefined ? new Map<string, TenantFacts>() : tenantFacts(before),
    tenantFacts(after),
  ];
  const ids = [...new Set([...now.keys(), ...old.keys()])];
  const byCell = previews.map((preview) => ({ preview, resources: resourceChanges(preview, ids) }));
  const fields = new Map(changes.map(({ id, fields: found }) => [id, found]));
  const touched = new Set(
    byCell.flatMap(({ resources }) => resources.flatMap(({ tenant }) => (tenant === null ? [] : [tenant]))),
  );
  const known = [...ids, ...[...touched].filter((id) => !ids.includes(id))];

  const tenants = known.flatMap((id): TenantReview[] => {
    const [was, is] = [old.get(id), now.get(id)];
    const own = byCell.map(({ preview, resources }) => ({
      cell: preview.cell,
      resources: resources.filter(({ tenant }) => tenant === id),
    }));
    const resources = own.flatMap((part) => part.resources);
    const delta = difference(was ?? NO_MONEY, is ?? NO_MONEY);
    const isPaidDifferently = Object.values(delta).some((minor) => minor !== 0);
    if (!touched.has(id) && !fields.has(id) && !isPaidDifferently) return [];
    return [
      {
        id,
        cells: own.flatMap((part) => (part.resources.length === 0 ? [] : [part.cell])),
        before: was ?? null,
        after: is ?? null,
        fields: fields.get(id) ?? [],
        counts: countsOf(resources),
        resources,
        delta,
      },
    ];
  });
  const cells = byCell.map(({ preview: { cell }, resources }): CellReview => {
    const shared = resources.filter(({ tenant }) => tenant === null);
    return { cell, counts: countsOf(shared), resources: shared };
  });
  const problems = [
    ...issues.map((issue) => ({ cell: "", message: formatIssue(issue) })),
    ...previews.flatMap(({ cell, errors }) => errors.map((error) => ({ cell, message: problemText(error) }))),
  ];
  const risks = inOrder([
    ...byCell.flatMap(({ preview, resources }) => resourceRisks(preview.cell, resources)),
    ...previews.flatMap((preview) => refusedRisks(preview, (urn) => tenantOfUrn(urn, ids))),
    ...known.flatMap((id) => registryRisks(id, old.get(id), now.get(id))),
  ]);
  const hasChanges = tenants.length > 0 || cells.some(({ resources }) => resources.length > 0);
  return {
    kind,
    verdict: problems.length > 0 ? "blocked" : risks.length > 0 ? "risk" : hasChanges ? "changes" : "none",
    ...{ problems, risks, tenants, cells },
    unchanged: now.size - tenants.filter(({ after: is }) => is !== null).length,
    delta: sumOf(tenants.map((tenant) => tenant.delta)),
    currency: after.catalogue.currency,
  };
}

export const countsOf = (resources: readonly ResourceChange[]): Counts =>
  resources.reduce<Counts>((counts, { change }) => ({ ...counts, [change]: counts[change] + 1 }), {
    create: 0,
    update: 0,
    replace: 0,
    delete: 0,
  });

/** A failed create of a Secret is told by the API server with the object's values: no such message is passed on. */
export function problemText({ urn, message }: Diagnostic): string {
  if (urn === undefined) return withoutPasswords(message);
  const subject = nameOf(urn);
  if (holdsSecrets(typesOf(urn).at(-1) ?? ""))
    return `${subject}: failed; what was said is not shown, because it may hold secrets`;
  return `${subject}: ${withoutPasswords(message)}`;
}
