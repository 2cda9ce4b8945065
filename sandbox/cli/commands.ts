import { spawnSync } from "node:child_process";
import { environmentValues, exportLines, sandboxEnvironment } from "../environment.ts";
import { type Layout, layout, projectRoot, sandboxFolder } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { type Report, terminalReport } from "../lib/report.ts";
import { platformStatus, stopPlatform, withSandboxLock } from "../platform.ts";
import type { Arguments } from "./args.ts";
import { destroy } from "./destroy.ts";
import { logs } from "./logs.ts";
import { status } from "./status.ts";
import { trigger } from "./trigger.ts";
import { preview, up } from "./up.ts";

/** A subcommand; resolves with the exit code. */
type Command = (paths: Layout, args: Arguments, report: Report) => Promise<number>;

async function requireRunning(paths: Layout): Promise<void> {
  const servers = await platformStatus(paths);
  if (servers.some(({ name, running }) => name === "kube-apiserver" && running)) return;
  throw new SandboxError("The sandbox is not running. Start it with: npm run sandbox");
}

async function stop(paths: Layout, _: Arguments, report: Report): Promise<number> {
  const stopped = await withSandboxLock(paths, "sandbox stop", report, () => stopPlatform(paths));
  report.info(
    stopped
      ? "The sandbox is stopped; its data stay. Start it again with: npm run sandbox"
      : "The sandbox is not running.",
  );
  return 0;
}

function shell(paths: Layout): Promise<number> {
  const env = { ...process.env, ...environmentValues(sandboxEnvironment(paths, process.env)) };
  const program = process.env.SHELL ?? "/bin/sh";
  const { status: code, error } = spawnSync(program, [], { stdio: "inherit", env, cwd: paths.project });
  if (error !== undefined) throw new SandboxError(`The shell ${program} did not start: ${error.message}`);
  return Promise.resolve(code ?? 1);
}

const commands = {
  up: (paths, args, report) => up(paths, report, args.deploy),
  preview: (paths, args, report) => preview(paths, report, args.rest),
  status: (paths, args) => status(paths, args.json),
  env: (paths) => {
    console.log(exportLines(sandboxEnvironment(paths, process.env)));
    return Promise.resolve(0);
  },
  shell,
  logs: (paths, { operands: [tenant = "", workload], follow }) => logs(paths, tenant, workload, follow),
  trigger: async (paths, { operands: [tenant = "", cronJob = ""] }) => {
    await requireRunning(paths);
    return trigger(paths, tenant, cronJob);
  },
  stop,
  destroy: (paths, args, report) => destroy(paths, report, args.yes),
} satisfies Record<string, Command>;

export type CommandName = keyof typeof commands;
export const commandNames = Object.keys(commands) as readonly CommandName[];
export const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);

/** Runs a subcommand. */
export function runCommand(name: CommandName, args: Arguments): Promise<number> {
  const paths = layout(sandboxFolder(args.dir, process.env), projectRoot);
  const command: Command = commands[name];
  return command(paths, args, terminalReport(process.stdout, process.env));
}
