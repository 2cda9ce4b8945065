import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { Readable } from "node:stream";
import { containerLog, logRequest } from "./containerLog.ts";
import type { ContainerState } from "./types.ts";
import { logFile } from "./worker.ts";

/** What the node knows of a container now; undefined where it does not run the pod any more. */
export type StateOf = (namespace: string, pod: string, container: string) => ContainerState | undefined;

export interface KubeletOptions {
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  /** Only clients with a certificate of this authority are served: the API server. */
  readonly ca: string;
  readonly logs: string;
  readonly stateOf: StateOf;
}

/** The one endpoint of a kubelet that people use through kubectl: `kubectl logs`, with its options but --previous. */
export function serveLogs(options: KubeletOptions): Promise<Server> {
  const { logs, stateOf } = options;
  const server = createServer(
    {
      cert: readFileSync(options.certificate),
      key: readFileSync(options.key),
      ca: readFileSync(options.ca),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const url = new URL(request.url ?? "/", "https://sandbox");
      const match = /^\/containerLogs\/([\w.-]+)\/([\w.-]+)\/([\w.-]+)$/.exec(url.pathname);
      if (match === null) {
        response.writeHead(404).end("the sandbox's node serves container logs only\n");
        return;
      }
      const [, namespace = "", pod = "", container = ""] = match;
      const state = (): ContainerState | undefined => stateOf(namespace, pod, container);
      const file = logFile(logs, namespace, pod, container);
      const waiting = state()?.waiting;
      if (waiting !== undefined && !existsSync(file)) {
        response
          .writeHead(400)
          .end(`container "${container}" in pod "${pod}" is waiting to start: ${waiting.reason}\n`);
        return;
      }
      if (!existsSync(file)) {
        response.end(
          `the sandbox does not run this image: container ${container} of ${namespace}/${pod} has no output\n`,
        );
        return;
      }
      const closed = new AbortController();
      response.once("close", () => {
        closed.abort();
      });
      // A follower learns at once that it is served, also where nothing was written yet.
      response.flushHeaders();
      const wanted = logRequest(url.searchParams, Date.now());
      const isRunning = (): boolean => state()?.running !== undefined;
      Readable.from(containerLog(file, wanted, isRunning, closed.signal)).pipe(response);
    },
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", () => {
      resolve(server);
    });
  });
}
