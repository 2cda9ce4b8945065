import { spawn } from "node:child_process";
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

/** How long pg_dump waits for a table lock before it gives up, so that DDL in progress fails the run visibly. */
const LOCK_WAIT = "60s";

/**
 * Dumps a database in the custom format to a file. The password travels in the environment, never in argv.
 * @param tenantId dump only the rows of this tenant, under row-level security. Default: everything
 */
export async function dump(login: DatabaseLogin, file: string, tenantId?: string): Promise<void> {
  const rows: { readonly args: string[]; readonly env: Readonly<Record<string, string>> } =
    tenantId === undefined
      ? { args: [], env: {} }
      : {
          args: ["--enable-row-security", "--schema=app"],
          env: { PGOPTIONS: `-c app.tenant_id=${tenantId}` },
        };
  const { code, stderr } = await run(
    "pg_dump",
    ["--format=custom", `--lock-wait-timeout=${LOCK_WAIT}`, "--no-password", ...rows.args, `--file=${file}`],
    {
      ...rows.env,
      PGHOST: login.host,
      PGPORT: login.port,
      PGDATABASE: login.name,
      PGUSER: login.user,
      PGPASSWORD: login.password,
      PGSSLMODE: login.sslmode,
    },
  );
  if (code !== 0) throw new OpsFailure(classify(stderr), `pg_dump of ${login.name} failed: ${stderr}`);
}

/** Reads a dump to its end: a listing alone passes on half a file. */
export async function verifyDump(file: string): Promise<void> {
  const { code, stderr } = await run("pg_restore", ["--file=/dev/null", file], {});
  if (code !== 0) throw new OpsFailure("verification", `the dump cannot be read back: ${stderr}`);
}

function classify(stderr: string): "permission" | "disk" | "database" {
  if (/permission denied|password authentication failed|no pg_hba\.conf entry/.test(stderr))
    return "permission";
  if (/No space left on device/.test(stderr)) return "disk";
  return "database";
}

async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const chunks: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new OpsFailure("configuration", `${command} cannot be started: ${error.message}`));
    });
    child.once("close", (code) => {
      resolve({ code, stderr: Buffer.concat(chunks).toString().trim() });
    });
  });
}
