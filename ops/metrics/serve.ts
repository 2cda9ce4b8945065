import type { Server } from "node:http";
import { serve } from "../serve.ts";
import type { BackupMetrics } from "./collect.ts";

/**
 * Serves metrics and keeps them fresh. A refresh that fails is logged, and shows in the age of the last that did not.
 * Resolves when it listens; the first refresh goes on meanwhile.
 */
export async function serveMetrics(
  metrics: BackupMetrics,
  { listen, refreshSeconds }: { readonly listen: string; readonly refreshSeconds: number },
  log: (line: string) => void,
): Promise<{ readonly server: Server; readonly address: string }> {
  let refreshed = false;
  const served = await serve((request, response) => {
    if (request.url === "/metrics") {
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
      response.end(metrics.text());
    } else if (request.url === "/health") {
      response.writeHead(200, { "content-type": "text/plain" }).end("ok\n");
    } else if (request.url === "/ready") {
      // Before the first refresh every backup would look as if it were missing.
      response.writeHead(refreshed ? 200 : 503).end();
    } else response.writeHead(404).end();
  }, listen);
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const refresh = async (): Promise<void> => {
    try {
      await metrics.refresh(new Date(), log);
    } catch (error) {
      log(`the bucket was not read: ${(error as Error).message}`);
    }
    refreshed = true;
    if (!closed) timer = setTimeout(() => void refresh(), refreshSeconds * 1000);
  };
  served.server.once("close", () => {
    closed = true;
    clearTimeout(timer);
  });
  void refresh();
  return served;
}
