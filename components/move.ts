import type { Input, Resource } from "@pulumi/pulumi";
import type { Placement } from "../registry/catalogue.ts";
import {
  backupAccountName,
  backupPrefix,
  databaseSecretName,
  MOVE,
  sharedDatabaseName,
} from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase, isCutOver, type MovePhase } from "../registry/placement.ts";
import { bucketEnv, type EnvVar } from "./bucketEnv.ts";
import { createJob, FINAL_EXIT_CODES, loginEnv } from "./job.ts";
import type { TenantScope } from "./scope.ts";

/** The volume that holds the files of a tenant, alone or beside others'. */
export interface Volume {
  readonly namespace: Input<string>;
  readonly claim: Input<string>;
}

/** A volume and the tenant's ServiceAccount in its namespace. */
export interface TenantVolume extends Volume {
  readonly account: Input<string>;
  /** The pool whose it is, e.g. pool-starter. Default: the tenant's own. */
  readonly pool?: string;
}

/** The volumes of both sides of a move; undefined for a side that has none yet. */
export interface MoveVolumes {
  /** ServiceAccount of the tenant in its own namespace, where pods run. */
  readonly account: Input<string> | undefined;
  /** Of the placement that serves. */
  readonly served: TenantVolume | undefined;
  readonly other: TenantVolume | undefined;
}

/** Where the Jobs mount a volume. */
export const VOLUME_PATH = "/uploads";

/** The longest that copying may take. */
const DEADLINE_SECONDS = 4 * 3600;

/** The Jobs of the present phase of a tenant's move. */
export interface MoveJobs {
  /** Before the application is let in where it was not before, or the route leads there. */
  gate(after: readonly Resource[]): readonly Resource[];
  /** After everything else of the phase. */
  work(after: readonly Resource[]): void;
}

/**
 * The Jobs of the present phase of a tenant's move, each after the one before: rows with the rights of its migration
 * login, files by way of the bucket, as no pod can mount the volumes of two namespaces. None without a move. They keep
 * a record of what they did in the bucket and refuse what would overwrite newer data, whatever the registry says.
 *
 * | phase   | before the application is let in                   | after                                               |
 * |---------|----------------------------------------------------|-----------------------------------------------------|
 * | prepare |                                                    | purge rows and files of a shared target             |
 * | sync    | guard: the target was never opened                 | copy rows; push and pull files                      |
 * | cutover |                                                    | end sessions, copy rows; push and pull files        |
 * | soak    | verify files of both sides; open: verify rows of both | |
 * | cleanup |                                                    | purge rows and files of a shared source             |
 */
export function moveJobs(scope: TenantScope, volumes: MoveVolumes): MoveJobs {
  const { placement, move } = scope.spec;
  const { account } = volumes;
  if (move === undefined || account === undefined) return { gate: () => [], work: () => undefined };
  const served = { placement, volume: volumes.served };
  const other = { placement: move.other.placement, volume: volumes.other };
  const [source, target] = isCutOver(move.phase) ? [other, served] : [served, other];
  const rows = (step: string, from = source, to = target): Task => rowTask(scope, account, step, from, to);
  const files = (step: FilesStep, side: MoveSide): Task[] =>
    side.volume === undefined ? [] : [filesTask(scope, step, side, side.volume, target)];
  const purge = (side: MoveSide, from: MoveSide): Task[] => [
    ...(hasOwnDatabase(side.placement) ? [] : [rows("purge", from, side)]),
    ...(hasOwnApp(side.placement) ? [] : files("purge", side)),
  ];
  const copy = (step: string): Task[] => [rows(step), ...files("push", source), ...files("pull", target)];
  const tasks: Readonly<Record<MovePhase, { readonly gate: Task[]; readonly work: Task[] }>> = {
    prepare: { gate: [], work: purge(target, source) },
    sync: { gate: [rows("guard")], work: copy("copy") },
    cutover: { gate: [], work: copy("cutover") },
    soak: { gate: [...files("verify", source), ...files("verify", target), rows("open")], work: [] },
    cleanup: { gate: [], work: purge(source, target) },
  };
  const { gate, work } = tasks[move.phase];
  return {
    gate: (after) => inTurn(gate, after),
    work: (after) => {
      inTurn(work, after);
    },
  };
}

/** One side of a move. */
interface MoveSide {
  readonly placement: Placement;
  readonly volume: TenantVolume | undefined;
}

type Task = (after: readonly Resource[]) => Resource;

function inTurn(tasks: readonly Task[], after: readonly Resource[]): readonly Resource[] {
  let done = after;
  for (const create of tasks) done = [create(done)];
  return tasks.length === 0 ? [] : done;
}

/** What every Job of a move gets. */
function moveEnv({ spec, cell }: TenantScope): EnvVar[] {
  return [
    { name: "TENANT_ID", value: spec.id },
    // A Job after the one of another phase is another Job.
    { name: "MOVE_PHASE", value: spec.move?.phase ?? "" },
    ...bucketEnv(cell, backupAccountName(spec.id)),
    { name: "BACKUP_PREFIX", value: backupPrefix(spec.id) },
    { name: "BACKUP_RETAIN_DAYS", value: String(spec.backup.retainDays) },
    { name: "SHARED_DATABASE", value: sharedDatabaseName(cell.qualifier) },
  ];
}

const rowTask =
  (scope: TenantScope, account: Input<string>, step: string, from: MoveSide, to: MoveSide): Task =>
  (after) =>
    createJob(scope, {
      name: step === "guard" ? `${MOVE}-guard` : MOVE,
      container: {
        image: scope.cell.backup.image,
        args: ["move"],
        env: [
          ...moveEnv(scope),
          { name: "MOVE_STEP", value: step },
          { name: "MOVE_FROM", value: from.placement },
          { name: "MOVE_TO", value: to.placement },
          { name: "MOVE_CHECKSUM", value: scope.spec.move?.checksum ?? "" },
          // By name: the Secret is as old as the move, and waits for some of its Jobs.
          ...loginEnv(scope, { secret: databaseSecretName(scope.spec.id), prefix: "migrate-" }),
        ],
      },
      serviceAccountName: account,
      finalExitCodes: FINAL_EXIT_CODES,
      deadlineSeconds: DEADLINE_SECONDS,
      after,
    });

type FilesStep = "push" | "pull" | "verify" | "purge";

const filesTask =
  (scope: TenantScope, step: FilesStep, side: MoveSide, volume: TenantVolume, target: MoveSide): Task =>
  (after) => {
    const { id } = scope.spec;
    // Both sides are verified, each in its own namespace.
    const suffix = step === "verify" && side === target ? "verify-target" : step;
    const folder = hasOwnApp(side.placement) ? VOLUME_PATH : `${VOLUME_PATH}/${id}`;
    const readOnly = step === "push" || step === "verify";
    return createJob(
      { ...scope, namespace: volume.namespace },
      {
        name: `warehouse-${step}-${id}`,
        suffix: `files-${suffix}`,
        container: {
          image: scope.cell.backup.image,
          args: [`files-${step}`],
          env: [
            ...moveEnv(scope),
            { name: "FILES_FOLDER", value: folder },
            { name: "MOVE_TO", value: target.placement },
          ],
          volumeMounts: [{ name: "uploads", mountPath: VOLUME_PATH, readOnly }],
        },
        volumes: [{ name: "uploads", persistentVolumeClaim: { claimName: volume.claim } }],
        serviceAccountName: volume.account,
        finalExitCodes: FINAL_EXIT_CODES,
        deadlineSeconds: DEADLINE_SECONDS,
        after,
      },
    );
  };
