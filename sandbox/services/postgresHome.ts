import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Layout } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { readText } from "../lib/files.ts";
import { run } from "../lib/run.ts";
import { programsRoot } from "../toolchain/postgres.ts";

/** The user PostgreSQL runs as; undefined: the one who runs the sandbox. */
export type ServerUser = { readonly uid: number; readonly gid: number } | undefined;

/** Who PostgreSQL can run as: it refuses root, where `postgres` or `nobody` take its place. */
export async function postgresUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const uid = await run("id", ["-u", name]);
    const gid = await run("id", ["-g", name]);
    if (uid.code === 0 && gid.code === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new SandboxError(
    "PostgreSQL does not run as root, and this machine has no user `postgres` or `nobody` for it. Run the sandbox as another user.",
  );
}

/** Where PostgreSQL lives: programs and data, both within reach of its user. */
export interface PostgresHome {
  readonly bin: string;
  readonly data: string;
  readonly user: ServerUser;
}

/**
 * The programs and the data folder, within reach of the user PostgreSQL runs as. As root, folders below a
 * closed home are out of that user's reach: the data then live in /var/tmp, and so do copied programs.
 */
export async function postgresHome(bin: string, paths: Layout): Promise<PostgresHome> {
  const user = await postgresUser();
  if (user === undefined) {
    mkdirSync(paths.postgres, { recursive: true, mode: 0o700 });
    return { bin, data: join(paths.postgres, "data"), user };
  }
  const reaches = async (folder: string): Promise<boolean> =>
    (await run("/bin/sh", ["-c", 'cd "$1"', "sh", folder], { ...user, cwd: "/" })).code === 0;
  mkdirSync(paths.postgres, { recursive: true });
  chmodSync(paths.postgres, 0o755);
  const [dataWithin, programsWithin] = await Promise.all([reaches(paths.postgres), reaches(bin)]);
  if (!dataWithin || !programsWithin) openOutside(paths);
  const data = join(dataWithin ? paths.postgres : outsideFolder(paths), "data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  chownSync(data, user.uid, user.gid);
  return { bin: programsWithin ? bin : copyPrograms(bin, paths), data, user };
}

const OUTSIDE = "/var/tmp";
const PREFIX = "warehouse-sandbox-";

/** Folder outside the sandbox that `postgresHome` may have used; `destroy` removes it. */
export const outsideFolder = (paths: Layout): string =>
  join(OUTSIDE, `${PREFIX}${paths.root.slice(1).replaceAll("/", "-")}`);

const ownerFile = (folder: string): string => join(folder, "owner");

const isOwn = (folder: string): boolean => {
  // Another sandbox that starts may have removed it just now.
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
};

/** Makes the folder outside, which names its sandbox, and removes those whose sandbox is gone. */
function openOutside(paths: Layout): void {
  for (const entry of readdirSync(OUTSIDE)) {
    const folder = join(OUTSIDE, entry);
    if (!entry.startsWith(PREFIX) || !isOwn(folder)) continue;
    const owner = readText(ownerFile(folder));
    if (owner !== undefined && !existsSync(owner.trim())) rmSync(folder, { recursive: true, force: true });
  }
  const folder = outsideFolder(paths);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  // Anyone may write to /var/tmp: what another user has put there under this name is not ours.
  if (!isOwn(folder))
    throw new SandboxError(
      `${folder} belongs to another user. Remove it, or use --dir with a path that PostgreSQL's user can reach.`,
    );
  writeFileSync(ownerFile(folder), `${paths.root}\n`);
}

/** The programs with their libraries, at the same places relative to each other. */
function copyPrograms(bin: string, paths: Layout): string {
  const { root, parts, within } = programsRoot(bin);
  const target = join(outsideFolder(paths), "programs");
  if (!existsSync(join(target, within))) {
    for (const part of parts) cpSync(join(root, part), join(target, part), { recursive: true });
  }
  return join(target, within);
}
