import { readFileSync } from "node:fs";
import { join } from "node:path";
import { awsEnvironment, compileCache, type Programs, searchPath } from "../environment.ts";
import { KubeClient } from "../kube/client.ts";
import { type Layout, projectRoot } from "../layout.ts";
import { secretFile, writeIfChanged } from "../lib/files.ts";
import type { Ports } from "../lib/ports.ts";
import type { Report } from "../lib/report.ts";
import { applyPlatform, installCrds } from "../manifests.ts";
import { ensurePki, kubeconfig, type Pki } from "../pki/pki.ts";
import type { Toolchain } from "../toolchain/toolchain.ts";
import type { Supervisor } from "./control.ts";
import { apiserverSpec, awsSpec, controllerManagerSpec, etcdSpec, nodeSpec } from "./kube.ts";
import { initDatabase, postgresSpec } from "./postgres.ts";
import { postgresHome } from "./postgresHome.ts";
import { databaseReady, ensurePlatformRole, type ServerAccess } from "./postgresRoles.ts";
import { accepts, answers, startServer } from "./ready.ts";

/** Access as the superuser, and as the role the program works as. */
export type DatabaseAccess = ServerAccess & { readonly platform: ServerAccess };

/** What starting the servers needs. */
export interface Start {
  readonly paths: Layout;
  readonly ports: Ports;
  readonly tools: Toolchain;
  readonly programs: Programs;
  readonly supervisor: Supervisor;
  readonly report: Report;
  readonly env: NodeJS.ProcessEnv;
}

/** Starts what does not need each other at the same time. */
export async function startAll(start: Start): Promise<DatabaseAccess> {
  const results = await Promise.allSettled([startKubernetes(start), startPostgres(start), startAws(start)]);
  // All are awaited even if one fails: a half-started server must not be started twice by the next command.
  for (const result of results) if (result.status === "rejected") throw result.reason;
  const [, postgres] = results;
  if (postgres.status === "rejected") throw postgres.reason;
  return postgres.value;
}

async function startKubernetes({
  paths,
  ports,
  tools,
  programs,
  supervisor,
  report,
  env,
}: Start): Promise<void> {
  const pki: Pki = ensurePki(paths);
  const server = `https://127.0.0.1:${ports.apiserver}`;
  const ca = readFileSync(pki.ca, "utf8");
  writeIfChanged(paths.kubeconfig, kubeconfig(server, ca, pki.adminToken), 0o600);
  writeIfChanged(
    join(paths.secrets, "controller-manager.kubeconfig"),
    kubeconfig(server, ca, pki.controllerToken),
    0o600,
  );
  const client = KubeClient.from({ kubeconfig: paths.kubeconfig, context: "sandbox" });
  const bin = tools.kubernetes.bin;
  await report.step("etcd, kube-apiserver", async () => {
    await startServer(supervisor, etcdSpec(tools.etcd.bin, paths, ports, pki), () =>
      answers({ port: ports.etcd, path: "/health", ca: pki.ca, pair: pki.pair("etcd-client") }),
    );
    await startServer(supervisor, apiserverSpec(bin, paths, ports, pki), () =>
      answers({ port: ports.apiserver, path: "/readyz", ca: pki.ca, token: pki.adminToken }),
    );
  });
  await Promise.all([
    report.step("kube-controller-manager", () =>
      startServer(supervisor, controllerManagerSpec(bin, paths, ports, pki), () =>
        answers({ port: ports.controllerManager, path: "/healthz" }),
      ),
    ),
    report.step("node", () => {
      const nodeEnv = {
        ...awsEnvironment(ports),
        ...compileCache(env),
        PATH: searchPath(paths, programs, env.PATH ?? ""),
      };
      return startServer(supervisor, nodeSpec(paths, join(projectRoot, "sandbox", "node.ts"), nodeEnv), () =>
        accepts(ports.kubelet),
      );
    }),
    report.step("custom resources, gateway, issuer, storage class", async () => {
      await installCrds(client, tools.crds);
      await applyPlatform(client);
    }),
  ]);
  client.close();
}

async function startPostgres({ paths, ports, tools, supervisor, report }: Start): Promise<DatabaseAccess> {
  return report.step(`PostgreSQL ${tools.postgres.version}`, async () => {
    const home = await postgresHome(tools.postgres.bin, paths);
    await initDatabase(home, paths);
    const access = {
      host: "127.0.0.1",
      port: ports.postgres,
      user: "postgres",
      password: secretFile(paths.postgresPassword),
    };
    await startServer(supervisor, postgresSpec(home, paths, ports), () => databaseReady(access));
    const password = secretFile(paths.platformPassword);
    await ensurePlatformRole(access, password);
    return { ...access, platform: { ...access, user: "platform", password } };
  });
}

async function startAws({ paths, ports, tools, supervisor, report }: Start): Promise<void> {
  await report.step("AWS endpoint (moto)", async () => {
    const script = join(projectRoot, "sandbox", "services", "aws_server.py");
    await startServer(supervisor, awsSpec(paths, ports, tools.moto, script), () => accepts(ports.aws));
  });
}
