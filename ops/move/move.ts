import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import type { DatabaseLogin } from "../postgres.ts";
import { roleNames, SHARED } from "../../registry/naming.ts";
import { copyRows, purgeRows, type Side } from "./copy.ts";
import { checksumOf, readContents, SESSION, type Content } from "./digest.ts";
import { readTables } from "../tables.ts";

/**
 * The steps of a move between databases. copy: while the tenant is served from the source; cutover: for the last time,
 * while nobody writes; verify: whether the source still is what was moved; purge: delete the rows of the target that
 * nobody is served from.
 */
export const MOVE_STEPS = ["copy", "cutover", "verify", "purge"] as const;

export interface MoveRequest {
  readonly tenantId: string;
  readonly step: (typeof MOVE_STEPS)[number];
  /** Names of databases on one server. */
  readonly from: string;
  readonly to: string;
  /** SHA-256 of what was moved, for step verify. */
  readonly checksum: string;
  /** The tenant's migration login; its database counts for nothing. */
  readonly login: DatabaseLogin;
}

/** How long sessions of the application may take to end. */
const END_SECONDS = 30;

/**
 * Does one step of a tenant's move; every step may run again.
 * @throws OpsFailure
 */
export async function move(request: MoveRequest, log: (line: string) => void): Promise<void> {
  const { tenantId, step, from, to, checksum } = request;
  switch (step) {
    case "copy":
      return withSides(request, async (source, target) => {
        tell(await copyRows(tenantId, source, target, log), log);
      });
    case "cutover":
      await withSide(request, from, ({ client }) => endSessions(client, tenantId, log));
      return from === to
        ? withSide(request, from, async ({ client }) => {
            tell(await readContents(client, await readTables(client)), log);
          })
        : move({ ...request, step: "copy" }, log);
    case "verify":
      return withSide(request, from, async ({ client }) => {
        const found = checksumOf(await readContents(client, await readTables(client)));
        if (found !== checksum) {
          throw new OpsFailure(
            "verification",
            `the data in ${from} has the checksum ${found}, the registry says ${checksum}: write what the cutover printed, or cut over again`,
          );
        }
        log(`${from} is what was moved: ${found}`);
      });
    case "purge":
      return withSide(request, to, async (side) => {
        await requireShut(side.client, tenantId);
        tell(await purgeRows(side), log);
        log(`the rows of ${tenantId} in ${to} are deleted`);
      });
    default:
      return step satisfies never;
  }
}

/** What was moved, table by table, and the checksum that the registry records. */
function tell(contents: readonly Content[], log: (line: string) => void): void {
  for (const { table, rows } of contents) log(`${table}: ${rows} rows`);
  log(`checksum ${checksumOf(contents)}`);
}

async function withSide<T>(
  { login, tenantId }: MoveRequest,
  name: string,
  action: (side: Side) => Promise<T>,
): Promise<T> {
  return withConnection({ ...login, name }, async (client) => {
    await client.query(SESSION);
    await client.query("SELECT set_config('app.tenant_id', $1, false)", [tenantId]);
    return action({ client, isShared: name === SHARED.database });
  });
}

const withSides = <T>(request: MoveRequest, action: (source: Side, target: Side) => Promise<T>): Promise<T> =>
  withSide(request, request.from, (source) =>
    withSide(request, request.to, (target) => action(source, target)),
  );

function appLogins(tenantId: string): string[] {
  const { appA, appB } = roleNames(tenantId);
  return [appA, appB];
}

/** @throws OpsFailure "configuration" where the application could still enter the session's database */
async function requireShut(client: Client, tenantId: string): Promise<void> {
  const { rows } = await client.query<{ login: string }>(
    `SELECT login FROM unnest($1::text[]) login
     WHERE has_database_privilege(login, current_database(), 'CONNECT')`,
    [appLogins(tenantId)],
  );
  if (rows.length > 0) {
    const names = rows.map(({ login }) => login).join(", ");
    throw new OpsFailure("configuration", `the application still has access: ${names} may connect`);
  }
}

/** Ends what the application still does in the source; it cannot come back. */
async function endSessions(client: Client, tenantId: string, log: (line: string) => void): Promise<void> {
  await requireShut(client, tenantId);
  // The login is a member of the application's; the role it acts as is not.
  await client.query("SET ROLE NONE");
  for (let tenths = 0; ; tenths += 1) {
    const { rows } = await client.query<{ ended: boolean }>(
      `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
       WHERE datname = current_database() AND usename = ANY ($1)`,
      [appLogins(tenantId)],
    );
    if (rows.length === 0) break;
    if (tenths >= END_SECONDS * 10) {
      throw new OpsFailure("database", `${rows.length} sessions of the application do not end`);
    }
    if (tenths === 0) log(`ending ${rows.length} sessions of the application`);
    await sleep(100);
  }
  await client.query("RESET ROLE");
}
