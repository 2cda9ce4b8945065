import { once } from "node:events";
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { layout, projectRoot } from "../../sandbox/layout.ts";
import { secretFile, tail } from "../../sandbox/lib/files.ts";
import { choosePorts } from "../../sandbox/lib/ports.ts";
import { terminalReport } from "../../sandbox/lib/report.ts";
import { startGuarded } from "../../sandbox/services/guard.ts";
import { initDatabase, postgresSpec } from "../../sandbox/services/postgres.ts";
import { outsideFolder, postgresHome } from "../../sandbox/services/postgresHome.ts";
import { databaseReady, ensurePlatformRole } from "../../sandbox/services/postgresRoles.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { obtainPostgres } from "../../sandbox/toolchain/postgres.ts";

/** The password of every role of the server, but not the superuser's own. */
export const PASSWORD = "a-password-of-tests";

const START_SECONDS = 30;

/** A real PostgreSQL of its own on a free loopback port, with the sandbox's role `platform`, which is no superuser. */
export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  /** Folder of its programs. */
  readonly bin: string;
  readonly superuserPassword: string;
  /** Opens a connection; those still open are closed with the server. */
  connect(user: string, database: string): Promise<Client>;
  stop(): Promise<void>;
}

/** Starts a server in a temporary folder, as the sandbox does: under root it runs as another user. */
export async function startPostgres(): Promise<PostgresServer> {
  const root = mkdtempSync(join(tmpdir(), "warehouse-postgres-"));
  // The user that PostgreSQL runs as under root must reach it.
  chmodSync(root, 0o755);
  const paths = layout(root, projectRoot);
  mkdirSync(paths.logs);
  const silent = { write: () => true };
  const { bin } = await obtainPostgres(toolchainContext(process.env, terminalReport(silent, {})));
  const home = await postgresHome(bin, paths);
  await initDatabase(home, paths);
  const ports = await choosePorts(paths.ports, new Set(), () => undefined);
  const spec = postgresSpec(home, paths, ports);
  const log = openSync(spec.log, "a", 0o666);
  const guarded = startGuarded({
    ...spec,
    argv: [...spec.argv, "-c", "fsync=off"],
    stdout: log,
    stderr: log,
  });
  closeSync(log);
  const exited = once(guarded.process, "exit");

  const access = { host: "127.0.0.1", port: ports.postgres };
  const superuser = { ...access, user: "postgres", password: secretFile(paths.postgresPassword) };
  const clients: Client[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
    guarded.release();
    await exited;
    for (const folder of [root, outsideFolder(paths)]) rmSync(folder, { recursive: true, force: true });
  };
  for (let tenths = 0; !(await databaseReady(superuser)); tenths += 1) {
    if (tenths > START_SECONDS * 10 || guarded.process.exitCode !== null) {
      const said = tail(spec.log);
      await stop();
      throw new Error(`PostgreSQL did not start:\n${said}`);
    }
    await sleep(100);
  }
  await ensurePlatformRole(superuser, PASSWORD);
  return {
    ...access,
    bin: home.bin,
    superuserPassword: superuser.password,
    stop,
    connect: async (user, database) => {
      const login = user === "postgres" ? superuser : { ...access, user, password: PASSWORD };
      const client = new Client({ ...login, database });
      client.on("error", () => undefined);
      await client.connect();
      clients.push(client);
      return client;
    },
  };
}

/** Runs with the server's programs first on the search path, behind those of other folders. */
export async function withPrograms<T>(
  { bin }: Pick<PostgresServer, "bin">,
  action: () => Promise<T>,
  ...folders: readonly string[]
): Promise<T> {
  const before = process.env["PATH"];
  process.env["PATH"] = [...folders, bin, before].join(":");
  try {
    return await action();
  } finally {
    process.env["PATH"] = before;
  }
}
