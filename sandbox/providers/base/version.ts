import { readFileSync } from "node:fs";

/**
 * Version of an installed npm package. A plugin reports that of the SDK it stands in for: the engine warns of
 * one that is older.
 */
export function sdkVersion(name: string): string {
  // Read as a file: the SDKs' package.json is not among the exports of every package.
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}
