import { createReadStream, existsSync, readFileSync, statSync, watchFile, unwatchFile } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { logFile } from "./worker.ts";

export interface KubeletOptions {
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  /** Only clients with a certificate of this authority are served: the API server. */
  readonly ca: string;
  readonly logs: string;
}

/** The one endpoint of a kubelet that people use through kubectl: `kubectl logs`, with -f and --tail. */
export function serveLogs(options: KubeletOptions): Promise<Server> {
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
      const file = logFile(options.logs, namespace, pod, container);
      if (!existsSync(file)) {
        response.end(
          `the sandbox does not run this image: container ${container} of ${namespace}/${pod} has no output\n`,
        );
        return;
      }
      const tail = url.searchParams.get("tailLines");
      send(
        response,
        file,
        tail === null ? undefined : Number(tail),
        url.searchParams.get("follow") === "true",
      );
    },
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

function send(response: ServerResponse, file: string, lines: number | undefined, follow: boolean): void {
  const size = statSync(file).size;
  if (lines === undefined)
    createReadStream(file, { end: Math.max(0, size - 1) }).pipe(response, { end: !follow });
  else {
    const text = readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
    response.write(text === "" ? "" : `${text}\n`);
    if (!follow) response.end();
  }
  if (!follow) return;
  let sent = size;
  const listener = (): void => {
    const now = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (now <= sent) return;
    createReadStream(file, { start: sent, end: now - 1 }).pipe(response, { end: false });
    sent = now;
  };
  watchFile(file, { interval: 250 }, listener);
  response.once("close", () => {
    unwatchFile(file, listener);
  });
}
