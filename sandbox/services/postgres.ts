import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { secretFile } from "../lib/files.ts";
import type { Ports } from "../lib/ports.ts";
import { run } from "../lib/run.ts";
import type { PostgresHome } from "./postgresHome.ts";
import type { ServerSpec } from "./spec.ts";

/** Makes the database cluster once. An interrupted attempt is done over. */
export async function initDatabase(home: PostgresHome, paths: Layout): Promise<void> {
  if (existsSync(join(home.data, "initialised"))) return;
  rmSync(home.data, { recursive: true, force: true });
  mkdirSync(home.data, { recursive: true, mode: 0o700 });
  if (home.user !== undefined) chownSync(home.data, home.user.uid, home.user.gid);
  // A file for the moment of initdb: it cannot read the password from a pipe, and arguments are visible.
  const passwordFile = `${home.data}.password`;
  writeFileSync(passwordFile, `${secretFile(paths.postgresPassword)}\n`, { mode: 0o600 });
  if (home.user !== undefined) chownSync(passwordFile, home.user.uid, home.user.gid);
  const result = await run(
    join(home.bin, "initdb"),
    [
      "-D",
      home.data,
      "-U",
      "postgres",
      "-E",
      "UTF8",
      "--locale=C",
      "-A",
      "scram-sha-256",
      `--pwfile=${passwordFile}`,
      "--no-instructions",
    ],
    { cwd: home.data, env: { PATH: process.env.PATH, LC_ALL: "C" }, ...home.user },
  );
  rmSync(passwordFile, { force: true });
  if (result.code !== 0) {
    const remedy = /no space left/i.test(result.stderr) ? " Free some disk space." : "";
    throw new SandboxError(
      `PostgreSQL's initdb failed:\n${result.stderr.trim()}\nThe folder is ${home.data}.${remedy}`,
    );
  }
  writeFileSync(join(home.data, "initialised"), "");
  if (home.user !== undefined) chownSync(join(home.data, "initialised"), home.user.uid, home.user.gid);
}

/** The server: loopback only, passwords only, and safe against a kill (fsync stays on). */
export function postgresSpec(home: PostgresHome, paths: Layout, ports: Ports): ServerSpec {
  const settings = {
    listen_addresses: "127.0.0.1",
    port: String(ports.postgres),
    unix_socket_directories: "",
    max_connections: "300",
    shared_buffers: "64MB",
    password_encryption: "scram-sha-256",
    // Statements may carry the passwords of roles that are being made.
    log_min_error_statement: "panic",
    log_min_messages: "warning",
  };
  return {
    name: "postgres",
    argv: [
      join(home.bin, "postgres"),
      "-D",
      home.data,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
    cwd: home.data,
    log: join(paths.logs, "postgres.log"),
    // A fast shutdown: clients are disconnected, nothing is lost.
    stopSignal: "INT",
    stopSeconds: 15,
    ...(home.user === undefined ? {} : { user: home.user }),
  };
}
