// Leaves in a package.json what the operations program depends on: `node scripts/opsPackage.ts <file>`. The lockfile beside
// it still says in which versions, so that they are stated once for the project and its image.
import { readFileSync, writeFileSync } from "node:fs";

/** What the sources in ops/, and those of registry/ that they import, import. */
const PACKAGES = ["@aws-sdk/client-s3", "@aws-sdk/lib-storage", "pg", "pg-copy-streams", "zod"];

const [file = "package.json"] = process.argv.slice(2);
const { name, version, license, type, engines, dependencies } = JSON.parse(readFileSync(file, "utf8")) as {
  readonly dependencies: Readonly<Record<string, string>>;
} & Readonly<Record<string, unknown>>;
const needed = PACKAGES.map((each) => {
  const wanted = dependencies[each];
  if (wanted === undefined) throw new Error(`${file} does not depend on ${each}`);
  return [each, wanted];
});
const reduced = {
  name,
  version,
  private: true,
  license,
  type,
  engines,
  dependencies: Object.fromEntries(needed) as Record<string, string>,
};
writeFileSync(file, `${JSON.stringify(reduced, undefined, 2)}\n`);
