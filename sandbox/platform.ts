import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { dirname } from "node:path";
import {
  awsEnvironment,
  environmentValues,
  type Programs,
  programsFile,
  sandboxEnvironment,
} from "./environment.ts";
import { type Layout, layout, projectRoot } from "./layout.ts";
import { secretFile, writeIfChanged } from "./lib/files.ts";
import { describeHolder, withLock } from "./lib/lock.ts";
import { choosePorts, listenerOf, type PortName, type Ports } from "./lib/ports.ts";
import { plainReport, type Report } from "./lib/report.ts";
import { ensureSupervisor, findSupervisor, type Supervisor } from "./services/control.ts";
import { outsideFolder } from "./services/postgresHome.ts";
import type { ServerState } from "./services/spec.ts";
import { type DatabaseAccess, startAll } from "./services/start.ts";
import { toolchainContext } from "./toolchain/context.ts";
import { type PluginChoice, providePlugins } from "./toolchain/plugins.ts";
import { checkPrerequisites } from "./toolchain/prerequisites.ts";
import { obtainToolchain, type Toolchain } from "./toolchain/toolchain.ts";

/** A running platform. */
export interface Platform {
  readonly paths: Layout;
  readonly ports: Ports;
  /** For child processes: PATH, KUBECONFIG, PG*, PULUMI_*, AWS_*. */
  readonly env: Readonly<Record<string, string>>;
  readonly kubeconfig: string;
  /** The superuser; the program itself works as `platform`. */
  readonly pg: DatabaseAccess;
  readonly aws: { readonly endpoint: string };
  readonly plugins: PluginChoice;
  status(): Promise<readonly ServerState[]>;
  /** Ends every process; the folder stays. */
  stop(): Promise<void>;
  /** Ends every process and deletes the folder, and what the sandbox had to put elsewhere. */
  remove(): Promise<void>;
}

export interface PlatformOptions {
  /** The sandbox folder. */
  readonly dir: string;
  /** Folder with Pulumi.yaml. Default: this checkout. */
  readonly projectDir?: string;
  /** The sandbox ends with this process, however it ends. Default: it stays until it is stopped. */
  readonly owned?: boolean;
  /** Told what happens. Default: silence. */
  readonly log?: (line: string) => void;
  readonly report?: Report;
  /** Default: this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

const LOCK_WAIT_MS = 30 * 60_000;

/** Holds the sandbox folder for one command at a time. */
export function withSandboxLock<T>(
  paths: Layout,
  purpose: string,
  report: Report,
  action: () => Promise<T>,
): Promise<T> {
  mkdirSync(paths.root, { recursive: true, mode: 0o755 });
  return withLock(
    {
      file: paths.lock,
      purpose,
      waitMs: LOCK_WAIT_MS,
      onWait: (holder) => {
        report.info(`Waiting: ${describeHolder(holder)} works on ${paths.root}`);
      },
    },
    action,
  );
}

/** Starts the platform in a folder, alone on it, or completes what runs there already. */
export function startPlatform(options: PlatformOptions): Promise<Platform> {
  const paths = layout(options.dir, options.projectDir ?? projectRoot);
  const report = options.report ?? plainReport(options.log ?? (() => undefined));
  return withSandboxLock(paths, "start of the platform", report, () => bringUp(paths, report, options));
}

/** As `startPlatform`, for a caller that holds the folder's lock. */
export async function bringUp(
  paths: Layout,
  report: Report,
  options: Pick<PlatformOptions, "owned" | "env">,
): Promise<Platform> {
  const env = options.env ?? process.env;
  const context = toolchainContext(env, report);
  // Backups, state and logs are for the user of the sandbox alone, as its secrets are.
  const folders = [
    paths.secrets,
    paths.state,
    paths.pulumiHome,
    paths.aws,
    paths.logs,
    paths.pods,
    paths.volumes,
  ];
  for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
  leaveOutEngineLog(paths);
  writeIfChanged(paths.marker, `${JSON.stringify({ project: paths.project })}\n`);
  await report.step("prerequisites", async (note) => {
    note(await checkPrerequisites(context, paths));
  });
  const tools = await report.step("tools", (note) => obtainToolchain(context, note));
  const plugins = await report.step("plugins", async (note) => {
    const choice = await providePlugins(context, paths, tools.pulumi, note);
    note(choice.providers === "vendor" ? "the vendor's" : "the project's stand-ins");
    return choice;
  });
  const programs = programsOf(tools);
  writeIfChanged(programsFile(paths), JSON.stringify(programs));
  secretFile(paths.passphrase);

  const supervisor = await ensureSupervisor(paths, options.owned === true);
  const ports = await selectPorts(paths, supervisor, report);
  const pg = await startAll({ paths, ports, tools, programs, supervisor, report, env });
  return {
    paths,
    ports,
    env: environmentValues(sandboxEnvironment(paths, env)),
    kubeconfig: paths.kubeconfig,
    pg,
    aws: { endpoint: awsEnvironment(ports).AWS_ENDPOINT_URL ?? "" },
    plugins,
    status: () => supervisor.status(),
    stop: () => supervisor.shutdown(),
    remove: () => removePlatform(paths),
  };
}

const portOwners: Readonly<Record<PortName, string>> = {
  etcd: "etcd",
  etcdPeer: "etcd",
  apiserver: "kube-apiserver",
  controllerManager: "kube-controller-manager",
  kubelet: "node",
  postgres: "postgres",
  aws: "aws",
};

const programsOf = (tools: Toolchain): Programs => ({
  pulumi: tools.pulumi.bin,
  kubectl: tools.kubectl.bin,
  postgres: tools.postgres.bin,
  node: dirname(process.execPath),
});

async function selectPorts(paths: Layout, supervisor: Supervisor, report: Report): Promise<Ports> {
  const running = new Set(
    (await supervisor.status()).filter(({ running: alive }) => alive).map(({ name }) => name),
  );
  const own = (Object.keys(portOwners) as PortName[]).filter((name) => running.has(portOwners[name]));
  const taken: Promise<void>[] = [];
  const ports = await choosePorts(paths.ports, new Set(own), (name, port, replacement) => {
    taken.push(
      listenerOf(port).then((listener) => {
        report.warn(
          `port ${port} of ${portOwners[name]} is taken by ${listener ?? "another program"}; it moves to ${replacement}`,
        );
      }),
    );
  });
  await Promise.all(taken);
  return ports;
}

/** The servers of a sandbox and whether they live; none when it is stopped. */
export async function platformStatus(paths: Layout): Promise<readonly ServerState[]> {
  return (await findSupervisor(paths)?.status()) ?? [];
}

/** Stops a sandbox and deletes its folder and what it had to put elsewhere. */
export async function removePlatform(paths: Layout): Promise<void> {
  await stopPlatform(paths);
  rmSync(outsideFolder(paths), { recursive: true, force: true });
  rmSync(paths.root, { recursive: true, force: true });
}

/** Stops a sandbox; false when there was none. */
export async function stopPlatform(paths: Layout): Promise<boolean> {
  const supervisor = findSupervisor(paths);
  if (supervisor === undefined) return false;
  await supervisor.shutdown();
  return true;
}

/**
 * The engine writes all that it does into an encrypted log, for which it takes as long as for everything else. It does without
 * where the log's folder cannot be made.
 */
function leaveOutEngineLog({ pulumiHome }: Layout): void {
  const place = join(pulumiHome, "logs");
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory() === true) rmSync(place, { recursive: true });
  writeIfChanged(place, "No folder, so that the engine keeps no log: see docs/performance.md.\n");
}
