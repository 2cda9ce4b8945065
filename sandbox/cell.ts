import { join } from "node:path";
import { parse } from "yaml";
import { readRegistryTexts } from "../registry/files.ts";
import type { Layout } from "./layout.ts";
import { SandboxError } from "./lib/errors.ts";
import { readText, writeIfChanged } from "./lib/files.ts";
import { SANDBOX_CELL } from "./stackConfig.ts";

/**
 * The cell of the registry whose tenants a sandbox has: `$WAREHOUSE_SANDBOX_CELL`, by default the first that the registry
 * names. It stays what it is: the tenants of another would not come, and its own not go.
 * @param isDeployed whether the sandbox has a stack already
 * @throws SandboxError where it should become another
 */
export function cellToPlay(
  paths: Layout,
  env: Readonly<Record<string, string | undefined>>,
  isDeployed: boolean,
): string {
  const named = namedCells(paths.project);
  const file = join(paths.root, "cell");
  const present = isDeployed ? (readText(file)?.trim() ?? SANDBOX_CELL) : undefined;
  const isKept = present !== undefined && (named.length === 0 || named.includes(present));
  const cell = env["WAREHOUSE_SANDBOX_CELL"] ?? (isKept ? present : (named[0] ?? SANDBOX_CELL));
  if (present !== undefined && present !== cell)
    throw new SandboxError(
      `This sandbox is the cell ${present} and cannot become ${cell}. Start anew: npm run sandbox destroy, then npm run sandbox`,
    );
  writeIfChanged(file, `${cell}\n`);
  return cell;
}

interface Named {
  readonly cell?: unknown;
}

/** The cells that the registry names, whether or not it is valid, in its order. */
function namedCells(projectDir: string): string[] {
  const cells = [...readRegistryTexts(projectDir).texts.values()].flatMap((text) => {
    try {
      const file = parse(text) as
        (Named & { readonly defaults?: Named | null; readonly tenants?: readonly Named[] }) | null;
      return [file?.defaults, file, ...(file?.tenants ?? [])].map((place) => place?.cell);
    } catch {
      return []; // The program says what is wrong with it.
    }
  });
  return [...new Set(cells.filter((cell) => typeof cell === "string"))];
}
