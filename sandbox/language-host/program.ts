import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

/** One run of a program, as the engine asks for it. */
export interface ProgramRun {
  readonly monitor: string;
  readonly engine: string;
  readonly project: string;
  readonly stack: string;
  readonly organization: string;
  readonly pwd: string;
  readonly dryRun: boolean;
  readonly parallel: number;
  /** Folder of the program. */
  readonly folder: string;
  /** Entry point in that folder; `.` for the package's main. */
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  /** `runtime.options` of Pulumi.yaml. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ProgramResult {
  readonly error: string;
  /** The program has told the user what is wrong: the engine adds nothing. */
  readonly bail: boolean;
}

/** Exit code by which the SDK says that it has reported the failure itself. */
const REPORTED = 32;

/** Splits `nodeargs` as a shell does with plain words and quotes. */
export const splitArgs = (text: string): readonly string[] =>
  (text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []).map((word) => word.replace(/["']/g, ""));

/** Arguments of node for a run; `script` is the SDK's runner. */
export function commandLine(run: ProgramRun, script: string): readonly string[] {
  const { nodeargs } = run.options;
  const flag = (name: string, value: string): readonly string[] => (value === "" ? [] : [`--${name}`, value]);
  return [
    ...(typeof nodeargs === "string" ? splitArgs(nodeargs) : []),
    script,
    ...flag("monitor", run.monitor),
    ...flag("engine", run.engine),
    ...flag("organization", run.organization),
    ...flag("project", run.project),
    ...flag("stack", run.stack),
    ...flag("pwd", run.pwd),
    ...(run.dryRun ? ["--dry-run"] : []),
    ...flag("parallel", String(run.parallel)),
    run.entryPoint,
    ...run.args,
  ];
}

/** The environment of a run, on top of the host's own. */
export function environment(run: ProgramRun): Readonly<Record<string, string>> {
  const { typescript, tsconfig } = run.options;
  return {
    // The SDK still reads keys in the old form, `namespace:config:name`.
    PULUMI_CONFIG: JSON.stringify(
      Object.fromEntries(
        Object.entries(run.config).map(([key, value]) => [
          key.replace(/^([^:]+):([^:]+)$/, "$1:config:$2"),
          value,
        ]),
      ),
    ),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(run.secretKeys),
    PULUMI_NODEJS_TYPESCRIPT: String(typescript !== false),
    ...(typeof tsconfig === "string" ? { PULUMI_NODEJS_TSCONFIG_PATH: tsconfig } : {}),
  };
}

/** Runs the program to its end. Its output goes straight to the host's own, which the engine shows line by line. */
export function runProgram(run: ProgramRun, signal: AbortSignal): Promise<ProgramResult> {
  let script: string;
  try {
    script = createRequire(join(run.folder, "package.json")).resolve("@pulumi/pulumi/cmd/run");
  } catch {
    const error = `the Pulumi SDK is not installed in ${run.folder}: run \`npm ci\` there`;
    return Promise.resolve({ error, bail: false });
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, commandLine(run, script), {
      cwd: run.pwd,
      env: { ...process.env, ...environment(run) },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const stop = (): void => {
      child.kill("SIGKILL");
    };
    signal.addEventListener("abort", stop);
    process.once("exit", stop);
    const settle = (result: ProgramResult): void => {
      signal.removeEventListener("abort", stop);
      process.removeListener("exit", stop);
      resolve(result);
    };
    child.on("error", (error) => {
      settle({ error: `cannot start ${process.execPath}: ${error.message}`, bail: false });
    });
    child.on("exit", (code, killedBy) => {
      if (code === 0) settle({ error: "", bail: false });
      else if (code === REPORTED) settle({ error: "", bail: true });
      else if (killedBy !== null) settle({ error: `Program was ended by ${killedBy}`, bail: false });
      else settle({ error: `Program exited with non-zero exit code: ${String(code)}`, bail: false });
    });
  });
}
