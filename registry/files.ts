import { isUtf8 } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compareText, type Issue } from "./issues.ts";

/** Where the registry and the catalogue stand, relative to the project. */
export const REGISTRY_FOLDER = "tenants";
export const REGISTRY_FILE = `${REGISTRY_FOLDER}/tenants.yaml`;
export const CATALOGUE_FILE = `${REGISTRY_FOLDER}/plans.yaml`;

/** The YAML files of a registry: name relative to the project → text. */
export type RegistryTexts = ReadonlyMap<string, string>;

/** Names of the tenants' own files in a listing of the registry's folder: `acme.yaml`, sorted. */
export const tenantFiles = (names: readonly string[]): string[] =>
  names
    .filter((name) => name.endsWith(".yaml") && !name.startsWith("."))
    .map((name) => `${REGISTRY_FOLDER}/${name}`)
    .filter((file) => file !== REGISTRY_FILE && file !== CATALOGUE_FILE)
    .sort(compareText);

/** What could be read of a registry, and an issue for each file that could not. */
export interface ReadRegistry {
  readonly texts: RegistryTexts;
  readonly issues: readonly Issue[];
}

/** Reads the registry's files. */
export function readRegistryTexts(projectDir: string): ReadRegistry {
  const folder = join(projectDir, REGISTRY_FOLDER);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    return {
      texts: new Map(),
      issues: [CATALOGUE_FILE, REGISTRY_FILE].map((file) => unreadable(file, error)),
    };
  }
  const texts = new Map<string, string>();
  const issues: Issue[] = names
    .filter((name) => name.endsWith(".yml") && !name.startsWith("."))
    .sort(compareText)
    .map((name) => ({
      file: `${REGISTRY_FOLDER}/${name}`,
      subject: "",
      message: `would not be read; rename it to ${name.replace(/\.yml$/, ".yaml")}`,
    }));
  for (const file of [CATALOGUE_FILE, REGISTRY_FILE, ...tenantFiles(names)]) {
    try {
      const bytes = readFileSync(join(projectDir, file));
      if (isUtf8(bytes)) texts.set(file, bytes.toString("utf8"));
      else issues.push({ file, subject: "", message: "is not UTF-8 text; save it as UTF-8" });
    } catch (error) {
      issues.push(unreadable(file, error));
    }
  }
  return { texts, issues };
}

function unreadable(file: string, error: unknown): Issue {
  const code = (error as NodeJS.ErrnoException).code;
  const message =
    code === "ENOENT"
      ? "does not exist; create it (the README shows an example)"
      : `cannot be read: ${String(code ?? error)}`;
  return { file, subject: "", message };
}
