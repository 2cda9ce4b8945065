import type { Resource } from "@pulumi/pulumi";
import type { Placement } from "../registry/catalogue.ts";
import { databaseName, migrateSecretName, MOVE, SHARED } from "../registry/naming.ts";
import { hasOwnDatabase, isCutOver } from "../registry/placement.ts";
import { createJob, FINAL_EXIT_CODES, loginEnv } from "./job.ts";
import type { TenantScope } from "./scope.ts";

/** What the Job of a phase does: see ops/move/. */
type Step = "purge" | "copy" | "cutover" | "verify";

interface Task {
  readonly step: Step;
  readonly from: string;
  readonly to: string;
}

/** The Job that the present phase of a move needs; undefined where it needs none. */
function taskOf({ spec: { id, placement, move } }: TenantScope): Task | undefined {
  if (move === undefined) return undefined;
  const databaseOf = (at: Placement): string => (hasOwnDatabase(at) ? databaseName(id) : SHARED.database);
  const [served, other] = [databaseOf(placement), databaseOf(move.other.placement)];
  const [from, to] = isCutOver(move.phase) ? [other, served] : [served, other];
  const moves = from !== to;
  switch (move.phase) {
    case "prepare":
      // Rows may be left there by a sync that was taken back.
      return to === SHARED.database && moves ? { step: "purge", from, to } : undefined;
    case "sync":
      return moves ? { step: "copy", from, to } : undefined;
    case "cutover":
      return { step: "cutover", from, to };
    case "soak":
      return moves ? { step: "verify", from, to } : undefined;
    case "cleanup":
      return from === SHARED.database && moves ? { step: "purge", from: to, to: from } : undefined;
    default:
      return move.phase satisfies never;
  }
}

/**
 * The Job of the present phase of a tenant's move, if it needs one, with the rights of its migration login.
 * @param after what must be done before
 */
export function createMove(scope: TenantScope, after: readonly Resource[]): Resource[] {
  const task = taskOf(scope);
  const { id, move } = scope.spec;
  if (task === undefined || move === undefined) return [];
  return [
    createJob(scope, {
      name: MOVE,
      container: {
        image: scope.cell.backup.image,
        args: ["move"],
        env: [
          { name: "TENANT_ID", value: id },
          { name: "MOVE_STEP", value: task.step },
          { name: "MOVE_FROM", value: task.from },
          { name: "MOVE_TO", value: task.to },
          ...(task.step === "verify" ? [{ name: "MOVE_CHECKSUM", value: move.checksum }] : []),
          // By name: the Secret is as old as the tenant.
          ...loginEnv(scope, migrateSecretName(id)),
        ],
      },
      finalExitCodes: FINAL_EXIT_CODES,
      deadlineSeconds: 4 * 3600,
      after,
    }),
  ];
}
