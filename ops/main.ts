// The operations program, configured by its environment: `backup` runs in a tenant's Job, `maintenance` serves the
// hosts of a suspended tenant.
import { join } from "node:path";
import { z } from "zod";
import { backup } from "./backup.ts";
import { OpsFailure } from "./failure.ts";
import { MAINTENANCE_STATUS, serveMaintenance } from "./maintenance.ts";
import { Storage } from "./storage.ts";

const log = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`);

const text = z.string().min(1);
const environment = z.object({
  TENANT_ID: text,
  BACKUP_BUCKET: text,
  BACKUP_PREFIX: text.endsWith("/"),
  BACKUP_RETAIN_DAYS: z.coerce.number().int().positive(),
  DATABASE_HOST: text,
  DATABASE_PORT: text,
  DATABASE_NAME: text,
  DATABASE_USER: text,
  DATABASE_PASSWORD: text,
  DATABASE_SSLMODE: text,
  /** Folder that stands for the container's root where the program runs as a plain process. */
  OPS_ROOT: text.default("/"),
});

const maintenanceEnvironment = z.object({
  MAINTENANCE_MODE: z.enum(["maintenance", "payment_required"]),
  OPS_LISTEN: z
    .string()
    .regex(/^.+:\d+$/)
    .default("0.0.0.0:8080"),
});

async function runBackup(): Promise<void> {
  const parsed = environment.safeParse(process.env);
  if (!parsed.success) {
    const names = parsed.error.issues.map((issue) => issue.path.join(".")).join(", ");
    throw new OpsFailure("configuration", `missing or invalid in the environment: ${names}`);
  }
  const env = parsed.data;
  const manifest = await backup(
    {
      tenantId: env.TENANT_ID,
      prefix: env.BACKUP_PREFIX,
      retainDays: env.BACKUP_RETAIN_DAYS,
      scratch: join(env.OPS_ROOT, "tmp"),
      database: {
        host: env.DATABASE_HOST,
        port: env.DATABASE_PORT,
        name: env.DATABASE_NAME,
        user: env.DATABASE_USER,
        password: env.DATABASE_PASSWORD,
        sslmode: env.DATABASE_SSLMODE,
      },
    },
    new Storage(env.BACKUP_BUCKET),
    log,
  );
  log(`backup ${manifest.id} complete: ${manifest.database.bytes} bytes, sha256 ${manifest.database.sha256}`);
}

async function runMaintenance(): Promise<void> {
  const { success, data } = maintenanceEnvironment.safeParse(process.env);
  if (!success)
    throw new OpsFailure(
      "configuration",
      "missing or invalid in the environment: MAINTENANCE_MODE, OPS_LISTEN",
    );
  const { server, address } = await serveMaintenance(data.MAINTENANCE_MODE, data.OPS_LISTEN);
  log(`answering ${MAINTENANCE_STATUS[data.MAINTENANCE_MODE]} on ${address}`);
  process.once("SIGTERM", () => {
    server.close();
    server.closeIdleConnections();
  });
}

const commands: Readonly<Record<string, () => Promise<void>>> = {
  backup: runBackup,
  maintenance: runMaintenance,
};

async function main(): Promise<void> {
  const name = process.argv[2] ?? "";
  const command = commands[name];
  if (command === undefined) {
    throw new OpsFailure(
      "configuration",
      `"${name}" is no command; use one of: ${Object.keys(commands).join(", ")}`,
    );
  }
  await command();
}

main().catch((error: unknown) => {
  if (error instanceof OpsFailure) {
    log(`failed (${error.exitCode}): ${error.message}`);
    process.exitCode = error.exitCode;
  } else {
    log(`failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1; // A bug: neither retried for ever nor mistaken for a known fault.
  }
});
