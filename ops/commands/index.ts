import { backupCommand } from "./backup.ts";
import type { Command } from "./command.ts";
import { describeCommand } from "./describe.ts";
import { isolationAssert, poolBootstrap, poolCheck } from "./database.ts";
import { filesPull, filesPurge, filesPush, filesVerify, moveCommand } from "./move.ts";
import { drillCommand, drillsCommand, janitorCommand, restoreCommand } from "./restore.ts";
import { archiveFiles, archiveRows, finalVerify, shutOutCommand } from "./offboarding.ts";
import { maintenanceCommand } from "./serve.ts";

/** What the operations program can be asked to do, by name. */
export const commands: Readonly<Record<string, Command>> = {
  backup: backupCommand,
  describe: describeCommand,
  restore: restoreCommand,
  drill: drillCommand,
  drills: drillsCommand,
  janitor: janitorCommand,
  maintenance: maintenanceCommand,
  move: moveCommand,
  "files-push": filesPush,
  "files-pull": filesPull,
  "files-verify": filesVerify,
  "files-purge": filesPurge,
  "shut-out": shutOutCommand,
  "final-verify": finalVerify,
  "archive-rows": archiveRows,
  "archive-files": archiveFiles,
  "pool-bootstrap": poolBootstrap,
  "pool-check": poolCheck,
  "isolation-assert": isolationAssert,
};
