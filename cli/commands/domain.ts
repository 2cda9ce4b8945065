import { Argument, type Command } from "commander";
import type { RegisteredTenant } from "../../registry/load.ts";
import { editTenant, makeChange, type WriteOptions } from "../change.ts";
import { Refusal } from "../failures.ts";
import { closest } from "../../registry/issues.ts";
import type { Io } from "../io.ts";
import { writesRegistry } from "../options.ts";
import { openWorkspace, tenantOf, type Workspace } from "../workspace.ts";

const ACTIONS = ["add", "verify", "remove"] as const;
type Action = (typeof ACTIONS)[number];

export function registerDomain(program: Command, io: Io): void {
  const command = program
    .command("domain")
    .summary("add, verify or remove a customer's own host")
    .description(
      "add enters a customer's own host as pending; verify says that its owner has shown to be the customer, which gives it a certificate and a route; remove takes it away.",
    )
    .argument("<id>")
    .addArgument(new Argument("<action>").choices(ACTIONS))
    .argument("<host>");
  writesRegistry(command).action(async (id: string, action: Action, host: string, options: WriteOptions) => {
    const workspace = openWorkspace(io, options);
    const tenant = tenantOf(workspace.registry, id);
    await makeChange(io, workspace, changeOf(workspace, tenant, action, host), options);
  });
}

function changeOf(workspace: Workspace, tenant: RegisteredTenant, action: Action, host: string) {
  const { id, domains } = tenant.entry;
  switch (action) {
    case "add": {
      const known = domains.find((domain) => domain.host === host);
      if (known !== undefined) throw new Refusal(`${id} has ${host} already, ${known.verification}`);
      return {
        ...editTenant(workspace, tenant, (entry) => {
          entry.append(["domains"], { host, verification: "pending" });
        }),
        summary: `${host} is added to ${id}, pending: it serves nothing until it is verified`,
      };
    }
    case "verify": {
      const index = indexOf(tenant, host);
      if (domains[index]?.verification === "verified")
        throw new Refusal(`${host} of ${id} is verified already`);
      return {
        ...editTenant(workspace, tenant, (entry) => {
          entry.set(["domains", index, "verification"], "verified");
        }),
        summary: `${host} of ${id} is verified: it gets a certificate and a route`,
      };
    }
    case "remove": {
      const index = indexOf(tenant, host);
      return {
        ...editTenant(workspace, tenant, (entry) => {
          entry.remove(["domains", index]);
        }),
        summary: `${host} is removed from ${id}: it no longer leads there`,
        danger:
          domains[index]?.verification === "verified"
            ? `Remove ${host}, which ${id} may be using?`
            : undefined,
      };
    }
    default:
      return action satisfies never;
  }
}

function indexOf({ entry: { id, domains } }: RegisteredTenant, host: string): number {
  const hosts = domains.map((domain) => domain.host);
  const index = hosts.indexOf(host);
  if (index !== -1) return index;
  const best = closest(host, hosts);
  const hint =
    best === undefined
      ? `it has ${hosts.length === 0 ? "none" : hosts.join(", ")}`
      : `did you mean "${best}"?`;
  throw new Refusal(`${id} has no domain ${host}; ${hint}`);
}
