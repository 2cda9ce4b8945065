import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { stackNames } from "../components/cell/clashes.ts";
import { readRegistryTexts, type RegistryTexts } from "../registry/files.ts";
import type { Checked } from "../registry/issues.ts";
import {
  checkRegistry,
  loadRegistry,
  type LoadContext,
  type LoadedRegistry,
  type RegisteredTenant,
} from "../registry/load.ts";
import { readStacks } from "./cells/stacks.ts";
import { invalidRegistry, unknownTenant, UsageError } from "./failures.ts";
import type { Io } from "./io.ts";

/** Options of every command that reads the registry. */
export interface RegistryOptions {
  readonly baseDomain?: string;
  readonly stack?: string;
}

/** The registry of the checkout, valid, with the texts that it was read from. */
export interface Workspace {
  readonly texts: RegistryTexts;
  readonly registry: LoadedRegistry;
  readonly context: LoadContext;
}

/** Reads the registry; a Refusal with every issue where it is not valid. */
export function openWorkspace(io: Io, options: RegistryOptions): Workspace {
  const context = contextOf(io, options);
  const { texts, issues } = readRegistryTexts(io.projectDir);
  const unread = new Set(issues.map(({ file }) => file));
  const checked = checkRegistry(texts, context, unread);
  if (!checked.ok || issues.length > 0)
    throw invalidRegistry([...issues, ...(checked.ok ? [] : checked.issues)]);
  return { texts, registry: checked.value, context };
}

/** Reads the registry, valid or not. */
export const checkWorkspace = (io: Io, options: RegistryOptions): Checked<LoadedRegistry> =>
  loadRegistry(io.projectDir, contextOf(io, options));

/** All cells are read: operators edit the one registry that they share. */
export function contextOf(io: Io, options: RegistryOptions): LoadContext {
  const baseDomain = options.baseDomain ?? baseDomainOf(io, options.stack);
  const { stacks } = readStacks(io);
  const cells = stacks.filter((stack) => stack.baseDomain === baseDomain);
  return {
    baseDomain,
    ceilings: new Map(cells.map(({ cell, ceiling }) => [cell, ceiling])),
    now: io.now(),
  };
}

/** `warehouse:baseDomain` of the stack; by default of $PULUMI_STACK, of `prod`, or of the first stack file that has one. */
function baseDomainOf({ projectDir, env }: Io, stack: string | undefined): string {
  if (stack !== undefined) {
    const found = configuredDomain(projectDir, `Pulumi.${stack}.yaml`);
    if (found !== undefined) return found;
    throw new UsageError(
      `Pulumi.${stack}.yaml has no warehouse:baseDomain; name another --stack or give --base-domain`,
    );
  }
  const preferred = [env["PULUMI_STACK"], "prod", ...stackNames(projectDir)];
  for (const name of preferred) {
    const found = name === undefined ? undefined : configuredDomain(projectDir, `Pulumi.${name}.yaml`);
    if (found !== undefined) return found;
  }
  throw new UsageError("no Pulumi.<stack>.yaml has a warehouse:baseDomain; give --base-domain");
}

function configuredDomain(projectDir: string, file: string): string | undefined {
  try {
    const settings = parse(readFileSync(join(projectDir, file), "utf8")) as {
      readonly config?: Readonly<Record<string, unknown>>;
    } | null;
    const domain = settings?.config?.["warehouse:baseDomain"];
    return typeof domain === "string" ? domain : undefined;
  } catch {
    return undefined;
  }
}

/** Every entry of every cell, in the order of the files. */
export const allTenants = ({ entries, elsewhere }: LoadedRegistry): readonly RegisteredTenant[] => [
  ...entries,
  ...elsewhere,
];

/** The entry of an id; a Refusal that names the likely one where it is unknown. */
export function tenantOf(registry: LoadedRegistry, id: string): RegisteredTenant {
  const tenants = allTenants(registry);
  const found = tenants.find(({ entry }) => entry.id === id);
  if (found !== undefined) return found;
  throw unknownTenant(
    id,
    tenants.map(({ entry }) => entry.id),
  );
}
