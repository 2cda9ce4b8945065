import type { Client } from "pg";
import { databaseName } from "../../registry/naming.ts";
import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import { requireVisibleRows } from "../pool/rows.ts";
import type { DatabaseLogin } from "../postgres.ts";
import { actFor, requireShut, shutOut } from "../sessions.ts";
import type { ObjectStore } from "../storage.ts";
import { readTables } from "../tables.ts";
import { copyRows, purgeRows, type Rows } from "./copy.ts";
import { checksumOf, readContents, SESSION, type Content } from "./digest.ts";
import { readRecord, requireOlder, writeRecord, type Side } from "./record.ts";

/**
 * The steps of a move, each of which may run again.
 *
 * | step    | does                                                                                       |
 * |---------|--------------------------------------------------------------------------------------------|
 * | guard   | makes sure that the target was not opened, before the source serves (again)                 |
 * | copy    | copies the rows while the source serves                                                    |
 * | cutover | ends the application's sessions and copies for the last time; nobody can write meanwhile    |
 * | open    | makes sure that the target is what was moved, and records that it is opened                 |
 * | purge   | deletes the rows of the target, from which nobody is served                                |
 */
export const MOVE_STEPS = ["guard", "copy", "cutover", "open", "purge"] as const;

/** A tenant, and how its rows are reached. */
interface TenantLogin {
  readonly tenantId: string;
  /** The tenant's migration login; its database counts for nothing. */
  readonly login: DatabaseLogin;
  /** The database that the tenants of placement pool share. */
  readonly sharedDatabase: string;
}

export interface MoveRequest extends TenantLogin {
  readonly step: (typeof MOVE_STEPS)[number];
  readonly from: Side;
  readonly to: Side;
  /** SHA-256 of what was moved, as the registry has it; for step open. */
  readonly checksum: string;
  /** The tenant's prefix in the bucket. */
  readonly prefix: string;
}

/**
 * Does one step of a tenant's move. Bridge and silo share the database: between them no rows move, and the record says
 * all the same what was done.
 * @throws OpsFailure
 */
export async function move(
  request: MoveRequest,
  store: ObjectStore,
  log: (line: string) => void,
): Promise<void> {
  const { tenantId, step, from, to, prefix } = request;
  const record = await readRecord(store, prefix);
  switch (step) {
    case "guard":
      if (record.opened === to) requireOlder(record, from, to);
      log(`the ${from} side may serve`);
      return;
    case "copy":
    case "cutover": {
      requireOlder(record, from, to);
      if (step === "cutover") {
        await withRows(request, from, ({ client }) =>
          shutOut(client, tenantId, databaseOf(request, from), log),
        );
      }
      const contents = await copy(request, log);
      for (const { table, rows } of contents) log(`${table}: ${rows} rows`);
      const checksum = checksumOf(contents);
      await writeRecord(store, prefix, { copied: { from, to, final: step === "cutover", checksum } });
      log(step === "cutover" ? `checksum ${checksum}` : "copied; the checksum comes with the cutover");
      return;
    }
    case "open":
      if (record.opened === to) {
        log(`the ${to} side is open already`);
        return;
      }
      await requireCopied(request, record.copied);
      await writeRecord(store, prefix, { ...record, opened: to });
      log(`the ${to} side is what was moved: ${request.checksum}`);
      return;
    case "purge":
      await purgeShared(request, log);
      return;
    default:
      step satisfies never;
  }
}

/**
 * Deletes a tenant's rows from the database that tenants share.
 * @throws OpsFailure "configuration" where its application could still enter
 */
export const purgeShared = (tenant: TenantLogin, log: (line: string) => void): Promise<void> =>
  withRows(tenant, "pool", async (rows) => {
    await requireShut(rows.client, tenant.tenantId);
    for (const { table, rows: count } of await purgeRows(rows)) log(`${table}: ${count} rows deleted`);
  });

async function copy(request: MoveRequest, log: (line: string) => void): Promise<readonly Content[]> {
  const { tenantId, from, to } = request;
  return withRows(request, from, (source) =>
    databaseOf(request, from) === databaseOf(request, to)
      ? contentsOf(source.client)
      : withRows(request, to, (target) => copyRows(tenantId, source, target, log)),
  );
}

/** @throws OpsFailure "verification" where the target is not what the cutover made, or that is not on record */
async function requireCopied(
  request: MoveRequest,
  copied: Awaited<ReturnType<typeof readRecord>>["copied"],
): Promise<void> {
  const { from, to, checksum } = request;
  if (copied?.from !== from || copied.to !== to || !copied.final) {
    throw new OpsFailure("verification", `no cutover from ${from} to ${to} is complete: go back to cutover`);
  }
  if (copied.checksum !== checksum) {
    throw new OpsFailure(
      "verification",
      `the registry's checksum ${checksum} is not that of the cutover: write what its log says last`,
    );
  }
  for (const side of [from, to]) {
    const found = await withRows(request, side, ({ client }) => contentsOf(client).then(checksumOf));
    if (found !== checksum) {
      throw new OpsFailure(
        "verification",
        `the ${side} side has changed since the cutover: go back to cutover, which copies again`,
      );
    }
  }
}

const contentsOf = async (client: Client): Promise<Content[]> =>
  readContents(client, await readTables(client));

const databaseOf = ({ tenantId, sharedDatabase }: TenantLogin, side: Side): string =>
  side === "pool" ? sharedDatabase : databaseName(tenantId);

async function withRows<T>(tenant: TenantLogin, side: Side, action: (rows: Rows) => Promise<T>): Promise<T> {
  const { login, tenantId, sharedDatabase } = tenant;
  const name = databaseOf(tenant, side);
  const isShared = name === sharedDatabase;
  if (isShared) await requireVisibleRows({ ...login, name }, tenantId);
  return withConnection({ ...login, name }, async (client) => {
    await client.query(SESSION);
    await actFor(client, tenantId);
    return action({ client, isShared });
  });
}
