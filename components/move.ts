import type { Input, Resource } from "@pulumi/pulumi";
import type { Placement } from "../registry/catalogue.ts";
import { backupPrefix, databaseName, migrateSecretName, MOVE, SHARED } from "../registry/naming.ts";
import { hasOwnApp, hasOwnDatabase, isCutOver } from "../registry/placement.ts";
import { createJob, FINAL_EXIT_CODES, loginEnv } from "./job.ts";
import type { TenantScope } from "./scope.ts";

/** The volume that holds the files of a tenant, alone or beside others'. */
export interface Volume {
  readonly namespace: Input<string>;
  readonly claim: Input<string>;
  /** ServiceAccount of its namespace that may use the bucket. */
  readonly account: Input<string>;
}

/** The volumes of both sides of a move; undefined for a side that has none yet. */
export interface MoveVolumes {
  /** Of the placement that serves. */
  readonly served: Volume | undefined;
  readonly other: Volume | undefined;
}

/** Where the Jobs mount a volume. */
export const VOLUME_PATH = "/uploads";

/** The longest that copying may take. */
const DEADLINE_SECONDS = 4 * 3600;

/**
 * The Jobs of the present phase of a tenant's move, each after the one before: rows with the rights of its migration
 * login, files by way of the bucket, as no pod can mount the volumes of two namespaces. None without a move.
 *
 * | phase   | rows                                  | files                     |
 * |---------|---------------------------------------|---------------------------|
 * | prepare | purge a shared target                 | purge a shared target     |
 * | sync    | copy                                  | push, pull                |
 * | cutover | end sessions, copy, print the checksum | push, pull               |
 * | soak    | verify the source's checksum          |                           |
 * | cleanup | purge a shared source                 | purge a shared source     |
 * @param after what must be done before
 */
export function createMove(
  scope: TenantScope,
  volumes: MoveVolumes,
  after: readonly Resource[],
): readonly Resource[] {
  let done = after;
  for (const create of [...rowTasks(scope), ...fileTasks(scope, volumes)]) done = [create(done)];
  return done === after ? [] : done;
}

type Task = (after: readonly Resource[]) => Resource;

function rowTasks(scope: TenantScope): Task[] {
  const { id, placement, move } = scope.spec;
  if (move === undefined) return [];
  const databaseOf = (at: Placement): string => (hasOwnDatabase(at) ? databaseName(id) : SHARED.database);
  const [served, other] = [databaseOf(placement), databaseOf(move.other.placement)];
  const [from, to] = isCutOver(move.phase) ? [other, served] : [served, other];
  const moves = from !== to;
  const task = (step: string, source: string, target: string): Task[] => [
    (after) =>
      createJob(scope, {
        name: MOVE,
        container: {
          image: scope.cell.backup.image,
          args: ["move"],
          env: [
            { name: "TENANT_ID", value: id },
            { name: "MOVE_STEP", value: step },
            { name: "MOVE_FROM", value: source },
            { name: "MOVE_TO", value: target },
            ...(step === "verify" ? [{ name: "MOVE_CHECKSUM", value: move.checksum }] : []),
            // By name: the Secret is as old as the tenant.
            ...loginEnv(scope, migrateSecretName(id)),
          ],
        },
        finalExitCodes: FINAL_EXIT_CODES,
        deadlineSeconds: DEADLINE_SECONDS,
        after,
      }),
  ];
  switch (move.phase) {
    case "prepare":
      // Rows may be left there by a sync that was taken back.
      return moves && to === SHARED.database ? task("purge", from, to) : [];
    case "sync":
      return moves ? task("copy", from, to) : [];
    case "cutover":
      return task("cutover", from, to);
    case "soak":
      return moves ? task("verify", from, to) : [];
    case "cleanup":
      return moves && from === SHARED.database ? task("purge", to, from) : [];
    default:
      return move.phase satisfies never;
  }
}

function fileTasks(scope: TenantScope, { served, other }: MoveVolumes): Task[] {
  const { placement, move } = scope.spec;
  if (move === undefined || served === undefined || other === undefined) return [];
  const sides = {
    served: { volume: served, isShared: !hasOwnApp(placement) },
    other: { volume: other, isShared: !hasOwnApp(move.other.placement) },
  };
  const [source, target] = isCutOver(move.phase) ? [sides.other, sides.served] : [sides.served, sides.other];
  switch (move.phase) {
    case "prepare":
      return target.isShared ? [filesTask(scope, "purge", target)] : [];
    case "sync":
    case "cutover":
      return [filesTask(scope, "push", source), filesTask(scope, "pull", target)];
    case "soak":
      return [];
    case "cleanup":
      return source.isShared ? [filesTask(scope, "purge", source)] : [];
    default:
      return move.phase satisfies never;
  }
}

function filesTask(
  scope: TenantScope,
  step: "push" | "pull" | "purge",
  { volume, isShared }: { readonly volume: Volume; readonly isShared: boolean },
): Task {
  const { spec, cell } = scope;
  return (after) =>
    createJob(
      { ...scope, namespace: volume.namespace },
      {
        name: `warehouse-${step}-${spec.id}`,
        suffix: `files-${step}`,
        container: {
          image: cell.backup.image,
          args: [`files-${step}`],
          env: [
            { name: "TENANT_ID", value: spec.id },
            { name: "FILES_FOLDER", value: isShared ? `${VOLUME_PATH}/${spec.id}` : VOLUME_PATH },
            // A push after the one of another phase is another Job.
            { name: "MOVE_PHASE", value: spec.move?.phase ?? "" },
            { name: "BACKUP_BUCKET", value: cell.backup.bucket },
            { name: "BACKUP_PREFIX", value: backupPrefix(spec.id) },
            { name: "BACKUP_RETAIN_DAYS", value: String(spec.backup.retainDays) },
            { name: "AWS_REGION", value: cell.region },
          ],
          volumeMounts: [{ name: "uploads", mountPath: VOLUME_PATH, readOnly: step === "push" }],
        },
        volumes: [{ name: "uploads", persistentVolumeClaim: { claimName: volume.claim } }],
        serviceAccountName: volume.account,
        finalExitCodes: FINAL_EXIT_CODES,
        deadlineSeconds: DEADLINE_SECONDS,
        after,
      },
    );
}
