/**
 * The sandbox's node: scheduler, kubelet and volume provisioner for one machine without containers.
 * `node sandbox/node.ts <sandbox folder>`, run by the supervisor. Containers of the operations image run as
 * local processes (security contexts and resource limits are not enforced on them); all other images are
 * reported: services as ready, tasks as succeeded.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeClient } from "./kube/client.ts";
import { layout, projectRoot } from "./layout.ts";
import { messageOf } from "./lib/errors.ts";
import { rememberedPorts } from "./lib/ports.ts";
import { provideVolumes } from "./node/claims.ts";
import { serveLogs } from "./node/kubelet.ts";
import { Pods } from "./node/pods.ts";
import { keepRegistered } from "./node/register.ts";
import { ensurePki } from "./pki/pki.ts";

const [folder, project = projectRoot] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: node.ts <sandbox folder> [project folder]");
const paths = layout(folder, project);
const log = (line: string): void => {
  console.log(`${new Date().toISOString()} ${line}`);
};
const client = KubeClient.from({ kubeconfig: paths.kubeconfig, context: "sandbox" });
const ownProgram = join(project, "ops", "main.ts");
// The pods bring the keys of the bucket with them; no metadata service answers here.
const inherited = ["PATH", "AWS_EC2_METADATA_DISABLED", "NODE_COMPILE_CACHE"];
const logs = join(paths.logs, "pods");
const pods = new Pods({
  client,
  runtime: {
    program: existsSync(ownProgram) ? ownProgram : join(projectRoot, "ops", "main.ts"),
    env: Object.fromEntries(inherited.map((name) => [name, process.env[name] ?? ""])),
  },
  pods: paths.pods,
  claims: paths.volumes,
  logs,
  log,
});

const stop = new AbortController();

/** Starts a loop again when it fails: the API server may be down for a while. */
async function forever(name: string, loop: (signal: AbortSignal) => Promise<void>): Promise<void> {
  while (!stop.signal.aborted) {
    try {
      await loop(stop.signal);
    } catch (error) {
      // `stop` may have come while the loop ran.
      log(`${name}: ${messageOf(error)}`);
    }
    await sleep(1_000, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

const { kubelet } = rememberedPorts(paths.ports);
if (kubelet === undefined) throw new Error(`${paths.ports} names no port for the node`);
const pki = ensurePki(paths);
const server = await serveLogs({
  port: kubelet,
  ...pki.pair("kubelet"),
  ca: pki.ca,
  logs,
  stateOf: (...container) => pods.stateOf(...container),
});

process.on("SIGTERM", () => {
  stop.abort();
  server.close();
  void Promise.race([pods.stop(), sleep(5_000)]).then(() => process.exit(0));
});

log(`node ready, kubelet on port ${kubelet}`);
await Promise.all([
  keepRegistered(client, kubelet, stop.signal, log),
  forever("pods", (signal) => pods.follow(signal)),
  forever("claims", (signal) => provideVolumes(client, paths.volumes, signal, log)),
]);
