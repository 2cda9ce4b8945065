import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogueSchema, type Catalogue } from "./catalogue.ts";
import { checkSchema, parseSource, type SourceDocument } from "./document.ts";
import type { Checked, Issue } from "./issues.ts";
import { resolveTenant, type ResolveContext } from "./resolve.ts";
import { rules } from "./rules.ts";
import { registrySchema, type Registry } from "./schema.ts";
import type { TenantSpec } from "./spec.ts";

/** Where the registry and the catalogue stand, relative to the project. */
export const REGISTRY_FILE = "tenants/tenants.yaml";
export const CATALOGUE_FILE = "tenants/plans.yaml";

/** The registry, checked and resolved. */
export interface LoadedRegistry {
  readonly registry: Registry;
  readonly catalogue: Catalogue;
  /** In the order of the file. */
  readonly tenants: readonly TenantSpec[];
}

/**
 * Reads, validates and resolves the registry of a project.
 * All issues of both files come together; no rule runs on a file that does not pass its schema.
 */
export function loadRegistry(projectDir: string, context: ResolveContext): Checked<LoadedRegistry> {
  const catalogue = loadFile(projectDir, CATALOGUE_FILE, (source) => checkSchema(source, catalogueSchema));
  const registry = loadFile(projectDir, REGISTRY_FILE, (source) => {
    const checked = checkSchema(source, registrySchema);
    return checked.ok ? { ok: true, value: { source, registry: checked.value } } : checked;
  });
  if (!catalogue.ok || !registry.ok) {
    return {
      ok: false,
      issues: [...(catalogue.ok ? [] : catalogue.issues), ...(registry.ok ? [] : registry.issues)],
    };
  }
  const input = { ...registry.value, catalogue: catalogue.value, baseDomain: context.baseDomain };
  const issues = rules.flatMap((rule) => rule(input));
  if (issues.length > 0) return { ok: false, issues };
  const tenants = input.registry.tenants.map((entry) =>
    resolveTenant(entry, input.registry, input.catalogue, context),
  );
  return { ok: true, value: { registry: input.registry, catalogue: input.catalogue, tenants } };
}

/** Reads and parses one YAML file of the project, then checks it. */
function loadFile<T>(
  projectDir: string,
  file: string,
  check: (source: SourceDocument) => Checked<T>,
): Checked<T> {
  let text: string;
  try {
    text = readFileSync(join(projectDir, file), "utf8");
  } catch (error) {
    return { ok: false, issues: [unreadable(file, error)] };
  }
  const source = parseSource(file, text);
  return source.ok ? check(source.value) : source;
}

function unreadable(file: string, error: unknown): Issue {
  const code = (error as NodeJS.ErrnoException).code;
  const message =
    code === "ENOENT"
      ? "does not exist; create it (the README shows an example)"
      : `cannot be read: ${String(code ?? error)}`;
  return { file, subject: "", message };
}
