import { backupCommand, exportCommand } from "./backup.ts";
import type { Command } from "./command.ts";
import { describeCommand, verifyCommand } from "./describe.ts";
import { isolationAssert, poolBootstrap, poolCheck, schemaPrepare } from "./database.ts";
import { filesPull, filesPurge, filesPush, filesVerify, moveCommand } from "./move.ts";
import { archiveFiles, archiveRows, finalVerify, shutOutCommand } from "./offboarding.ts";
import { drillCommand, drillsCommand, filesRestore, janitorCommand, restoreCommand } from "./restore.ts";
import { maintenanceCommand, metricsCommand } from "./serve.ts";

/** What the operations program can be asked to do, by name. */
export const commands: Readonly<Record<string, Command>> = {
  backup: backupCommand,
  describe: describeCommand,
  verify: verifyCommand,
  export: exportCommand,
  restore: restoreCommand,
  "files-restore": filesRestore,
  drill: drillCommand,
  drills: drillsCommand,
  janitor: janitorCommand,
  maintenance: maintenanceCommand,
  metrics: metricsCommand,
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
  "schema-prepare": schemaPrepare,
  "isolation-assert": isolationAssert,
};
