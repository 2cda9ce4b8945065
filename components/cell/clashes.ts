import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSource } from "../../registry/document.ts";
import { compareText, type Checked, type Issue } from "../../registry/issues.ts";
import type { PoolSpec } from "../../registry/spec.ts";
import { checkCellConfig, configIssue, type CellConfig } from "./config.ts";

const STACK_FILE = /^Pulumi\.(.+)\.yaml$/;

/** The names of the stacks that have a file in the project. */
export const stackNames = (projectDir: string): string[] =>
  readdirSync(projectDir)
    .flatMap((file) => STACK_FILE.exec(file)?.[1] ?? [])
    .sort(compareText);

/**
 * The configuration in a stack's file, as the engine passes it to the program; secrets are left out.
 * @throws what reading the file throws
 */
export function readCellConfig(projectDir: string, stack: string): Checked<CellConfig> {
  const file = `Pulumi.${stack}.yaml`;
  const parsed = parseSource(file, readFileSync(join(projectDir, file), "utf8"));
  if (!parsed.ok) return parsed;
  const { config = {} } = parsed.value.value as { readonly config?: Readonly<Record<string, unknown>> };
  const raw = Object.entries(config)
    .filter(([, value]) => !isSecret(value))
    .map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)] as const);
  return checkCellConfig(Object.fromEntries(raw), projectDir, stack);
}

const isSecret = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "secure" in value;

/**
 * What this cell would fight over with the cells of the project's other stacks: names on a cluster or database server
 * that both use, and what there is one of. A stack whose file is not complete has no cell yet.
 */
export function clashIssues(projectDir: string, stack: string, cell: CellConfig): Issue[] {
  const others = stackNames(projectDir)
    .filter((name) => name !== stack)
    .flatMap((name) => {
      const config = readCellConfig(projectDir, name);
      return config.ok ? [{ file: `Pulumi.${name}.yaml`, cell: config.value }] : [];
    });
  return others.flatMap(({ file, cell: other }) => {
    const issue = (path: readonly string[], message: string): Issue =>
      configIssue(projectDir, stack, path, message);
    const [sharesCluster, sharesServer] = [
      cell.kubernetes.context === other.kubernetes.context,
      cell.database.host === other.database.host && cell.database.port === other.database.port,
    ];
    const where = sharesCluster ? "cluster" : "database server";
    const shares = sharesCluster || sharesServer;
    return [
      ...(shares && cell.cell === other.cell
        ? [issue(["cell"], `is the cell of ${file} too, on the same ${where}; give it another name`)]
        : []),
      ...(shares && cell.qualifier === other.qualifier
        ? [
            issue(
              ["qualifier"],
              `is ${cell.qualifier === "" ? "empty" : `"${cell.qualifier}"`} as in ${file}, whose cell is on the same ${where}: their pools would have the same names; write another word`,
            ),
          ]
        : []),
      ...(sharesCluster && sharesServer && cell.operations && other.operations
        ? [
            issue(
              ["operations"],
              `is true as in ${file}, whose cell is on the same cluster and database server: one of them has the operations; write "false"`,
            ),
          ]
        : []),
      ...(cell.backup.bucket === other.backup.bucket && cell.backup.manage && other.backup.manage
        ? [
            issue(
              ["backup", "manage"],
              `is true as in ${file}, which has the same bucket: one of them makes it; write false`,
            ),
          ]
        : []),
    ];
  });
}

/**
 * The pools that would get another name: their files and rows would be left under the old one.
 * @param pools the stack output `pools` of the last `up`
 */
export function renamedPools(
  projectDir: string,
  stack: string,
  present: unknown,
  pools: readonly PoolSpec[],
): Issue[] {
  const last = (present ?? {}) as Readonly<Record<string, { readonly namespace?: unknown }>>;
  const renamed = pools.filter(({ plan, name }) => (last[plan]?.namespace ?? name) !== name);
  return renamed
    .slice(0, 1)
    .map(({ plan, name }) =>
      configIssue(
        projectDir,
        stack,
        ["qualifier"],
        `would rename ${String(last[plan]?.namespace)} to ${name}, and leave files and rows behind; keep what it was`,
      ),
    );
}
