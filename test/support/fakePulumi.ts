// Stands in for pulumi in tests of what runs it: writes down how it was called and plays what a plan says of the stack.
// usage: node fakePulumi.ts <folder> <what pulumi is called with…>
import { appendFileSync, copyFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a run of a stack does. */
export interface Play {
  readonly exitCode?: number;
  /** Of `pulumi preview`. Default: the same. */
  readonly previewCode?: number;
  /** Of the first of two passes. Default: the same. */
  readonly firstPassCode?: number;
  /** Printed on standard output. */
  readonly lines?: readonly string[];
  /** Printed on standard error. */
  readonly error?: string;
  /** What `pulumi stack output --json` answers. Default: there are none. */
  readonly outputs?: { readonly tenants?: object };
  /** What the state has besides the outputs. */
  readonly resources?: readonly object[];
  /** Whether an `up` ends without writing the state. */
  readonly writesNothing?: boolean;
  /** Goes on until so many runs have begun. */
  readonly meets?: number;
  /** Goes on until it is interrupted, and then ends with this exit code. */
  readonly hangs?: number;
}

export interface Call {
  readonly event: "begin" | "end";
  readonly argv: readonly string[];
  readonly stack: string;
  /** WAREHOUSE_TENANTS. */
  readonly limit: string | null;
  /** PULUMI_SKIP_CHECKPOINTS. */
  readonly unsaved: string | null;
}

const [folder = "", ...argv] = process.argv.slice(2);
const stack = argv[argv.indexOf("--stack") + 1] ?? "";
const plan = JSON.parse(readFileSync(join(folder, "plan.json"), "utf8")) as Readonly<Record<string, Play>>;
const {
  exitCode = 0,
  previewCode = exitCode,
  firstPassCode = exitCode,
  lines = [],
  error = "",
  outputs = {},
  resources = [],
  writesNothing,
  hangs,
  meets = 1,
} = plan[stack] ?? {};
const writes = join(folder, `written-${stack}`);
if (argv[0] === "stack" && argv[1] !== "import") {
  const root = { type: "pulumi:pulumi:Stack", urn: "urn:stack", outputs };
  const all =
    outputs.tenants === undefined && resources.length === 0 ? {} : { resources: [root, ...resources] };
  const manifest = { time: existsSync(writes) ? readFileSync(writes, "utf8") : "never" };
  process.stdout.write(JSON.stringify(argv[1] === "export" ? { deployment: { manifest, ...all } } : outputs));
  process.exit();
}
if (argv[0] === "up" && writesNothing !== true) appendFileSync(writes, "again ");
if (argv[1] === "import") copyFileSync(argv[argv.indexOf("--file") + 1] ?? "", join(folder, "imported.json"));
const note = (event: Call["event"]): void => {
  const { WAREHOUSE_TENANTS: limit = null, PULUMI_SKIP_CHECKPOINTS: unsaved = null } = process.env;
  const call: Call = { event, argv, stack, limit, unsaved };
  appendFileSync(join(folder, "calls"), `${JSON.stringify(call)}\n`);
};
const end = (code: number): void => {
  note("end");
  process.exitCode = code;
};

note("begin");
for (const line of lines) process.stdout.write(`${line}\n`);
process.stderr.write(error);
const begun = (): number =>
  readFileSync(join(folder, "calls"), "utf8")
    .split("\n")
    .filter((line) => line.includes('"begin"')).length;
if (hangs === undefined) {
  const timer = setInterval(() => {
    if (begun() < meets) return;
    clearInterval(timer);
    const isFirst = argv.includes("--exclude-dependents");
    end(argv[0] === "preview" ? previewCode : isFirst ? firstPassCode : exitCode);
  }, 50);
} else {
  const forEver = setInterval(() => undefined, 1000);
  process.on("SIGINT", () => {
    clearInterval(forEver);
    end(hangs);
  });
  // What the engine prints first, once it listens.
  if (argv[0] === "up") process.stdout.write('{"sequence":0,"timestamp":1}\n');
}
