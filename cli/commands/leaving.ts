import type { Command } from "commander";
import { openBucket } from "../../components/cell/openBucket.ts";
import type { FinalBackup } from "../../registry/lifecycle.ts";
import { backupPrefix, platformHost } from "../../registry/naming.ts";
import type { TenantEntry } from "../../registry/tenantSchema.ts";
import { editTenant, makeChange, type EntryEditor, type WriteOptions } from "../change.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { present, since, writesRegistry } from "../options.ts";
import { stackOf } from "../stack.ts";
import { openWorkspace, tenantOf, type Workspace } from "../workspace.ts";

interface LeavingOptions extends WriteOptions {
  readonly since?: string;
}

export function registerArchive(program: Command, io: Io): void {
  const command = program
    .command("archive <id>")
    .summary("record the final backup of a leaving tenant, and keep that alone")
    .description(
      "Archives a tenant whose offboarding is applied: reads the evidence of its final backup from the bucket, with your AWS credentials, and writes it into the entry. The application goes, and what the tenant shared with others is emptied; its database stays, closed.",
    )
    .addOption(since("the tenant is archived"));
  writesRegistry(command).action(async (id: string, options: LeavingOptions) => {
    const workspace = openWorkspace(io, options);
    const { since: from = present(io) } = options;
    const evidence = await evidenceOf(io, id, options.stack);
    await step(io, workspace, options, id, "offboarding", {
      edit: (entry) => {
        entry.set(["state"], "archived");
        entry.set(["since"], from);
        entry.set(["offboarding", "finalBackup"], { ...evidence });
      },
      summary: `${id} is archived from ${from} on: its final backup ${evidence.id} was verified ${evidence.verifiedAt}`,
      danger: `Archive ${id}?`,
    });
  });
}

export function registerDelete(program: Command, io: Io): void {
  const command = program
    .command("delete <id>")
    .summary("delete what is left of an archived tenant")
    .description(
      "Deletes an archived tenant whose time is up: database, namespace, backups and exports. The entry stays as a tombstone, which keeps its id and hosts reserved.",
    )
    .addOption(since("the tenant is deleted"));
  writesRegistry(command).action(async (id: string, options: LeavingOptions) => {
    const workspace = openWorkspace(io, options);
    const { since: from = present(io) } = options;
    const host = platformHost(id, workspace.registry.context.baseDomain);
    await step(io, workspace, options, id, "archived", {
      edit: (entry) => {
        entry.set(["state"], "deleted");
        entry.set(["since"], from);
        entry.set(["offboarding", "confirm"], host);
      },
      summary: `${id} is deleted by the next \`pulumi up\`: its database, files, backups and exports`,
      danger: `Delete all data of ${id} (${host})?`,
    });
  });
}

interface Step {
  readonly edit: (entry: EntryEditor) => void;
  readonly summary: string;
  readonly danger: string;
}

async function step(
  io: Io,
  workspace: Workspace,
  options: LeavingOptions,
  id: string,
  from: TenantEntry["state"],
  { edit, ...told }: Step,
): Promise<void> {
  const tenant = tenantOf(workspace.registry, id);
  const { state } = tenant.entry;
  if (state !== from) throw new Refusal(`${id} is ${state}; this takes a tenant that is ${from}`);
  await makeChange(io, workspace, { ...editTenant(workspace, tenant, edit), ...told }, options);
}

/** The evidence that the verification left in the bucket. Loaded only here: the SDK is slow to load. */
async function evidenceOf(io: Io, id: string, given: string | undefined): Promise<FinalBackup> {
  const { cell } = stackOf(io, given, undefined);
  const { readEvidence } = await import("../../ops/offboarding/evidence.ts");
  const bucket = await openBucket(cell);
  const found = await readEvidence(bucket, backupPrefix(id)).catch((error: unknown): never => {
    throw new Refusal(`the evidence cannot be read with your AWS credentials: ${(error as Error).message}`);
  });
  if (found === undefined)
    throw new Refusal(`${id} has no verified final backup in ${cell.backup.bucket}; apply state offboarding`);
  return found;
}
