import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatIssue, type Checked } from "../../registry/issues.ts";
import {
  CATALOGUE_FILE,
  loadRegistry,
  REGISTRY_FILE,
  type LoadContext,
  type LoadedRegistry,
} from "../../registry/load.ts";

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

/** The day of the tests: warnings know the time. */
export const NOW = new Date("2026-11-23T12:00:00Z");
export const CONTEXT: LoadContext = { baseDomain: BASE_DOMAIN, now: NOW };

/** Loads a registry beside the real catalogue, or a whole set of files. */
export function load(
  registry: string | Readonly<Record<string, string | undefined>> | undefined,
  context: LoadContext = CONTEXT,
): Checked<LoadedRegistry> {
  const files = typeof registry === "object" ? registry : { [REGISTRY_FILE]: registry };
  return withProject(files, (dir) => loadRegistry(dir, context));
}

/** The issues of a registry, as a user reads them. */
export function issuesOf(
  registry: string | undefined,
  catalogue: string | undefined = realCatalogue,
): string[] {
  const loaded = load({ [REGISTRY_FILE]: registry, [CATALOGUE_FILE]: catalogue });
  return loaded.ok ? [] : loaded.issues.map(formatIssue);
}

/** A registry that must be valid. */
export function loadValid(registry: string = realRegistry, context: LoadContext = CONTEXT): LoadedRegistry {
  const loaded = load(registry, context);
  if (!loaded.ok) throw new Error(loaded.issues.map(formatIssue).join("\n"));
  return loaded.value;
}

/**
 * Text of a registry with these entries, written as YAML flow so that any value fits. `release` stands for a pin, and
 * the block that a state requires is filled in.
 */
export function registryOf(...entries: readonly object[]): string {
  const head = realRegistry.slice(0, realRegistry.indexOf("tenants:\n"));
  return `${head}tenants:\n${entries.map((entry) => `  - ${JSON.stringify(entryOf(entry))}\n`).join("")}`;
}

/** An entry with what is required and not given. */
export function entryOf(given: object): object {
  const { release, ...entry } = given as { readonly release?: string; readonly state?: string };
  return {
    since: "2026-01-01T00:00:00Z",
    plan: "enterprise",
    ...(release === undefined ? {} : { pin: { version: release, until: "2027-03-31", reason: "test" } }),
    ...(entry.state === "trial" ? { trial: { endsAt: "2026-12-31T00:00:00Z" } } : {}),
    ...(entry.state === "suspended" ? { suspension: { reason: "unpaid" } } : {}),
    ...entry,
  };
}

/** An entry whose tenant is gone; its id is `gone`. */
export const tombstone = {
  id: "gone",
  state: "deleted",
  since: "2026-06-01T00:00:00Z",
  offboarding: {
    reason: "unpaid",
    purgeAfter: "2026-05-01T00:00:00Z",
    finalBackup: {
      id: "gone-20260401T000000Z",
      sha256: "4".repeat(64),
      verifiedAt: "2026-04-01T01:00:00Z",
    },
    confirm: "gone.yourwarehousesaas.com",
  },
};
