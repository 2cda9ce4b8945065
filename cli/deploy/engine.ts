import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { CellConfig } from "../../components/cell/config.ts";
import { LIMIT_VARIABLE, POOL_TARGETS } from "../../components/cell/limit.ts";
import { poolName } from "../../registry/naming.ts";
import { hasOwnApp } from "../../registry/placement.ts";
import type { TenantSpec } from "../../registry/spec.ts";
import type { Diagnostic } from "../../review/preview.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { projectName } from "../pulumi.ts";
import { firstPass, WRITTEN_ONCE } from "./arrivals.ts";
import { prepareUp, type Preparation } from "./prepare.ts";

/** A run of a cell's stack. */
export interface CellRun {
  readonly stack: string;
  readonly cell: string;
  /** The tenants that it is limited to. undefined: the whole cell. */
  readonly limitedTo: readonly string[] | undefined;
  /** The tenants of the cell. */
  readonly members: readonly TenantSpec[];
  /** undefined where the stack's file is not valid: the run will say why. */
  readonly config: CellConfig | undefined;
}

/** Who is told of a run that is under way. */
export interface Watch {
  /** What it has done so far. */
  readonly onProgress: (done: Done) => void;
  /** What other cells use is there, though the run goes on; not called by a run without tenants. */
  readonly onShared: () => void;
}

/** Resources by what is done to them. */
export type Done = Readonly<Record<"created" | "updated" | "replaced" | "deleted", number>>;
export const NOTHING_DONE: Done = { created: 0, updated: 0, replaced: 0, deleted: 0 };

/** How a run of the engine ended. */
export interface Ending {
  readonly code: number;
  /** Whether the engine got as far as to begin: where it did not, as for a lock, nothing was done. */
  readonly began: boolean;
  /** What it printed: of a preview the digest, of an update nothing. */
  readonly output: string;
  readonly done: Done;
  readonly errors: readonly Diagnostic[];
  /** What went wrong at the first try, where there was a second. */
  readonly retried?: readonly Diagnostic[];
}

const KINDS = Object.keys(NOTHING_DONE) as (keyof Done)[];
const sum = (one: Done, other: Done): Done =>
  Object.fromEntries(KINDS.map((kind) => [kind, one[kind] + other[kind]])) as Done;

/** The end of what a command says on standard error that is kept, characters. */
const TAIL = 4000;

const DONE_BY_OP: Readonly<Record<string, keyof Done>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  delete: "deleted",
};

/** What servers say of a call that fails by chance: it is as likely to succeed as any other the next time. */
const BY_CHANCE =
  /the object has been modified|tuple concurrently (?:updated|deleted)|etcdserver: leader changed/;
/** The engine's last word on a run of which something failed. */
const SUMMARY = "update failed";

/** What went wrong, if all of it may go well the next time. */
function chances({ code, errors }: Ending): readonly Diagnostic[] {
  const causes = errors.filter(({ message }) => message !== SUMMARY);
  return code !== 0 && causes.every(({ message }) => BY_CHANCE.test(message)) ? causes : [];
}

const NOT_RUN: Ending = { code: 1, began: false, output: "", done: NOTHING_DONE, errors: [] };

/** A run that is under way. */
interface Running {
  readonly interrupt: () => void;
  readonly ended: Promise<Ending>;
}

/**
 * Starts `pulumi` on the stack of a cell; for an `up` that brings many tenants twice, one after the other (see
 * `arrivalsOf`), and once more where only what fails by chance failed. Each is a process group of its own: an interrupt
 * reaches it once, from here.
 */
export function startPulumi(
  io: Io,
  command: "up" | "preview",
  run: CellRun,
  { onProgress, onShared }: Watch,
): Running {
  let current: Running | undefined;
  let interrupted = false;
  const pass = (more: Pass, before = NOTHING_DONE): Promise<Ending> => {
    if (interrupted) return Promise.resolve(NOT_RUN);
    current = startPass(io, command, run, more, {
      onProgress: (done) => {
        onProgress(sum(before, done));
      },
      onShared,
    });
    return current.ended;
  };
  /** A pass that writes the state at its end. */
  const unsaved = async (preparation: Preparation, before = NOTHING_DONE): Promise<Ending> => {
    if (interrupted) return NOT_RUN;
    const isNoted = await preparation.begin().then(
      () => true,
      () => false,
    );
    if (!isNoted) return pass({}, before);
    const ending = await pass({ env: WRITTEN_ONCE }, before);
    // A note that stays does no harm: the next run takes over what there is.
    await preparation.end(ending).catch(() => undefined);
    return ending;
  };
  const inTwo = async (preparation: Preparation): Promise<Ending> => {
    const args = firstPass(urnPrefix(io.projectDir, run.stack), run.config?.backup.identity.kind);
    const first = await pass({ args });
    // The second is left to do.
    if (interrupted) return { ...first, code: first.code === 0 ? NOT_RUN.code : first.code };
    if (first.code === 0) onShared();
    // What the first could not make the second tries again: then the state is written as usual.
    const second = await (first.code === 0 ? unsaved(preparation, first.done) : pass({}, first.done));
    return { ...second, done: sum(first.done, second.done) };
  };
  const up = async (): Promise<Ending> => {
    const preparation = await prepareUp(io, run);
    const { arrivals } = preparation;
    const ending = await (arrivals === undefined
      ? pass({})
      : arrivals.inTwoPasses
        ? inTwo(preparation)
        : unsaved(preparation));
    const retried = chances(ending);
    if (interrupted || retried.length === 0) return ending;
    const again = await pass({}, ending.done);
    return { ...again, done: sum(ending.done, again.done), retried };
  };
  const failed = (error: unknown): Ending => ({
    ...NOT_RUN,
    errors: [{ message: (error as Error).message }],
  });
  return {
    ended: command === "up" ? up().catch(failed) : pass({}),
    interrupt: () => {
      interrupted = true;
      current?.interrupt();
    },
  };
}

/** What a pass adds to the run. */
interface Pass {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

function startPass(
  { projectDir, env }: Io,
  command: "up" | "preview",
  run: CellRun,
  pass: Pass,
  { onProgress, onShared }: Watch,
): Running {
  const { stack, limitedTo } = run;
  const args = [
    ...(command === "up" ? ["up", "--yes", "--skip-preview", "--continue-on-error"] : ["preview"]),
    ...["--json", "--stack", stack, "--non-interactive", "--color", "never"],
    ...targets(urnPrefix(projectDir, stack), run).flatMap((urn) => ["--target", urn]),
    ...(limitedTo === undefined ? [] : ["--target-dependents"]),
    ...(pass.args ?? []),
  ];
  const child = spawn("pulumi", args, {
    cwd: projectDir,
    env: {
      ...env,
      ...pass.env,
      ...(limitedTo === undefined ? {} : { [LIMIT_VARIABLE]: limitedTo.join(",") }),
    },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  const errors: Diagnostic[] = [];
  let [said, done, began, interrupts] = ["", NOTHING_DONE, false, 0];
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-TAIL);
  });
  const awaited = new Set(USED_BY_OTHERS);
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    if (command === "preview") output.push(line);
    if (!began && line.startsWith(EVENT)) {
      began = true;
      if (interrupts > 0) child.kill("SIGINT");
    }
    const [, op = "", urn = ""] = DONE.exec(line) ?? [];
    for (const type of awaited)
      if (urn.includes(type)) {
        awaited.delete(type);
        if (awaited.size === 0) onShared();
      }
    const kind = DONE_BY_OP[op];
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
      resolve({ code: code ?? 1, began, output: output.join("\n"), done, errors: [...errors, ...early] });
    });
  });
  // An `up` that has its lock and does not listen yet would leave the lock: it is told once it has begun, or told again.
  const interrupt = (): void => {
    interrupts += 1;
    if (command === "preview" || began || interrupts > 1) child.kill("SIGINT");
  };
  return { ended, interrupt };
}

const EVENT = '{"sequence":';
/** The engine prints an event a line; most of them are of resources that stay as they are, and long. */
const DONE =
  /^\{"sequence":\d+,"timestamp":\d+,"resOutputsEvent":\{"metadata":\{"op":"([\w-]+)","urn":"([^"]*)"/;
const ERROR = /^\{"sequence":\d+,"timestamp":\d+,"diagnosticEvent":.*"severity":"error"/;

/**
 * What is there when other cells can begin: the namespace of the operations, and that of a tenant, as it comes after
 * the bucket and after everything that is in force in all namespaces.
 */
const USED_BY_OTHERS = [
  "warehouse:tenancy:Operations$kubernetes:core/v1:Namespace::",
  "warehouse:tenancy:TenantStack$kubernetes:core/v1:Namespace::",
];

function errorIn(line: string): Diagnostic[] {
  const { diagnosticEvent } = JSON.parse(line) as {
    readonly diagnosticEvent?: { readonly urn?: string; readonly message: string };
  };
  if (diagnosticEvent === undefined) return [];
  const { urn = "", message } = diagnosticEvent;
  return [{ message: message.replace(/^error: /, "").trim(), ...(urn === "" ? {} : { urn }) }];
}

/** What a limited run may change: its tenants, and what names them in their pools. */
function targets(prefix: string, { limitedTo = [], members }: CellRun): string[] {
  const plans = members.flatMap(({ id, plan, placement }) =>
    !hasOwnApp(placement) && limitedTo.includes(id) ? [plan] : [],
  );
  return [
    ...limitedTo.map((id) => `${prefix}warehouse:tenancy:TenantStack::${id}`),
    ...[...new Set(plans)].flatMap((plan) =>
      Object.entries(POOL_TARGETS).map(
        ([type, name]) => `${prefix}warehouse:tenancy:Pool$${type}::${poolName(plan, "")}-${name}`,
      ),
    ),
  ];
}

const urnPrefix = (projectDir: string, stack: string): string =>
  `urn:pulumi:${stack.split("/").at(-1) ?? stack}::${projectName(projectDir)}::`;

const notInstalled = (): Refusal =>
  new Refusal(
    'pulumi is not on PATH; install it (https://www.pulumi.com/docs/install/), or take the sandbox\'s: eval "$(npm run --silent sandbox env)"',
  );
