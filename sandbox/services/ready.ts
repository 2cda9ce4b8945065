import { readFileSync } from "node:fs";
import { request } from "node:https";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxError } from "../lib/errors.ts";
import { tail } from "../lib/files.ts";
import type { Supervisor } from "./control.ts";
import type { ServerSpec } from "./spec.ts";

/** True when something accepts connections on the loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const end = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => {
      end(true);
    });
    socket.once("error", () => {
      end(false);
    });
  });
}

export interface HttpsProbe {
  readonly port: number;
  readonly path: string;
  readonly ca?: string;
  readonly token?: string;
  readonly pair?: { readonly certificate: string; readonly key: string };
}

/** True when the HTTPS endpoint answers 200. Without a CA the certificate is not checked. */
export function answers(probe: HttpsProbe): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(
      {
        host: "127.0.0.1",
        port: probe.port,
        path: probe.path,
        rejectUnauthorized: probe.ca !== undefined,
        timeout: 2_000,
        agent: false,
        ...(probe.ca === undefined ? {} : { ca: readFileSync(probe.ca) }),
        ...(probe.pair === undefined
          ? {}
          : { cert: readFileSync(probe.pair.certificate), key: readFileSync(probe.pair.key) }),
        ...(probe.token === undefined ? {} : { headers: { authorization: `Bearer ${probe.token}` } }),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    call.once("timeout", () => call.destroy());
    call.once("error", () => {
      resolve(false);
    });
    call.end();
  });
}

/**
 * Starts a server unless it runs, and waits until it is ready. A server that ends instead is started again a
 * few times: one that was killed may leave locks that take a moment to go.
 */
export async function startServer(
  supervisor: Supervisor,
  spec: ServerSpec,
  ready: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (let attempt = 1; ; attempt++) {
    await supervisor.start(spec);
    let running = true;
    while (running && Date.now() < deadline) {
      if (await ready()) {
        // The port may be answered by another program while ours has just failed to bind it.
        running = (await supervisor.status()).some(({ name, running: alive }) => name === spec.name && alive);
        if (running) return;
        break;
      }
      await sleep(50);
      running = (await supervisor.status()).some(({ name, running: alive }) => name === spec.name && alive);
    }
    if (running || attempt === 4) {
      const what = running
        ? `is not ready after ${Math.round(timeoutMs / 1000)} s`
        : "ended right after its start";
      throw new SandboxError(`${spec.name} ${what}. The end of ${spec.log}:\n${indent(tail(spec.log))}`);
    }
    await sleep(attempt * 500);
  }
}

const indent = (text: string): string => text.replaceAll(/^/gm, "  ");
