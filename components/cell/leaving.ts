import { log, ResourceHook, type ResourceHookArgs } from "@pulumi/pulumi";
import type { OpsFailure } from "../../ops/failure.ts";
import type { Issue } from "../../registry/issues.ts";
import type { FinalBackup } from "../../registry/lifecycle.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { backupPrefix } from "../../registry/naming.ts";
import { HELD_FOR, type TenantRecord } from "../../registry/records.ts";
import type { CellConfig } from "./config.ts";
import { openBucket } from "./openBucket.ts";

/**
 * Compares the evidence of tenants that are about to be archived or deleted with the bucket, before anything is made.
 * @param applied what the last `up` left
 */
export async function evidenceIssues(
  applied: readonly TenantRecord[],
  { entries }: LoadedRegistry,
  cell: CellConfig,
): Promise<Issue[]> {
  const states = new Map(applied.map(({ id, state }) => [id, state]));
  const claims = entries.flatMap((tenant) => {
    const { id, state, offboarding } = tenant.entry;
    const before = states.get(id);
    const claimed = offboarding?.finalBackup;
    const isNew = before !== undefined && before !== state && before !== "deleted";
    return claimed !== undefined && isNew && (state === "archived" || state === "deleted")
      ? [{ tenant, claimed }]
      : [];
  });
  if (claims.length === 0) return [];
  const { requireEvidence } = await import("../../ops/offboarding/evidence.ts");
  const bucket = await openBucket(cell);
  const issues = claims.map(async ({ tenant, claimed }): Promise<Issue[]> => {
    const { id } = tenant.entry;
    try {
      await requireEvidence(bucket, id, backupPrefix(id), claimed);
      return [];
    } catch (error) {
      return [tenant.issue(["offboarding", "finalBackup"], (error as OpsFailure).message)];
    }
  });
  return (await Promise.all(issues)).flat();
}

/** What is made sure of when the engine deletes; each before the first, or the last, resource of something goes. */
export interface LifecycleHooks {
  /** Before the first resource of a tenant: refuses unless the registry and the bucket allow it. */
  readonly tenant: readonly ResourceHook[];
  /** Before a tenant's record changes: sets the legal hold that it names, or lifts the one that it named. */
  readonly hold: readonly ResourceHook[];
  /** Before the last resource of a tenant, its prefix in the bucket: erases what is below, with a certificate. */
  readonly prefix: readonly ResourceHook[];
  /** Before the first resource of the cell: refuses as long as a tenant is left. */
  readonly cell: readonly ResourceHook[];
}

/** What completes the logical name of the resource of a tenant that goes first, and last. */
export const FIRST_TO_GO = "lifecycle";
export const LAST_TO_GO = "backup-prefix";

/**
 * Registers the hooks: at every run and outside of what goes away, or the engine would not know them when they are due.
 * @param password of the platform's database role
 */
export function lifecycleHooks(
  registry: LoadedRegistry,
  cell: CellConfig,
  password: () => Promise<string>,
): LifecycleHooks {
  const hook = (name: string, act: (resource: string, args: ResourceHookArgs) => Promise<void>) => [
    new ResourceHook(name, (args) => act(args.name, args)),
  ];
  return {
    tenant: hook("tenant-may-go", async (resource) => {
      const id = tenantOf(resource, FIRST_TO_GO);
      const claimed = requireDeletable(registry, id, new Date());
      const { requireEvidence } = await import("../../ops/offboarding/evidence.ts");
      await requireEvidence(await openBucket(cell), id, backupPrefix(id), claimed);
    }),
    hold: hook("tenant-is-held", async (resource, { oldInputs, newInputs }) => {
      const id = tenantOf(resource, FIRST_TO_GO);
      const [before, after] = [heldFor(oldInputs), heldFor(newInputs)];
      if (before !== after) await changeHold(id, after, cell);
    }),
    prefix: hook("tenant-is-erased", async (resource) => {
      const id = tenantOf(resource, LAST_TO_GO);
      const finalBackup = requireDeletable(registry, id, new Date());
      const { erase } = await import("../../ops/offboarding/erase.ts");
      const { host, port, user, sslmode } = cell.database;
      const platform = {
        host,
        port: String(port),
        name: "postgres",
        user,
        sslmode,
        password: await password(),
      };
      const request = { tenantId: id, prefix: backupPrefix(id), platform, finalBackup };
      await erase(request, await openBucket(cell), (line) => {
        console.log(`${id}: ${line}`);
      });
    }),
    cell: hook("cell-may-go", () => {
      const left = registry.tenants.map(({ id }) => id);
      return left.length === 0
        ? Promise.resolve()
        : Promise.reject(
            new Error(
              `the cell has ${left.length} tenants (${left.slice(0, 5).join(", ")}${left.length > 5 ? ", …" : ""}); it can be destroyed when all of them are deleted`,
            ),
          );
    }),
  };
}

/** The case that the inputs of a tenant's record name. */
function heldFor(inputs: ResourceHookArgs["newInputs"]): string | undefined {
  const { data } = (inputs ?? {}) as { data?: Readonly<Record<string, string>> };
  return data?.[HELD_FOR];
}

/** Brings the bucket's legal hold about, or its end. Without Object Lock only the registry holds. */
async function changeHold(id: string, caseRef: string | undefined, cell: CellConfig): Promise<void> {
  if (cell.backup.objectLockDays === undefined) {
    if (caseRef !== undefined) {
      await log.warn(
        `${id} is under legal hold, but its bucket has no Object Lock (warehouse:backup.objectLockDays): backups still go when their retention ends`,
      );
    }
    return;
  }
  const { liftHold, placeHold } = await import("../../ops/legalHold.ts");
  const bucket = await openBucket(cell);
  const prefix = backupPrefix(id);
  const count =
    caseRef === undefined ? await liftHold(bucket, prefix) : await placeHold(bucket, prefix, caseRef);
  console.log(
    `${id}: ${count} versions of objects ${caseRef === undefined ? "are no longer held" : `are held (${caseRef})`}`,
  );
}

const tenantOf = (resource: string, suffix: string): string => resource.slice(0, -suffix.length - 1);

/**
 * Whether the registry says that a tenant's data may be deleted now.
 * @returns the final backup that it names
 * @throws Error that says why not
 */
export function requireDeletable({ entries }: LoadedRegistry, id: string, now: Date): FinalBackup {
  const entry = entries.find((tenant) => tenant.entry.id === id)?.entry;
  if (entry === undefined) {
    throw new Error(`${id} has no entry in the registry: entries end as state deleted and stay; put it back`);
  }
  const { state, offboarding, legalHold } = entry;
  if (state !== "deleted" || offboarding?.finalBackup === undefined) {
    throw new Error(
      `${id} is ${state}: only a tenant that went through offboarding and archived may be deleted`,
    );
  }
  if (legalHold !== undefined) throw new Error(`${id} is under legal hold (${legalHold.caseRef})`);
  if (now.getTime() < Date.parse(offboarding.purgeAfter)) {
    throw new Error(`${id} is kept until ${offboarding.purgeAfter} (offboarding.purgeAfter)`);
  }
  return offboarding.finalBackup;
}
