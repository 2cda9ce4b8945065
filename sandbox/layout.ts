import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout this file is part of. */
export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** The files and folders of one sandbox; everything it writes is below `root`. */
export interface Layout {
  readonly root: string;
  readonly project: string;
  readonly bin: string;
  readonly logs: string;
  readonly run: string;
  readonly secrets: string;
  readonly pki: string;
  readonly etcd: string;
  readonly postgres: string;
  readonly aws: string;
  readonly volumes: string;
  readonly pods: string;
  readonly state: string;
  readonly pulumiHome: string;
  readonly kubeconfig: string;
  /** Says that the folder is a sandbox, and so may be destroyed. */
  readonly marker: string;
  readonly ports: string;
  readonly lock: string;
  readonly passphrase: string;
  readonly postgresPassword: string;
  readonly platformPassword: string;
}

/** Names every path of a sandbox folder. */
export function layout(root: string, project: string): Layout {
  const at = (...parts: string[]): string => join(root, ...parts);
  return {
    root,
    project,
    bin: at("bin"),
    logs: at("logs"),
    run: at("run"),
    secrets: at("secrets"),
    pki: at("pki"),
    etcd: at("etcd"),
    postgres: at("postgres"),
    aws: at("aws"),
    volumes: at("volumes"),
    pods: at("pods"),
    state: at("state"),
    pulumiHome: at("pulumi-home"),
    kubeconfig: at("kubeconfig"),
    marker: at("sandbox.json"),
    ports: at("ports.json"),
    lock: at("lock"),
    passphrase: at("secrets", "passphrase"),
    postgresPassword: at("secrets", "postgres-password"),
    platformPassword: at("secrets", "platform-password"),
  };
}

/** The sandbox folder: `--dir`, else `$WAREHOUSE_SANDBOX_DIR`, else `.sandbox` in the project. */
export function sandboxFolder(
  option: string | undefined,
  env: NodeJS.ProcessEnv,
  project = projectRoot,
): string {
  return resolve(option ?? env.WAREHOUSE_SANDBOX_DIR ?? join(project, ".sandbox"));
}

/** The cache of tools, shared by all checkouts of this user. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(
    env.WAREHOUSE_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "warehouse-tenants"),
  );
}
