import type { Server } from "node:http";
import { serve } from "./serve.ts";

/** Why a tenant is not served, and what its hosts answer meanwhile. */
export const MAINTENANCE_STATUS = { maintenance: 503, payment_required: 402 } as const;
export type MaintenanceMode = keyof typeof MAINTENANCE_STATUS;

/** When clients should try again, seconds. */
const RETRY_AFTER_SECONDS = 3600;

const TEXTS: Readonly<Record<MaintenanceMode, string>> = {
  maintenance: "This site is under maintenance. Please try again later.",
  payment_required: "This site is suspended. Please contact your administrator.",
};

const page = (text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not available</title><body><h1>Not available</h1><p>${text}</p></body></html>\n`;

/**
 * Answers every request of a suspended tenant with its status and a page; the kubelet's probes with 200.
 * Resolves when it listens.
 * @param address where to listen, `host:port`; port 0 is a free one
 */
export function serveMaintenance(
  mode: MaintenanceMode,
  address: string,
): Promise<{ server: Server; address: string }> {
  return serve((request, response) => {
    if (request.url === "/health" || request.url === "/ready") {
      response.writeHead(200, { "content-type": "text/plain" }).end("ok\n");
      return;
    }
    response
      .writeHead(MAINTENANCE_STATUS[mode], {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "retry-after": String(RETRY_AFTER_SECONDS),
      })
      .end(request.method === "HEAD" ? undefined : page(TEXTS[mode]));
  }, address);
}
