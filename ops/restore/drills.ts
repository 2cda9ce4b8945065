import { utcTime } from "../backup/manifest.ts";
import { OpsFailure } from "../failure.ts";
import type { DatabaseLogin } from "../postgres.ts";
import type { ObjectStore } from "../storage.ts";
import { table } from "../table.ts";
import { tenantsOf, type StoredTenant } from "../tenants.ts";
import { drill } from "./drill.ts";
import { drillHistory, keepFailure, type DrillHistory } from "./report.ts";
import { backupTimes } from "./select.ts";

/** Nights in which every tenant has its turn: fewer than the 30 days within which it must, as some fail. */
const NIGHTS = 25;

export interface DrillsRequest {
  /** May make databases, on any database; no member of anything. */
  readonly login: DatabaseLogin;
  /** Every tenant, not only tonight's. */
  readonly all: boolean;
  /** Whether the program is asked to end: what is left waits for the next night. */
  readonly ending: () => boolean;
}

/** How the drill of a tenant ended. */
export interface Drilled {
  readonly tenantId: string;
  /** Of a success. */
  readonly backupId?: string;
  readonly bytes?: number;
  readonly rows?: number;
  readonly seconds?: number;
  readonly failure?: { readonly exitCode: number; readonly message: string };
}

export interface DrillsResult {
  /** Tenants with a backup. */
  readonly tenants: number;
  /** Tenants that have no backup yet: see the alert on its age. */
  readonly withoutBackup: readonly string[];
  readonly drilled: readonly Drilled[];
}

/**
 * Drills the backups of those tenants whose last drill is the oldest, as many a night that each has its turn in 25, and
 * of all whose last drill failed. A failure does not keep the others from their turn.
 * @throws OpsFailure that names every failure, when all are done: "verification" if one is, else the first's kind
 */
export async function drills(
  { login, all, ending }: DrillsRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<DrillsResult> {
  const candidates: Candidate[] = [];
  const withoutBackup: string[] = [];
  for (const tenant of await tenantsOf(store)) {
    if ((await backupTimes(store, tenant.prefix)).length > 0)
      candidates.push({ ...tenant, ...(await drillHistory(store, tenant.prefix)) });
    else withoutBackup.push(tenant.tenantId);
  }
  const chosen = all ? candidates : turns(candidates);
  log(`drilling ${chosen.length} of ${candidates.length} tenants`);
  const drilled: Drilled[] = [];
  const failures: OpsFailure[] = [];
  for (const { tenantId, prefix } of chosen) {
    if (ending()) break;
    try {
      const { backupId, bytes, tables, seconds } = await drill(
        { tenantId, prefix, login, choice: {} },
        store,
        log,
      );
      const rows = tables.reduce((sum, each) => sum + each.rows, 0);
      drilled.push({ tenantId, backupId, bytes, rows, seconds });
    } catch (error) {
      const failure = failureOf(error);
      const { exitCode, message } = failure;
      log(`${tenantId} failed (${exitCode}): ${message}`);
      failures.push(failure);
      drilled.push({ tenantId, failure: { exitCode, message } });
      await keepFailure(store, prefix, { tenantId, finishedAt: utcTime(new Date()), exitCode, message });
    }
  }
  log(`\n${render(drilled, withoutBackup)}`);
  const result = { tenants: candidates.length, withoutBackup, drilled };
  if (failures.length > 0) throw summary(failures, result);
  return result;
}

interface Candidate extends StoredTenant, DrillHistory {}

/** Whose turn it is: the oldest first, and those that failed besides. */
export function turns(candidates: readonly Candidate[]): Candidate[] {
  const failed = candidates.filter((candidate) => candidate.failed);
  const others = candidates
    .filter((candidate) => !candidate.failed)
    .sort((a, b) => (a.successAt < b.successAt ? -1 : a.successAt > b.successAt ? 1 : 0));
  return [...failed, ...others.slice(0, Math.ceil(candidates.length / NIGHTS))];
}

/** A bug is a failure too: it must not keep the others from their turn. */
const failureOf = (error: unknown): OpsFailure =>
  error instanceof OpsFailure
    ? error
    : new OpsFailure("verification", error instanceof Error ? (error.stack ?? error.message) : String(error));

function summary(failures: readonly OpsFailure[], result: DrillsResult): OpsFailure {
  const worst = failures.find(({ kind }) => kind === "verification") ?? failures[0];
  const lines = result.drilled.flatMap(({ tenantId, failure }) =>
    failure === undefined ? [] : [`\n  ${tenantId} (${failure.exitCode}): ${failure.message}`],
  );
  return new OpsFailure(
    worst?.kind ?? "verification",
    `${failures.length} of ${result.drilled.length} drills failed:${lines.join("")}`,
    result,
  );
}

const render = (drilled: readonly Drilled[], withoutBackup: readonly string[]): string =>
  table(
    ["tenant", "backup", "bytes", "rows", "RTO"],
    [
      ...drilled.map(({ tenantId, backupId, bytes, rows, seconds, failure }) =>
        failure === undefined
          ? [tenantId, backupId ?? "", String(bytes), String(rows), `${(seconds ?? 0).toFixed(1)} s`]
          : [tenantId, `failed (${failure.exitCode})`, "", "", ""],
      ),
      ...withoutBackup.map((tenantId) => [tenantId, "none yet", "", "", ""]),
    ],
    new Set([2, 3, 4]),
  );
