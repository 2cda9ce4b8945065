import { Option, type Command } from "commander";
import { PLAN_NAMES } from "../../registry/catalogue.ts";
import { REGISTRY_FILE, REGISTRY_FOLDER } from "../../registry/files.ts";
import { platformHost } from "../../registry/naming.ts";
import { regionOf } from "../../registry/resolve.ts";
import { RINGS } from "../../registry/tenantSchema.ts";
import { cellPlaces, roomFor } from "../cells/places.ts";
import { readStacks } from "../cells/stacks.ts";
import { editFile, makeChange, type WriteOptions } from "../change.ts";
import { Refusal } from "../failures.ts";
import type { Io } from "../io.ts";
import { present, since, utcTime, writesRegistry } from "../options.ts";
import { allTenants, openWorkspace, type Workspace } from "../workspace.ts";
import { renderFields, type Plain } from "../yaml/render.ts";

interface AddOptions extends WriteOptions {
  readonly plan: string;
  readonly displayName?: string;
  readonly since?: string;
  readonly trialEnds?: string;
  readonly region?: string;
  readonly cell?: string;
  readonly ring?: string;
  readonly customerRef?: string;
  readonly subscriptionRef?: string;
  readonly ownFile?: boolean;
}

export function registerAdd(program: Command, io: Io): void {
  const command = program
    .command("add <id>")
    .summary("add a tenant")
    .description("Adds a tenant: a customer, or a trial with --trial-ends. The id is for ever.")
    .addOption(
      new Option("--plan <plan>", "what the customer bought").choices(PLAN_NAMES).makeOptionMandatory(),
    )
    .option("--display-name <name>", "name in reports and on a dashboard of its own (default: the id)")
    .addOption(since("the plan takes effect"))
    .addOption(
      new Option("--trial-ends <time>", "start as a trial that ends then, a day or a UTC time").argParser(
        utcTime,
      ),
    )
    .option("--region <region>", "region the tenant lives in (default: the registry's, else the cell's)")
    .option(
      "--cell <cell>",
      "cell that deploys the tenant (default: the registry's, else the first with room)",
    )
    .addOption(
      new Option("--ring <ring>", "rollout ring (default: the registry's, else 2)").choices(
        RINGS.map(String),
      ),
    )
    .option("--customer-ref <ref>", "the customer in the billing system")
    .option("--subscription-ref <ref>", "the subscription in the billing system")
    .option("--own-file", `write ${REGISTRY_FOLDER}/<id>.yaml instead of an entry in ${REGISTRY_FILE}`);
  writesRegistry(command).action(async (id: string, options: AddOptions) => {
    const workspace = openWorkspace(io, options);
    const known = allTenants(workspace.registry).find(({ entry }) => entry.id === id);
    if (known !== undefined)
      throw new Refusal(
        `"${id}" is already the id of the entry at ${known.place}; ids are unique and never reused`,
      );
    const cell = options.cell ?? chosenCell(io, workspace, options.region);
    const entry = entryOf(id, {
      ...options,
      ...(cell === undefined ? {} : { cell }),
      since: options.since ?? present(io),
    });
    const bought =
      options.trialEnds === undefined ? options.plan : `${options.plan}, trial until ${options.trialEnds}`;
    const what = cell === undefined ? bought : `${bought}, in cell ${cell}`;
    const change = {
      ...(options.ownFile === true ? ownFile(id, entry) : listed(workspace, entry)),
      summary: `${id} is added: ${what}, on ${platformHost(id, workspace.context.baseDomain)}`,
    };
    await makeChange(io, workspace, change, options);
  });
}

/**
 * The cell of a new tenant: the registry's default as long as it has room, else the first of its region that has.
 * undefined where there are not several to choose from, or the default will do.
 */
function chosenCell(io: Io, { registry }: Workspace, given: string | undefined): string | undefined {
  const places = cellPlaces(readStacks(io).stacks, registry);
  const { cell: usual } = registry.defaults;
  const isFull = (places.find(({ cell }) => cell === usual)?.free ?? 1) === 0;
  if (places.length < 2 || (usual !== undefined && !isFull)) return undefined;
  const region = regionOf(given === undefined ? {} : { region: given }, registry.defaults);
  const chosen = roomFor(places, region);
  if (chosen !== undefined) return chosen.cell;
  throw new Refusal(
    `no cell${region === undefined ? "" : ` of ${region}`} has room for another tenant: \`npx tenant cells\` shows them, \`npx tenant cells add\` makes one, and --cell chooses one all the same`,
  );
}

/** The fields of a new entry, in the order of the schema. */
function entryOf(id: string, options: AddOptions): Readonly<Record<string, Plain>> {
  const {
    displayName,
    plan,
    since: from = "",
    trialEnds,
    region,
    cell,
    ring,
    customerRef,
    subscriptionRef,
  } = options;
  const billing = { ...(customerRef && { customerRef }), ...(subscriptionRef && { subscriptionRef }) };
  return {
    id,
    ...(displayName !== undefined && { displayName }),
    plan,
    ...(trialEnds !== undefined && { state: "trial" }),
    since: from,
    ...(trialEnds !== undefined && { trial: { endsAt: trialEnds } }),
    ...(region !== undefined && { region }),
    ...(cell !== undefined && { cell }),
    ...(ring !== undefined && { ring: Number(ring) }),
    ...(Object.keys(billing).length > 0 && { billing }),
  };
}

const listed = (workspace: Workspace, entry: Readonly<Record<string, Plain>>) =>
  editFile(workspace, REGISTRY_FILE, (editor) => {
    editor.append(["tenants"], entry, [], true);
  });

const ownFile = (id: string, entry: Readonly<Record<string, Plain>>) => ({
  file: `${REGISTRY_FOLDER}/${id}.yaml`,
  text: ["# yaml-language-server: $schema=./tenant.schema.json", ...renderFields(entry), ""].join("\n"),
});
