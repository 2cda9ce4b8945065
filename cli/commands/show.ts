import type { Command } from "commander";
import type { LoadedRegistry, RegisteredTenant } from "../../registry/load.ts";
import type { TenantSpec } from "../../registry/spec.ts";
import { flatten } from "../flatten.ts";
import { paint, table, type Io } from "../io.ts";
import { describeOrigin, originOf, type Origin } from "../origins.ts";
import { readsRegistry } from "../options.ts";
import { showValue } from "../showValue.ts";
import { openWorkspace, tenantOf, type RegistryOptions } from "../workspace.ts";

interface ShowOptions extends RegistryOptions {
  readonly json?: boolean;
}

export function registerShow(program: Command, io: Io): void {
  const command = program
    .command("show <id>")
    .summary("show a tenant with every default applied")
    .description("Shows what the program makes of a tenant's entry, and where each value comes from.")
    .option("--json", "as JSON: spec and origins by path");
  readsRegistry(command).action((id: string, options: ShowOptions) => {
    const { registry } = openWorkspace(io, options);
    const tenant = tenantOf(registry, id);
    const spec = registry.tenants.find((resolved) => resolved.id === id);
    if (options.json === true) io.out(JSON.stringify(asJson(tenant, spec, registry), undefined, 2));
    else if (spec === undefined) printEntry(io, tenant);
    else printSpec(io, tenant, spec, registry);
  });
}

function asJson(tenant: RegisteredTenant, spec: TenantSpec | undefined, registry: LoadedRegistry) {
  const paths = spec === undefined ? [] : flatten(spec).map(([path]) => path);
  const origins: Record<string, Origin | undefined> = Object.fromEntries(
    paths.map((path) => [path, originOf(path, tenant, registry)]),
  );
  return { id: tenant.entry.id, place: tenant.place, entry: tenant.entry, spec: spec ?? null, origins };
}

/** A tenant whose environment does not exist has an entry, but nothing is made of it. */
function printEntry(io: Io, { entry, place }: RegisteredTenant): void {
  io.out(paint(io, "bold", `${entry.id} (${place}): ${entry.state}, nothing runs`));
  for (const line of table(flatten(entry).map(([path, value]) => [path, showValue(path, value)])))
    io.out(line);
}

function printSpec(io: Io, tenant: RegisteredTenant, spec: TenantSpec, registry: LoadedRegistry): void {
  const rows = flatten(spec).map(([path, value]) => {
    const origin = originOf(path, tenant, registry);
    return [
      path,
      origin === undefined ? "" : describeOrigin(origin, tenant, registry),
      showValue(path, value),
    ];
  });
  const [head = "", ...lines] = table([["FIELD", "FROM", `VALUE FOR ${tenant.entry.id}`], ...rows]);
  io.out(paint(io, "bold", head));
  lines.forEach((line) => {
    io.out(line);
  });
  io.out(paint(io, "dim", `entry: ${tenant.place}`));
}
