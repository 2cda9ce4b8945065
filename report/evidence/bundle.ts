import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareText } from "../../registry/issues.ts";
import { ARTEFACT_NAMES, ARTEFACTS, type ArtefactName, type Gathered } from "./artefacts.ts";

/** The manifest: a line of SHA-256 and name for every other file, as `sha256sum --check` reads it. */
export const MANIFEST = "SHA256SUMS";
const INDEX = "index.json";

/** The files of a bundle by name: what was gathered, an index and the manifest. The same input gives the same bytes. */
export function bundleOf(
  gathered: Readonly<Record<ArtefactName, Gathered>>,
  facts: { readonly generatedAt: string; readonly commit: string | null },
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const index = ARTEFACT_NAMES.map((name) => {
    const found = gathered[name];
    const { from } = found;
    if ("why" in found) return { name, ...ARTEFACTS[name], from, file: null, unknown: found.why };
    files.set(`${name}.json`, written(found.value));
    return { name, ...ARTEFACTS[name], from, file: `${name}.json` };
  });
  files.set(INDEX, written({ schemaVersion: 1, ...facts, artefacts: index }));
  const sums = [...files]
    .map(([name, text]) => `${sha256(text)}  ${name}\n`)
    .sort((a, b) => compareText(a.slice(66), b.slice(66)));
  return new Map([...files, [MANIFEST, sums.join("")]]);
}

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

/** JSON with its keys in order, so that what gathers in another order writes the same. */
const written = (value: unknown): string =>
  `${JSON.stringify(
    value,
    (_, child: unknown) =>
      typeof child === "object" && child !== null && !Array.isArray(child)
        ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => compareText(a, b)))
        : child,
    2,
  )}\n`;

/** Writes a bundle into a folder of its own. @returns false where the folder has something in it already */
export function writeBundle(folder: string, files: ReadonlyMap<string, string>): boolean {
  if (existsSync(folder) && readdirSync(folder).length > 0) return false;
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  return true;
}

/** What is wrong with a bundle: files that changed, are missing or were added. Empty where it is whole. */
export function verifyBundle(folder: string): string[] {
  let manifest: string;
  try {
    manifest = readFileSync(join(folder, MANIFEST), "utf8");
  } catch {
    return [`${join(folder, MANIFEST)} cannot be read; name the folder of a bundle`];
  }
  const lines = manifest.split("\n").filter((line) => line !== "");
  const listed = lines.map((line) => /^([0-9a-f]{64}) {2}([a-z0-9.-]+)$/.exec(line));
  const problems = lines
    .filter((_, index) => listed[index] === null)
    .map((line) => `${MANIFEST}: "${line}" is no line of a manifest`);
  const names = new Set<string>([MANIFEST]);
  for (const [, sum, name = ""] of listed.filter((match) => match !== null)) {
    names.add(name);
    const path = join(folder, name);
    if (!existsSync(path)) problems.push(`${name} is missing`);
    else if (sha256(readFileSync(path)) !== sum) problems.push(`${name} is not what was bundled`);
  }
  if (!names.has(INDEX)) problems.push(`${MANIFEST} does not list ${INDEX}`);
  for (const name of readdirSync(folder).sort(compareText))
    // A signature stands beside what it signs.
    if (!names.has(name) && !/^SHA256SUMS\.[a-z]+$/.test(name)) problems.push(`${name} was added`);
  return problems;
}
