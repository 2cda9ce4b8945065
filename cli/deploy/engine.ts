import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parse } from "yaml";
import { LIMIT_VARIABLE } from "../../components/cell/limit.ts";
import type { Diagnostic } from "../../review/preview.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";

/** A run of a cell's stack. */
export interface CellRun {
  readonly stack: string;
  readonly cell: string;
  /** The tenants that it is limited to. undefined: the whole cell. */
  readonly limitedTo: readonly string[] | undefined;
}

/** Resources by what is done to them. */
export type Done = Readonly<Record<"created" | "updated" | "replaced" | "deleted", number>>;
export const NOTHING_DONE: Done = { created: 0, updated: 0, replaced: 0, deleted: 0 };

/** How a run of the engine ended. */
export interface Ending {
  readonly code: number;
  /** What it printed: of a preview the digest, of an update nothing. */
  readonly output: string;
  readonly done: Done;
  readonly errors: readonly Diagnostic[];
}

/** The end of what a command says on standard error that is kept, characters. */
const TAIL = 4000;

const DONE_BY_OP: Readonly<Record<string, keyof Done>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  delete: "deleted",
};

/** Starts `pulumi` on the stack of a cell. Each is a process group of its own: an interrupt reaches it once, from here. */
export function startPulumi(
  { projectDir, env }: Io,
  command: "up" | "preview",
  { stack, limitedTo }: CellRun,
  onProgress: (done: Done) => void,
): { readonly interrupt: () => void; readonly ended: Promise<Ending> } {
  const args = [
    ...(command === "up" ? ["up", "--yes", "--skip-preview", "--continue-on-error"] : ["preview"]),
    ...["--json", "--stack", stack, "--non-interactive", "--color", "never"],
    ...(limitedTo ?? []).flatMap((id) => ["--target", urnOf(projectDir, stack, id)]),
    ...(limitedTo === undefined ? [] : ["--target-dependents"]),
  ];
  const child = spawn("pulumi", args, {
    cwd: projectDir,
    env: limitedTo === undefined ? env : { ...env, [LIMIT_VARIABLE]: limitedTo.join(",") },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  const errors: Diagnostic[] = [];
  let [said, done] = ["", NOTHING_DONE];
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-TAIL);
  });
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    if (command === "preview") output.push(line);
    const kind = DONE_BY_OP[DONE.exec(line)?.[1] ?? ""];
    if (kind !== undefined) {
      done = { ...done, [kind]: done[kind] + 1 };
      onProgress(done);
    }
    if (ERROR.test(line)) errors.push(...errorIn(line));
  });
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "ENOENT" ? notInstalled() : error);
    });
    child.once("close", (code) => {
      // What goes wrong before the engine starts is said there: a lock, a stack that does not exist.
      const early =
        code !== 0 && errors.length === 0 && said.trim() !== ""
          ? [{ message: said.trim().replace(/^error: /, "") }]
          : [];
      resolve({ code: code ?? 1, output: output.join("\n"), done, errors: [...errors, ...early] });
    });
  });
  return { ended, interrupt: () => void child.kill("SIGINT") };
}

/** The engine prints an event a line; most of them are of resources that stay as they are, and long. */
const DONE = /^\{"sequence":\d+,"timestamp":\d+,"resOutputsEvent":\{"metadata":\{"op":"([\w-]+)"/;
const ERROR = /^\{"sequence":\d+,"timestamp":\d+,"diagnosticEvent":.*"severity":"error"/;

function errorIn(line: string): Diagnostic[] {
  const { diagnosticEvent } = JSON.parse(line) as {
    readonly diagnosticEvent?: { readonly urn?: string; readonly message: string };
  };
  if (diagnosticEvent === undefined) return [];
  const { urn = "", message } = diagnosticEvent;
  return [{ message: message.replace(/^error: /, "").trim(), ...(urn === "" ? {} : { urn }) }];
}

const urnOf = (projectDir: string, stack: string, id: string): string =>
  `urn:pulumi:${stack.split("/").at(-1) ?? stack}::${projectName(projectDir)}::warehouse:tenancy:TenantStack::${id}`;

const projectName = (projectDir: string): string =>
  (parse(readFileSync(join(projectDir, "Pulumi.yaml"), "utf8")) as { readonly name: string }).name;

const notInstalled = (): Refusal =>
  new Refusal(
    'pulumi is not on PATH; install it (https://www.pulumi.com/docs/install/), or take the sandbox\'s: eval "$(npm run --silent sandbox env)"',
  );
