import { catalogueSchema, type Catalogue } from "./catalogue.ts";
import { checkSchema, parseSource, type SourceDocument } from "./document.ts";
import { CATALOGUE_FILE, readRegistryTexts, REGISTRY_FILE, type RegistryTexts } from "./files.ts";
import type { Checked, Issue } from "./issues.ts";
import { cellOf, resolvePools, resolveTenant, type ResolveContext } from "./resolve.ts";
import { rules } from "./rules/index.ts";
import type { RegisteredTenant, RuleInput } from "./rules/rule.ts";
import { registrySchema, tenantFileSchema, type Defaults, type Registry, type Releases } from "./schema.ts";
import type { PoolSpec, TenantSpec } from "./spec.ts";
import { registrySubject, tenantSubject, type Subject } from "./subjects.ts";
import type { TenantEntry } from "./tenantSchema.ts";
import { warnings } from "./warnings.ts";

export { CATALOGUE_FILE, REGISTRY_FILE } from "./files.ts";
export type { RegisteredTenant } from "./rules/rule.ts";

/** The context of a load; `now` is for warnings alone, which nothing resolved depends on. */
export interface LoadContext extends ResolveContext {
  /** Default: the present. */
  readonly now?: Date;
}

/** The registry, checked and resolved. Lists keep the order of the file, then of the tenants' own files by name. */
export interface LoadedRegistry {
  readonly releases: Releases;
  readonly defaults: Defaults;
  readonly catalogue: Catalogue;
  /** The entries of this cell, tombstones included. */
  readonly entries: readonly RegisteredTenant[];
  /** The entries of other cells: checked, but not resolved here. */
  readonly elsewhere: readonly RegisteredTenant[];
  /** The tenants of this cell whose environment exists. */
  readonly tenants: readonly TenantSpec[];
  /** What the tenants of some plans share, whether or not any tenant needs it. */
  readonly pools: readonly PoolSpec[];
  /** What stops nothing but should be looked at. */
  readonly warnings: readonly Issue[];
  readonly context: ResolveContext;
}

/**
 * Reads, validates and resolves the registry of a project.
 * All issues of all files come together; no rule runs as long as a file does not pass its schema.
 */
export function loadRegistry(projectDir: string, context: LoadContext): Checked<LoadedRegistry> {
  const { texts, issues } = readRegistryTexts(projectDir);
  const checked = checkRegistry(texts, context, new Set(issues.map(({ file }) => file)));
  if (issues.length === 0) return checked;
  return { ok: false, issues: [...issues, ...(checked.ok ? [] : checked.issues)] };
}

/**
 * The same from texts, e.g. of a Git revision.
 * @param unread files that exist but could not be read: not reported as missing
 */
export function checkRegistry(
  texts: RegistryTexts,
  context: LoadContext,
  unread: ReadonlySet<string> = new Set(),
): Checked<LoadedRegistry> {
  const issues: Issue[] = [];
  const take = <T>(checked: Checked<T>): T | undefined => {
    if (checked.ok) return checked.value;
    issues.push(...checked.issues);
    return undefined;
  };
  const read = <T>(
    file: string,
    subject: Subject | undefined,
    check: (source: SourceDocument) => Checked<T>,
  ): { source: SourceDocument; value: T } | undefined => {
    const text = texts.get(file);
    if (text === undefined) {
      if (!unread.has(file)) issues.push({ file, subject: "", message: "does not exist; create it" });
      return undefined;
    }
    const source = take(parseSource(file, text, subject));
    const value = source === undefined ? undefined : take(check(source));
    return source === undefined || value === undefined ? undefined : { source, value };
  };

  const catalogue = read(CATALOGUE_FILE, undefined, (source) => checkSchema(source, catalogueSchema));
  const registry = read(REGISTRY_FILE, registrySubject, (source) => checkSchema(source, registrySchema));
  const separate = [...texts.keys()]
    .filter((file) => file !== CATALOGUE_FILE && file !== REGISTRY_FILE)
    .map((file) => read(file, tenantSubject, (source) => checkSchema(source, tenantFileSchema)));
  if (catalogue === undefined || registry === undefined || issues.length > 0) return { ok: false, issues };

  const { releases, defaults } = registry.value;
  const input: RuleInput = {
    source: registry.source,
    catalogueSource: catalogue.source,
    releases,
    defaults,
    catalogue: catalogue.value,
    tenants: [
      ...listedTenants(registry.source, registry.value),
      ...separate.flatMap((file) => (file === undefined ? [] : [registered(file.source, file.value, [])])),
    ],
    context,
  };
  const violations = Object.values(rules).flatMap((rule) => rule(input));
  return violations.length > 0
    ? { ok: false, issues: violations }
    : { ok: true, value: resolveRegistry(input, context) };
}

const listedTenants = (source: SourceDocument, { tenants }: Registry): RegisteredTenant[] =>
  tenants.map((entry, index) => registered(source, entry, ["tenants", index]));

function registered(
  source: SourceDocument,
  entry: TenantEntry,
  path: readonly PropertyKey[],
): RegisteredTenant {
  return {
    entry,
    file: source.file,
    // Only looked up where an issue needs it.
    get place() {
      return `${source.file}:${source.issue([...path, "id"], "").line ?? 1}`;
    },
    path,
    issue: (below, message, at) => source.issue([...path, ...below], message, at),
  };
}

function resolveRegistry(input: RuleInput, context: LoadContext): LoadedRegistry {
  const { releases, defaults, catalogue } = input;
  const isHere = ({ entry }: RegisteredTenant): boolean => {
    const cell = cellOf(entry, defaults);
    return cell === undefined || context.cell === undefined || cell === context.cell;
  };
  const entries = input.tenants.filter(isHere);
  return {
    releases,
    defaults,
    catalogue,
    entries,
    elsewhere: input.tenants.filter((tenant) => !isHere(tenant)),
    tenants: entries.flatMap(
      ({ entry }) => resolveTenant(entry, { releases, defaults, catalogue }, context) ?? [],
    ),
    pools: resolvePools({ releases, catalogue }, context),
    warnings: warnings(input, context.now ?? new Date()),
    context,
  };
}
