import { readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SANDBOX_STACK } from "../registry/naming.ts";
import { cacheFolder, type Layout } from "./layout.ts";
import { readJson } from "./lib/files.ts";
import { SandboxError } from "./lib/errors.ts";
import { type Ports, rememberedPorts } from "./lib/ports.ts";

/** Programs the sandbox was last started with: `env` and `status` need not search for them again. */
export interface Programs {
  readonly pulumi: string;
  readonly kubectl: string;
  readonly postgres: string;
  /** A supported Node: the machine's own may be too old for the program. */
  readonly node: string;
}

export const programsFile = (paths: Layout): string => join(paths.root, "programs.json");

/** Access to the AWS endpoint. It takes any credentials; these only have to be there. */
export const awsEnvironment = (ports: Pick<Ports, "aws">): Readonly<Record<string, string>> => ({
  AWS_ENDPOINT_URL: `http://127.0.0.1:${ports.aws}`,
  AWS_REGION: "us-west-2",
  AWS_DEFAULT_REGION: "us-west-2",
  AWS_ACCESS_KEY_ID: "sandbox",
  AWS_SECRET_ACCESS_KEY: "sandbox",
  // An endpoint on this machine has no metadata service: do not wait for one.
  AWS_EC2_METADATA_DISABLED: "true",
});

/** The program, the stand-ins and Jobs start in half the time when their compiled form is kept. */
export const compileCache = (env: NodeJS.ProcessEnv): Readonly<Record<string, string>> => ({
  NODE_COMPILE_CACHE: join(cacheFolder(env), "node-compile-cache"),
});

/**
 * The search path with the sandbox's programs first. Node comes before all others, since the machine's own may
 * be too old for the program; a folder that is on the path already keeps its place.
 */
export function searchPath(paths: Layout, programs: Programs, path: string): string {
  const first = [paths.bin, programs.node];
  const present = path.split(delimiter).filter((folder) => folder !== "" && !first.includes(folder));
  const added = [programs.pulumi, programs.kubectl, programs.postgres].filter(
    (folder) => !present.includes(folder),
  );
  return [...new Set([...first, ...added, ...present])].join(delimiter);
}

/**
 * The variables that make plain `pulumi`, `kubectl`, `psql` and AWS tools work on the sandbox. Those in
 * `secretFiles` hold a secret and are given as the file it is in.
 */
export interface SandboxEnvironment {
  readonly plain: Readonly<Record<string, string>>;
  readonly secretFiles: Readonly<Record<string, string>>;
}

/** The environment of a sandbox that has been started before. */
export function sandboxEnvironment(paths: Layout, env: NodeJS.ProcessEnv): SandboxEnvironment {
  const programs = readJson(programsFile(paths)) as Programs | undefined;
  const ports = rememberedPorts(paths.ports);
  if (programs === undefined || ports.postgres === undefined || ports.aws === undefined) {
    throw new SandboxError(`There is no sandbox in ${paths.root}. Start one with: npm run sandbox`);
  }
  return {
    plain: {
      PATH: searchPath(paths, programs, env.PATH ?? ""),
      KUBECONFIG: paths.kubeconfig,
      PGHOST: "127.0.0.1",
      PGPORT: String(ports.postgres),
      PGUSER: "platform",
      PGDATABASE: "postgres",
      PGSSLMODE: "disable",
      PULUMI_HOME: paths.pulumiHome,
      // The engine writes attributes of its files in place: killed, it would leave them empty, and the state unreadable.
      PULUMI_BACKEND_URL: `file://${paths.state}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE_FILE: paths.passphrase,
      PULUMI_STACK: SANDBOX_STACK,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DIY_BACKEND_ZSTD: "true",
      ...compileCache(env),
      ...awsEnvironment({ aws: ports.aws }),
    },
    // The postgresql provider takes its password from this variable alone; PGPASSFILE would not reach it.
    secretFiles: { PGPASSWORD: paths.platformPassword },
  };
}

/** All variables with their values, for child processes. */
export function environmentValues(environment: SandboxEnvironment): Record<string, string> {
  const secrets = Object.entries(environment.secretFiles).map(([name, file]) => [
    name,
    readFileSync(file, "utf8").trim(),
  ]);
  return { ...environment.plain, ...(Object.fromEntries(secrets) as Record<string, string>) };
}

/** Quotes a value for a POSIX shell. */
export const shellQuote = (value: string): string =>
  /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;

/** `export` lines for `eval "$(npm run --silent sandbox env)"`. Secrets are read from their files, not printed. */
export function exportLines(environment: SandboxEnvironment): string {
  const plain = Object.entries(environment.plain).map(
    ([name, value]) => `export ${name}=${shellQuote(value)}`,
  );
  const secret = Object.entries(environment.secretFiles).map(
    ([name, file]) => `export ${name}="$(cat ${shellQuote(file)})"`,
  );
  return [...plain, ...secret].join("\n");
}
