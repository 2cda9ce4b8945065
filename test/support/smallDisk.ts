import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file system of its own in memory, which can be full. */
export interface SmallDisk {
  readonly folder: string;
  resize(megabytes: number): void;
  remove(): void;
}

const isRoot = process.getuid?.() === 0;

/** Runs a command as root, without a question for a password. */
const asRoot = (...command: string[]): boolean =>
  spawnSync(isRoot ? (command[0] ?? "") : "sudo", isRoot ? command.slice(1) : ["-n", ...command]).status ===
  0;

/**
 * Mounts a small tmpfs, which only root may do: as root, or by `sudo` without a password, as hosted CI runners have it.
 * Limits of a process would not do: past them a write fails with "file too large", not with "no space left on device".
 * @param user owner of its top folder. Default: who runs this
 * @returns undefined where this machine does not let us
 */
export function mountSmallDisk(
  megabytes: number,
  user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), "warehouse-disk-"));
  const options = `size=${megabytes}m,uid=${user.uid},gid=${user.gid},mode=0755`;
  if (!asRoot("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  return {
    folder,
    resize(size) {
      if (!asRoot("mount", "-o", `remount,size=${size}m`, folder))
        throw new Error(`${folder} keeps its size`);
    },
    remove() {
      asRoot("umount", folder);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
