import type { Client } from "pg";
import { withConnection } from "../connection.ts";
import { OpsFailure } from "../failure.ts";
import type { DatabaseLogin } from "../postgres.ts";
import { KEPT, SCRATCH } from "./beside.ts";

/** How long a database that a restore replaced is kept, days. */
export const KEPT_DAYS = 7;
/** How old a scratch database is that no run uses any more, days. */
const SCRATCH_DAYS = 1;
const DAY_MS = 24 * 3600 * 1000;

/** What the janitor did. */
export interface Cleanup {
  readonly dropped: readonly string[];
  /** Those whose time has not come, and the day on which it will. */
  readonly kept: readonly { readonly name: string; readonly until: string }[];
}

interface Database {
  readonly name: string;
  readonly owner: string;
  /** Whether the session's role may drop it. */
  readonly own: boolean;
  readonly note: string | null;
  readonly used: boolean;
}

/**
 * Drops the databases that restores kept more than 7 days ago, and those beside that dead runs left more than a day ago.
 * @param login owner of what is dropped: `warehouse_ops`, to which restores hand it
 * @throws OpsFailure "permission" that names those which it may not drop, when all others are dropped
 */
export async function janitor(
  login: DatabaseLogin,
  now: Date,
  log: (line: string) => void,
): Promise<Cleanup> {
  return withConnection(login, async (client) => {
    const dropped: string[] = [];
    const kept: { name: string; until: string }[] = [];
    const faults: string[] = [];
    for (const database of await candidates(client)) {
      const { name, owner, own } = database;
      const until = dueAt(database, now);
      if (now < until || database.used) kept.push({ name, until: until.toISOString().slice(0, 10) });
      else if (!own) faults.push(`${name} belongs to ${owner}: drop it as that role`);
      else {
        // Not by force: a session in it came since.
        await client.query(`DROP DATABASE IF EXISTS ${name}`);
        dropped.push(name);
        log(`${name} is dropped`);
      }
    }
    log(`${dropped.length} databases dropped, ${kept.length} kept`);
    if (faults.length > 0) throw new OpsFailure("permission", faults.join("\n"), { dropped, kept });
    return { dropped, kept };
  });
}

async function candidates(client: Client): Promise<Database[]> {
  const { rows } = await client.query<Database>(`
    SELECT datname AS name, pg_get_userbyid(datdba) AS owner, pg_has_role(datdba, 'USAGE') AS own,
      shobj_description(pg_database.oid, 'pg_database') AS note,
      EXISTS (SELECT FROM pg_stat_activity WHERE datid = pg_database.oid) AS used
    FROM pg_database WHERE datname ~ '^warehouse_' ORDER BY datname`);
  return rows.filter(({ name }) => KEPT.test(name) || SCRATCH.test(name));
}

/** When a database may be dropped. One whose age nobody noted was about to be made: it is new. */
function dueAt({ name, note }: Database, now: Date): Date {
  const [, year = "", month = "", day = ""] = KEPT.exec(name) ?? [];
  if (year !== "") {
    // The day counts from its end.
    return new Date(Date.parse(`20${year}-${month}-${day}T00:00:00Z`) + (KEPT_DAYS + 1) * DAY_MS);
  }
  const made = Date.parse(note ?? "");
  return new Date((Number.isNaN(made) ? now.getTime() : made) + SCRATCH_DAYS * DAY_MS);
}
