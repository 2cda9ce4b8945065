import { escapeIdentifier, type Client } from "pg";
import { OPERATIONS } from "../../registry/naming.ts";
import { waitSeconds } from "../environment.ts";

/**
 * Runs an action with the platform's role as a member of others, which it administers, and takes that back. Of two runs
 * with the same role the second waits for the first: it would lose the membership, or the database beside, to it.
 * @param roles names of roles
 */
export async function asMember<T>(
  client: Client,
  roles: readonly string[],
  action: () => Promise<T>,
): Promise<T> {
  const names = roles.map(escapeIdentifier).join(", ");
  return withLocks(client, roles, async () => {
    await client.query(`GRANT ${names} TO CURRENT_USER`);
    try {
      return await action();
    } finally {
      await client.query(`REVOKE ${names} FROM CURRENT_USER`);
    }
  });
}

/**
 * Runs an action while no other run that works in the same database does so with one of the names.
 * @throws OpsFailure "database" where another does for too long
 */
export async function withLocks<T>(
  client: Client,
  names: readonly string[],
  action: () => Promise<T>,
): Promise<T> {
  const locks = "hashtextextended(name, 0)) FROM unnest($1::text[]) AS name";
  await client.query(`SET lock_timeout = '${waitSeconds()}s'`);
  await client.query(`SELECT pg_advisory_lock(${locks}`, [names]);
  try {
    return await action();
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${locks}`, [names]);
  }
}

/**
 * Runs an action of the platform's role with the rights of the janitor's. Held for moments only, as of two runs the
 * second waits. What is the janitor's is gone some
 * days later, whatever becomes of this run.
 * @param action gets the janitor's role; undefined where the server has none, or the session is its own
 */
export async function asJanitor(
  client: Client,
  action: (janitor: string | undefined) => Promise<unknown>,
): Promise<void> {
  const { rows } = await client.query("SELECT FROM pg_roles WHERE rolname = $1 AND rolname <> current_user", [
    OPERATIONS.login,
  ]);
  if (rows.length === 0) await action(undefined);
  else await asMember(client, [OPERATIONS.login], () => action(OPERATIONS.login));
}
