import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const pulumi = promisify(execFile);

interface ResourceState {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** The part of `pulumi stack export` that matters here. */
export interface ExportedStack {
  readonly deployment: {
    readonly resources?: readonly ResourceState[];
    readonly pending_operations?: readonly { readonly type: string; readonly resource: ResourceState }[];
  };
}

export interface RecoverOptions {
  /** Folder of Pulumi.yaml. */
  readonly cwd: string;
  /** Environment of the pulumi command. */
  readonly env: NodeJS.ProcessEnv;
  readonly stack: string;
  readonly log: (line: string) => void;
}

/**
 * Settles what a killed run left open. For each object whose creation had begun, the engine cannot know whether it
 * exists: creating it again would fail, forgetting it would orphan it. So it is entered into the state under the id
 * that its inputs determine, and refreshed: what exists is adopted, what does not is dropped, and the next `up`
 * completes it. Does nothing on a stack without open creations.
 */
export async function recover({ cwd, env, stack, log }: RecoverOptions): Promise<void> {
  const run = (args: readonly string[]) =>
    pulumi("pulumi", [...args, "--stack", stack, "--non-interactive"], { cwd, env, maxBuffer: 1024 ** 3 });
  const { stdout } = await run(["stack", "export"]);
  const exported = JSON.parse(stdout) as ExportedStack;
  const { stack: settled, adopted, dropped } = settlePendingCreates(exported);
  if (adopted.length + dropped.length === 0) return;

  log(`the last run was killed: settling ${adopted.length + dropped.length} creations that it had begun`);
  const folder = await mkdtemp(join(tmpdir(), "warehouse-recover-"));
  try {
    const file = join(folder, "stack.json");
    await writeFile(file, JSON.stringify(settled), { mode: 0o600 });
    await run(["stack", "import", "--file", file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (adopted.length > 0) {
    await run(["refresh", "--yes", "--skip-preview", ...adopted.flatMap((urn) => ["--target", urn])]);
  }
}

/** Moves pending creations into the resources, or out of the state where creating again is harmless. */
export function settlePendingCreates(exported: ExportedStack): {
  readonly stack: ExportedStack;
  readonly adopted: readonly string[];
  readonly dropped: readonly string[];
} {
  const { resources = [], pending_operations: pending = [] } = exported.deployment;
  const known = new Set(resources.map(({ urn }) => urn));
  const adopted: ResourceState[] = [];
  const dropped: string[] = [];
  for (const { type, resource } of pending) {
    if (type !== "creating") continue;
    const id = physicalId(resource);
    // A resource that is in the state too was being replaced: the next `up` sees the old one.
    if (id === undefined || known.has(resource.urn)) dropped.push(resource.urn);
    else adopted.push({ ...resource, id, outputs: resource.inputs ?? {} });
  }
  const deployment = {
    ...exported.deployment,
    resources: [...resources, ...adopted],
    pending_operations: pending.filter(({ type }) => type !== "creating"),
  };
  return { stack: { ...exported, deployment }, adopted: adopted.map(({ urn }) => urn), dropped };
}

/**
 * The id an object would have if its creation went through; undefined for types whose creation is pure or
 * idempotent (passwords, grants, schemas, bucket objects), which are simply created again.
 */
function physicalId({ type, inputs }: ResourceState): string | undefined {
  if (type === "postgresql:index/role:Role" || type === "postgresql:index/database:Database")
    return text(inputs?.["name"]);
  if (!type.startsWith("kubernetes:")) return undefined;
  const metadata = inputs?.["metadata"] as { name?: unknown; namespace?: unknown } | undefined;
  const name = text(metadata?.name);
  const namespace = text(metadata?.namespace);
  return name !== undefined && namespace !== undefined ? `${namespace}/${name}` : name;
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
