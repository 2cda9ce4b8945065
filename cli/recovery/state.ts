import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pulumi, type StackPlace } from "../pulumi.ts";

/** A resource as the state has it; only what matters here. */
export interface ResourceState {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly parent?: string;
  /** Read only: made by others. */
  readonly external?: boolean;
  /** URN and id of the provider. */
  readonly provider?: string;
  readonly dependencies?: readonly string[];
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** The part of `pulumi stack export` that matters here. */
export interface ExportedStack {
  readonly deployment: {
    /** Its time changes whenever the state is written. */
    readonly manifest?: { readonly time?: string };
    readonly resources?: readonly ResourceState[];
    readonly pending_operations?: readonly { readonly type: string; readonly resource: ResourceState }[];
  };
}

export const exportStack = async (place: StackPlace): Promise<ExportedStack> =>
  JSON.parse(await pulumi(place, ["stack", "export"])) as ExportedStack;

/** Writes a state. */
export async function importStack(place: StackPlace, stack: ExportedStack): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "warehouse-recover-"));
  try {
    const file = join(folder, "stack.json");
    await writeFile(file, JSON.stringify(stack), { mode: 0o600 });
    await pulumi(place, ["stack", "import", "--file", file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Looks for resources of the state: what exists is adopted, what does not is dropped. */
export async function refresh(place: StackPlace, urns: readonly string[]): Promise<void> {
  if (urns.length === 0) return;
  const targets = urns.flatMap((urn) => ["--target", urn]);
  // It changes nothing but the state: killed, it is done again.
  const once = { PULUMI_SKIP_CHECKPOINTS: "true" };
  await pulumi(place, ["refresh", "--yes", "--skip-preview", ...targets], once);
}

/**
 * The id that an object has, by its inputs; undefined for types whose creation is pure or may be repeated (passwords,
 * grants, schemas, objects of the bucket).
 */
export function physicalId({ type, inputs }: ResourceState): string | undefined {
  if (NAMED_IN_POSTGRES.has(type)) return text(inputs?.["name"]);
  if (!type.startsWith("kubernetes:")) return undefined;
  const metadata = inputs?.["metadata"] as { name?: unknown; namespace?: unknown } | undefined;
  const name = text(metadata?.name);
  const namespace = text(metadata?.namespace);
  return name !== undefined && namespace !== undefined ? `${namespace}/${name}` : name;
}

/** What PostgreSQL does not make a second time, and does not drop a second time. */
const NAMED_IN_POSTGRES: ReadonlySet<string> = new Set([
  "postgresql:index/role:Role",
  "postgresql:index/database:Database",
]);

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
