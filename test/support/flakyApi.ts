import { createServer, request as httpRequest } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { loadKubeconfig } from "../../sandbox/kube/kubeconfig.ts";

/** A way to an API server on which some calls fail as they do when it is overloaded or about to end. */
export interface FlakyApi {
  /** Content of a kubeconfig that leads through it. */
  readonly kubeconfig: string;
  /** Calls that came, and those that were answered 503. */
  readonly counts: { calls: number; failed: number };
  stop(): void;
}

/** @param every of so many calls one fails: 20 are 5 % */
export async function startFlakyApi(kubeconfig: string, every: number): Promise<FlakyApi> {
  const access = loadKubeconfig({ kubeconfig });
  const counts = { calls: 0, failed: 0 };
  const server = createServer((incoming, outgoing) => {
    counts.calls += 1;
    if (counts.calls % every === 0) {
      counts.failed += 1;
      incoming.resume();
      outgoing
        .writeHead(503, { "content-type": "text/plain", "retry-after": "1" })
        .end("the API server is overloaded");
      return;
    }
    const onward = (access.server.startsWith("https:") ? request : httpRequest)(
      `${access.server}${incoming.url ?? ""}`,
      { method: incoming.method, headers: incoming.headers, ca: access.ca },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const document = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "sandbox",
    clusters: [{ name: access.cluster, cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: "sandbox", context: { cluster: access.cluster, user: "sandbox" } }],
    users: [{ name: "sandbox", user: { token: access.token } }],
  };
  return {
    kubeconfig: JSON.stringify(document, undefined, 2),
    counts,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
