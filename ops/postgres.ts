import { waitSeconds } from "./environment.ts";
import { OpsFailure } from "./failure.ts";

/** Login to one tenant's database. */
export interface DatabaseLogin {
  readonly host: string;
  readonly port: string;
  readonly name: string;
  readonly user: string;
  readonly password: string;
  readonly sslmode: string;
}

/** How long it may take to get a connection, seconds. */
export const connectSeconds = (): number => Math.min(10, waitSeconds());

/** For whoever reads that a lock was not granted in time. */
export const LOCK_REMEDY =
  "another session holds the lock, e.g. of a migration or of another run: try again when that has ended";

/** What the PostgreSQL programs need to log in. The password travels in the environment, never in argv. */
export const clientEnvironment = (login: DatabaseLogin): Record<string, string> => ({
  PGHOST: login.host,
  PGPORT: login.port,
  PGDATABASE: login.name,
  PGUSER: login.user,
  PGPASSWORD: login.password,
  PGSSLMODE: login.sslmode,
  PGCONNECT_TIMEOUT: String(connectSeconds()),
});

/**
 * How pg_dump is called to write a dump in the custom format to its standard output.
 * @param snapshot name of an exported snapshot that the dump shows
 * @param tenantId dump only the rows of this tenant, under row-level security. Default: everything
 */
export function dumpCommand(
  login: DatabaseLogin,
  snapshot: string,
  tenantId?: string,
): { readonly args: string[]; readonly env: Readonly<Record<string, string>> } {
  const env = clientEnvironment(login);
  const args = [
    "--format=custom",
    `--snapshot=${snapshot}`,
    // DDL in progress fails the run visibly.
    `--lock-wait-timeout=${waitSeconds()}s`,
    "--no-password",
  ];
  return tenantId === undefined
    ? { args, env }
    : {
        args: [...args, "--schema=app", "--enable-row-security"],
        env: { ...env, PGOPTIONS: `-c app.tenant_id=${tenantId}` },
      };
}

/** What a failure of pg_dump or pg_restore means, by what it said. */
export function programFailure(program: string, { name }: DatabaseLogin, stderr: string): OpsFailure {
  const remedy = /due to lock timeout/.test(stderr) ? `; ${LOCK_REMEDY}` : "";
  return new OpsFailure(classify(stderr), `${program} of ${name} failed: ${stderr}${remedy}`);
}

function classify(stderr: string): "permission" | "disk" | "database" {
  if (/permission denied|password authentication failed|no pg_hba\.conf entry/.test(stderr))
    return "permission";
  if (/No space left on device/.test(stderr)) return "disk";
  return "database";
}
