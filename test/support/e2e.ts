import { execFile, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { stackConfig } from "../../sandbox/stackConfig.ts";
import { startPlatform, type Platform } from "../../sandbox/platform.ts";
import type { PlanName } from "../../registry/catalogue.ts";
import { namespaceName, poolName, UPLOADS } from "../../registry/naming.ts";
import { PROJECT } from "./registry.ts";

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams, for what a user sees. */
  readonly output: string;
}

/** A project of its own (a copy of the sources) on a sandbox of its own. */
export interface Workplace {
  readonly platform: Platform;
  /** Folder of the project's copy. */
  readonly project: string;
  /** Everything ever printed by pulumi, for the search for secrets. */
  readonly transcript: () => string;
  /** Runs pulumi on the stack. */
  pulumi(...args: readonly string[]): Promise<Outcome>;
  kubectl(...args: readonly string[]): Promise<Outcome>;
  /** Replaces text in a file of the project; the text must be there. */
  edit(file: string, from: string, to: string): void;
  read(file: string): string;
  write(file: string, text: string): void;
  close(): Promise<void>;
}

/** What the program consists of; node_modules is linked. */
const SOURCES = [
  "index.ts",
  "package.json",
  "tsconfig.json",
  "Pulumi.yaml",
  "registry",
  "components",
  "billing",
  "monitoring",
  "tenants",
  "ops",
  "cli",
  "report",
  "review",
  "policy",
];

export function run(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...options, maxBuffer: 256 * 2 ** 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code !== "number") reject(error ?? new Error("no exit code"));
      else resolve({ code, stdout, stderr, output: stdout + stderr });
    });
  });
}

/** This process's environment with the platform's on top. */
export const commandEnvironment = (platform: Platform): Record<string, string> => ({
  ...(process.env as Record<string, string>),
  ...platform.env,
});

/** Starts a sandbox on free ports and copies the project beside it. Both end with this process, however it ends. */
export async function openWorkplace(stack = "sandbox"): Promise<Workplace> {
  const root = mkdtempSync(join(tmpdir(), "warehouse-e2e-"));
  const project = join(root, "project");
  for (const source of SOURCES) cpSync(join(PROJECT, source), join(project, source), { recursive: true });
  symlinkSync(join(PROJECT, "node_modules"), join(project, "node_modules"));
  const platform = await startPlatform({
    dir: join(root, "sandbox"),
    projectDir: project,
    owned: true,
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  const env = commandEnvironment(platform);
  const transcript: string[] = [];
  const place: Workplace = {
    platform,
    project,
    transcript: () => transcript.join("\n"),
    async pulumi(...args) {
      const outcome = await run(
        "pulumi",
        [...args, "--stack", stack, "--non-interactive", "--color", "never"],
        { cwd: project, env },
      );
      transcript.push(outcome.output);
      return outcome;
    },
    kubectl: (...args) => run("kubectl", args, { cwd: project, env }),
    edit(file, from, to) {
      const text = place.read(file);
      if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`);
      place.write(file, text.replace(from, to));
    },
    read: (file) => readFileSync(join(project, file), "utf8"),
    write(file, text) {
      writeFileSync(join(project, file), text);
    },
    async close() {
      await platform.remove();
      rmSync(root, { recursive: true, force: true });
    },
  };
  place.write(`Pulumi.${stack}.yaml`, stackConfig(platform.ports));
  const init = await place.pulumi("stack", "init");
  if (init.code !== 0) throw new Error(init.output);
  return place;
}

/** Connects to PostgreSQL, runs SQL and disconnects. */
export async function sql<Row extends pg.QueryResultRow>(
  login: pg.ClientConfig,
  text: string,
): Promise<Row[]> {
  const client = new pg.Client(login);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Runs SQL in a session that acts for a tenant. */
export async function acting<Row extends pg.QueryResultRow>(
  tenant: string,
  as: pg.ClientConfig,
  text: string,
): Promise<Row[]> {
  const client = new pg.Client(as);
  await client.connect();
  try {
    await client.query("select set_config('app.tenant_id', $1, false)", [tenant]);
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** The folder that the application sees a tenant's files in, under a plan. */
export function filesOf(place: Workplace, id: string, plan: PlanName): string {
  const { volumes } = place.platform.paths;
  return plan === "starter" || plan === "professional"
    ? join(volumes, poolName(plan, ""), UPLOADS, id)
    : join(volumes, namespaceName(id), UPLOADS);
}

/** Every file below a folder with its content, but for what restores keep; none where there is no folder. */
export function contentOf(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file): [string, string] => [file.slice(folder.length + 1), readFileSync(file, "utf8")])
      .filter(([path]) => !path.startsWith(".warehouse-")),
  );
}

/** Writes a file of a tenant, with its folders. */
export function writeFile(folder: string, path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

interface Step {
  readonly op: string;
  readonly urn: string;
}

/** The steps of a `pulumi preview --json` that change something, by logical name. */
export function changes(outcome: Outcome): { op: string; name: string }[] {
  const { steps } = JSON.parse(outcome.stdout) as { steps: readonly Step[] };
  return steps
    .filter(({ op }) => op !== "same" && op !== "read")
    .map(({ op, urn }) => ({ op, name: urn.split("::").at(-1) ?? "" }));
}

/** Credentials as the program hands them out. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly url: string;
}

/** The login in a Secret. */
export async function loginOf(place: Workplace, namespace: string, secret: string): Promise<Login> {
  const { stdout } = await place.kubectl("get", "secret", secret, "-n", namespace, "-o", "json");
  const { data } = JSON.parse(stdout) as { data: Record<string, string> };
  const text = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString();
  return { user: text("username"), password: text("password"), database: text("name"), url: text("url") };
}

/** A login of a tenant, from that of its Secrets which holds it: they are where its pods run. */
export async function tenantLogin(
  place: Workplace,
  id: string,
  purpose: "app" | "migrate" | "backup" | "target" = "app",
): Promise<Login> {
  const { stdout } = await place.kubectl(
    ...["get", "secrets", "-A", "--field-selector", `metadata.name=${id}-db-secret`, "-o", "json"],
  );
  const { items } = JSON.parse(stdout) as { items: { data: Record<string, string> }[] };
  const prefix = purpose === "app" ? "" : `${purpose}-`;
  const data = items.map((each) => each.data).find((each) => `${prefix}username` in each);
  if (data === undefined) throw new Error(`${id} has no login for ${purpose}`);
  const text = (key: string): string => Buffer.from(data[prefix + key] ?? "", "base64").toString();
  return { user: text("username"), password: text("password"), database: text("name"), url: text("url") };
}

/** How a login connects to a database, its own by default. */
export const connectionOf = (
  place: Workplace,
  { user, password, database: own }: Login,
  database = own,
): pg.ClientConfig => ({ host: "127.0.0.1", port: place.platform.pg.port, user, password, database });

/**
 * Runs `pulumi up` and kills its process group some time after it began to change something; says how it ended.
 * @param delay milliseconds
 */
export async function killedUp(place: Workplace, delay: number): Promise<NodeJS.Signals | null> {
  const child = spawn(
    "pulumi",
    ["up", "--yes", "--skip-preview", "--stack", "sandbox", "--non-interactive"],
    {
      cwd: place.project,
      env: commandEnvironment(place.platform),
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once("close", (_, signal) => {
      resolve(signal);
    });
  });
  await Promise.race([
    ended,
    new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => {
        if (/ing (?:original |replacement )?\(\d/.test(chunk.toString())) resolve();
      });
    }),
  ]);
  await new Promise((resolve) => setTimeout(resolve, delay));
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  return ended;
}
