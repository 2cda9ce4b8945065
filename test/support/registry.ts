import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatIssue } from "../../registry/issues.ts";
import { CATALOGUE_FILE, loadRegistry, REGISTRY_FILE, type LoadedRegistry } from "../../registry/load.ts";

export const PROJECT = process.cwd();
export const BASE_DOMAIN = "yourwarehousesaas.com";

/** The project's own files, the real input of every test. */
export const realRegistry = readFileSync(join(PROJECT, REGISTRY_FILE), "utf8");
export const realCatalogue = readFileSync(join(PROJECT, CATALOGUE_FILE), "utf8");

/** Runs a function with a project folder that holds these files; `undefined` leaves a file out. */
export function withProject<T>(
  files: Readonly<Record<string, string | undefined>>,
  run: (dir: string) => T,
): T {
  const dir = mkdtempSync(join(tmpdir(), "warehouse-project-"));
  try {
    mkdirSync(join(dir, "tenants"));
    const texts: Readonly<Record<string, string | undefined>> = {
      [REGISTRY_FILE]: realRegistry,
      [CATALOGUE_FILE]: realCatalogue,
      ...files,
    };
    for (const [file, text] of Object.entries(texts)) {
      if (text !== undefined) writeFileSync(join(dir, file), text);
    }
    return run(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The issues of a registry, as a user reads them. */
export function issuesOf(
  registry: string | undefined,
  catalogue: string | undefined = realCatalogue,
): string[] {
  return withProject({ [REGISTRY_FILE]: registry, [CATALOGUE_FILE]: catalogue }, (dir) => {
    const loaded = loadRegistry(dir, { baseDomain: BASE_DOMAIN });
    return loaded.ok ? [] : loaded.issues.map(formatIssue);
  });
}

/** A registry that must be valid. */
export function loadValid(registry: string = realRegistry): LoadedRegistry {
  return withProject({ [REGISTRY_FILE]: registry }, (dir) => {
    const loaded = loadRegistry(dir, { baseDomain: BASE_DOMAIN });
    if (!loaded.ok) throw new Error(loaded.issues.map(formatIssue).join("\n"));
    return loaded.value;
  });
}

/** Text of a registry with these entries, written as YAML flow so that any value fits. */
export function registryOf(...entries: readonly object[]): string {
  const head = realRegistry.slice(0, realRegistry.indexOf("tenants:\n"));
  return `${head}tenants:\n${entries.map((entry) => `  - ${JSON.stringify({ since: "2026-01-01T00:00:00Z", release: "v2.1.0", plan: "enterprise", ...entry })}\n`).join("")}`;
}
