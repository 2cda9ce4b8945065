import { compareText, visible } from "../../registry/issues.ts";
import { shortType } from "../risks.ts";
import type { CellReview, Counts, Review, TenantReview } from "../review.ts";
import { CHANGES, type Change, type ResourceChange } from "../resources.ts";
import type { TenantFacts } from "../tenants.ts";

/** What reviews say in words, the same on a terminal and in Markdown. Nothing is escaped here but control characters. */

const MAX_VALUE = 160;
/** What is kept before the place where two long values begin to differ. */
const CONTEXT = 24;

export const SIGNS: Readonly<Record<Change, string>> = {
  create: "+",
  update: "~",
  replace: "±",
  delete: "-",
};

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** The verdict in one line. */
export function headline({ kind, verdict, problems, risks, tenants, cells }: Review): string {
  switch (verdict) {
    case "blocked":
      return `Blocked: ${plural(problems.length, "problem")}`;
    case "risk":
      return `Data at risk: ${plural(risks.length, "finding")} below`;
    case "changes": {
      const shared = cells.filter(({ resources }) => resources.length > 0).length;
      const what = [
        ...(tenants.length === 0 ? [] : [plural(tenants.length, "tenant")]),
        ...(shared === 0 ? [] : [`the shared part of ${plural(shared, "cell")}`]),
      ];
      const verb = what.length > 1 || tenants.length > 1 ? "change" : "changes";
      return kind === "drift"
        ? `Drift: ${what.join(" and ")}`
        : `${what.join(" and ")} ${verb}; no data is at risk`;
    }
    case "none":
      return kind === "drift" ? "No drift" : "Nothing changes";
    default:
      return verdict satisfies never;
  }
}

/** `Previewed: a, b. 48 tenants unchanged.` @param name how names of cells are written */
export function scope({ cells, unchanged, kind }: Review, name: (text: string) => string): string {
  const names = cells.map(({ cell }) => cell).sort(compareText);
  const seen =
    cells.length === 0
      ? "No preview: the registry alone was compared"
      : `${kind === "drift" ? "Refreshed" : "Previewed"}: ${names.map(name).join(", ")}`;
  return `${seen}. ${plural(unchanged, "tenant")} unchanged.`;
}

/** What the registry changes of plan, release, state and move. Empty where it is something else. */
export function registryChange({ before, after }: Pick<TenantReview, "before" | "after">): string {
  if (before === null) return after === null ? "not in the registry" : `new: ${facts(after)}`;
  if (after === null) return `removed: ${facts(before)}`;
  const fields = ["plan", "release", "state", "move"] as const;
  return fields
    .filter((field) => before[field] !== after[field])
    .map((field) => `${field} ${before[field] || "none"} → ${after[field] || "none"}`)
    .join(", ");
}

const facts = ({ plan, release, state }: TenantFacts): string => `${plan}, ${release}, ${state}`;

/** `1 create, 2 update`; `no resource` for none. */
export function countsText(counts: Counts): string {
  const parts = CHANGES.filter((change) => counts[change] > 0).map((change) => `${counts[change]} ${change}`);
  return parts.length === 0 ? "no resource" : parts.join(", ");
}

/** Every change of a tenant: the registry's fields, then the resources. */
export const tenantLines = ({ fields, resources }: TenantReview): string[] => [
  ...fields.map(({ path, from, to }) => `tenants.yaml ${visible(path)}: ${change(from, to)}`),
  ...resources.flatMap((resource) => resourceLines(resource)),
];

/** What tenants share, component by component. */
export const sharedLines = ({ resources }: CellReview): string[] =>
  resources.flatMap((resource) =>
    resourceLines(resource, resource.component === "" ? "" : ` of ${resource.component}`),
  );

function resourceLines({ change: kind, type, name, properties }: ResourceChange, of = ""): string[] {
  return [
    `${SIGNS[kind]} ${visible(shortType(type))} ${visible(name)}${visible(of)}`,
    ...properties.map(({ path, from, to }) => `    ${visible(path)}: ${change(from, to)}`),
  ];
}

/** `a → b`, long values cut to where they differ. */
function change(from: unknown, to: unknown): string {
  const [before, after] = [valueText(from), valueText(to)];
  let same = 0;
  while (same < before.length && before[same] === after[same]) same++;
  const start = Math.max(before.length, after.length) > MAX_VALUE ? Math.max(0, same - CONTEXT) : 0;
  return `${cut(before, start)} → ${cut(after, start)}`;
}

function valueText(value: unknown): string {
  if (value === undefined || value === "") return "none";
  return visible(typeof value === "string" ? value : JSON.stringify(value));
}

const cut = (text: string, start: number): string =>
  `${start > 0 ? "…" : ""}${text.slice(start, start + MAX_VALUE)}${text.length > start + MAX_VALUE ? "…" : ""}`;
