import { environmentValues, sandboxEnvironment } from "../environment.ts";
import type { Layout } from "../layout.ts";
import { messageOf } from "../lib/errors.ts";
import { rememberedPorts } from "../lib/ports.ts";
import { table } from "../lib/table.ts";
import { platformStatus } from "../platform.ts";
import type { ServerState } from "../services/spec.ts";
import { podsText, type TenantRow, tenantRows } from "./tenants.ts";

/** Servers of a complete platform, in the order people think of them. */
export const expectedServers = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "node",
  "postgres",
  "aws",
] as const;

export type Health = "running" | "incomplete" | "stopped";

/** The state of the whole from the states of its servers. */
export function health(servers: readonly ServerState[]): Health {
  const alive = expectedServers.filter((name) =>
    servers.some((server) => server.name === name && server.running),
  );
  if (alive.length === expectedServers.length) return "running";
  return alive.length === 0 ? "stopped" : "incomplete";
}

/** One line a server: its process, or how it ended. */
export function serverRows(servers: readonly ServerState[]): string[][] {
  return expectedServers.map((name) => {
    const server = servers.find((candidate) => candidate.name === name);
    if (server === undefined) return [name, "not started", ""];
    const since = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
    return server.running
      ? [name, "running", `process ${server.pid ?? "?"} since ${since(server.startedAt)}`]
      : [name, "ended", `${server.ending ?? ""} at ${since(server.exitedAt ?? server.startedAt)}`];
  });
}

/** `status`: exit code 0 when all runs, 3 when not, as init scripts do. */
export async function status(paths: Layout, json: boolean): Promise<number> {
  const servers = await platformStatus(paths);
  const state = health(servers);
  let tenants: TenantRow[] = [];
  let problem: string | undefined;
  if (servers.some(({ name, running }) => name === "kube-apiserver" && running)) {
    try {
      tenants = await tenantRows(paths, {
        ...process.env,
        ...environmentValues(sandboxEnvironment(paths, process.env)),
      });
    } catch (error) {
      problem = messageOf(error);
    }
  }
  if (json) {
    const ports = rememberedPorts(paths.ports);
    console.log(
      JSON.stringify(
        { state, folder: paths.root, servers, ports, tenants, ...(problem === undefined ? {} : { problem }) },
        null,
        2,
      ),
    );
  } else {
    console.log(`The sandbox in ${paths.root} is ${state}.`);
    if (state !== "stopped") console.log(`\n${table(["server", "state", ""], serverRows(servers))}`);
    if (tenants.length > 0) {
      const rows = tenants.map((row) => [
        row.tenant,
        row.plan,
        row.state,
        row.host,
        podsText(row.pods),
        row.database,
      ]);
      console.log(`\n${table(["tenant", "plan", "state", "host", "pods", "database"], rows)}`);
    }
    if (problem !== undefined) console.log(`\n${problem}`);
    if (state !== "running") console.log("\nStart it, or what is missing, with: npm run sandbox");
  }
  return state === "running" ? 0 : 3;
}
