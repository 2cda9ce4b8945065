import { Argument, Option, type Command } from "commander";
import { REGISTRY_FILE } from "../../registry/files.ts";
import type { LoadedRegistry } from "../../registry/load.ts";
import { compareVersions } from "../../registry/rollout.ts";
import { RINGS } from "../../registry/tenantSchema.ts";
import { editFile, editTenant, makeChange, type WriteOptions } from "../change.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { writesRegistry } from "../options.ts";
import { openWorkspace, tenantOf } from "../workspace.ts";

/** So many ids are named; of more their number is enough. */
const MAX_NAMED = 5;

interface PromoteOptions extends WriteOptions {
  readonly ring: "0" | "1" | "2";
}

interface PinOptions extends WriteOptions {
  readonly until: string;
  readonly reason: string;
}

export function registerPromote(program: Command, io: Io): void {
  const command = program
    .command("promote <version>")
    .summary("give a ring another version")
    .description("Gives a rollout ring a released version. No ring may be ahead of the ring before it.")
    .addOption(
      new Option("--ring <ring>", "0 internal, 1 early, 2 general")
        .choices(RINGS.map(String))
        .makeOptionMandatory(),
    );
  writesRegistry(command).action(async (version: string, options: PromoteOptions) => {
    const workspace = openWorkspace(io, options);
    const { rings } = workspace.registry.releases;
    const own = rings[options.ring];
    if (own.version === version)
      throw new Refusal(`ring ${options.ring} (${own.name}) runs ${version} already`);
    if (options.ring === "2" && rings["2"].percent !== undefined)
      throw new Refusal(
        `ring 2 is part-way: ${rings["2"].percent} % run ${own.version}; end that rollout first (remove percent and previous in ${REGISTRY_FILE})`,
      );
    const edited = editFile(workspace, REGISTRY_FILE, (editor) => {
      editor.set(["releases", "rings", options.ring, "version"], version);
    });
    const change = {
      ...edited,
      summary: `ring ${options.ring} (${own.name}) goes ${compareVersions(version, own.version) < 0 ? "back " : ""}from ${own.version} to ${version}`,
      details: (after: LoadedRegistry) => [moved(workspace.registry, after)],
      danger: options.ring === "2" ? `Give everybody in ring 2 ${version}?` : undefined,
    };
    await makeChange(io, workspace, change, options);
  });
}

/** The tenants whose version a change changes. */
function moved(before: LoadedRegistry, after: LoadedRegistry): string {
  const versions = new Map(before.tenants.map(({ id, release }) => [id, release.version]));
  const ids = after.tenants
    .filter(({ id, release }) => versions.get(id) !== release.version)
    .map(({ id }) => id);
  if (ids.length === 0) return "no tenant changes its version";
  const named = ids.slice(0, MAX_NAMED).join(", ");
  return `${ids.length === 1 ? "1 tenant" : `${ids.length} tenants`}: ${named}${ids.length > MAX_NAMED ? ", …" : ""}`;
}

export function registerPin(program: Command, io: Io): void {
  const command = program
    .command("pin <id> <version>")
    .summary("keep a tenant on a version for a time")
    .description("Keeps a tenant on a version instead of its ring's, for a time and for a reason.")
    .requiredOption("--until <day>", "last day of the pin, UTC: 2026-01-31")
    .requiredOption("--reason <text>", "why the tenant does not follow its ring");
  writesRegistry(command).action(async (id: string, version: string, options: PinOptions) => {
    const { until, reason } = options;
    const workspace = openWorkspace(io, options);
    const tenant = tenantOf(workspace.registry, id);
    const edited = editTenant(workspace, tenant, (entry) => {
      entry.set(["pin"], { version, until, reason });
    });
    await makeChange(
      io,
      workspace,
      { ...edited, summary: `${id} is pinned to ${version} until ${until}` },
      options,
    );
  });
}

export function registerUnpin(program: Command, io: Io): void {
  const command = program
    .command("unpin")
    .summary("let a tenant follow its ring again")
    .description("Removes a tenant's pin: it follows its ring again.")
    .addArgument(new Argument("<id>"));
  writesRegistry(command).action(async (id: string, options: WriteOptions) => {
    const workspace = openWorkspace(io, options);
    const tenant = tenantOf(workspace.registry, id);
    if (tenant.entry.pin === undefined) throw new Refusal(`${id} is not pinned`);
    const edited = editTenant(workspace, tenant, (entry) => {
      entry.remove(["pin"]);
    });
    const { version } = tenant.entry.pin;
    const change = {
      ...edited,
      summary: `${id} follows its ring again`,
      details: (after: LoadedRegistry) => {
        const next = after.tenants.find((spec) => spec.id === id)?.release.version;
        return next === undefined
          ? []
          : [next === version ? `it stays on ${version}` : `${version} → ${next}`];
      },
    };
    await makeChange(io, workspace, change, options);
  });
}
