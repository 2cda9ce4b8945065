import * as http from "node:http";
import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterAccess } from "./kubeconfig.ts";

/** A refusal of the API server, or (status 0) no answer from it. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  /** HTTP status; 0 when the server could not be reached. */
  readonly status: number;
  /** Machine-readable reason of the Status object: `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, … */
  readonly reason: string;
  /** Fields of an `Invalid` answer. */
  readonly causes: readonly {
    readonly field?: string;
    readonly message?: string;
    readonly reason?: string;
  }[];

  constructor(status: number, reason: string, message: string, causes: KubeError["causes"] = []) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.causes = causes;
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.status === 404;

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes?: KubeError["causes"] };
}

/** As client-go: an answer that carries Retry-After is tried again this many times. */
const RETRIES = 10;

/** HTTP to one API server: JSON in and out, connections kept alive, refusals as `KubeError`. */
export class KubeTransport {
  readonly #base: URL;
  readonly #access: ClusterAccess;
  readonly #agent: http.Agent;

  constructor(access: ClusterAccess) {
    this.#access = access;
    this.#base = new URL(access.server);
    // No bound on sockets: watches hold theirs for minutes and would starve short calls of a bounded pool.
    this.#agent =
      this.#base.protocol === "http:"
        ? new http.Agent({ keepAlive: true })
        : new https.Agent({
            keepAlive: true,
            ca: access.ca,
            cert: access.clientCertificate,
            key: access.clientKey,
            rejectUnauthorized: access.insecure !== true,
          });
  }

  /** Closes idle connections, so that a process that is done can end. */
  close(): void {
    this.#agent.destroy();
  }

  async json(method: string, path: string, options: RequestOptions = {}): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      const response = await this.open(method, path, options);
      const body = await readAll(response);
      const status = response.statusCode ?? 0;
      if (status < 400) return body === "" ? undefined : parseJson(body);
      const wait = Number(response.headers["retry-after"]);
      if (attempt < RETRIES && wait > 0 && (status === 429 || status >= 500)) {
        await sleep(wait * 1000, undefined, { signal: options.signal });
        continue;
      }
      throw refusal(status, body);
    }
  }

  /** The response with its body unread; statuses of 400 and above are returned as they are. */
  async open(method: string, path: string, options: RequestOptions = {}): Promise<http.IncomingMessage> {
    const url = new URL(this.#base);
    url.pathname = `${this.#base.pathname.replace(/\/$/, "")}${path}`;
    for (const [key, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const headers: http.OutgoingHttpHeaders = { accept: "application/json" };
    if (this.#access.token !== undefined) headers.authorization = `Bearer ${this.#access.token}`;
    if (payload !== undefined) {
      headers["content-type"] = options.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(payload);
    }
    const once = (): Promise<http.IncomingMessage> =>
      new Promise((resolve, reject) => {
        const request = (url.protocol === "http:" ? http : https).request(
          url,
          { method, headers, agent: this.#agent, signal: options.signal },
          resolve,
        );
        request.on("error", (error: NodeJS.ErrnoException) => {
          reject(Object.assign(error, { reused: request.reusedSocket }));
        });
        request.end(payload);
      });
    try {
      return await once();
    } catch (error) {
      options.signal?.throwIfAborted();
      const failure = error as NodeJS.ErrnoException & { readonly reused?: boolean };
      // The server may close an idle kept-alive connection just as it is used again: nothing was sent then.
      if (failure.reused === true && failure.code === "ECONNRESET") return await once();
      throw new KubeError(
        0,
        "Unreachable",
        `the Kubernetes API server at ${this.#access.server} does not answer: ${failure.code ?? failure.message}`,
      );
    }
  }
}

/** The error an answer of 400 and above stands for. */
export function refusal(status: number, body: string): KubeError {
  let parsed: StatusBody = {};
  try {
    parsed = JSON.parse(body) as StatusBody;
  } catch {
    // A proxy or the server itself may answer in plain text; it becomes the message below.
  }
  const reason = parsed.reason ?? http.STATUS_CODES[status]?.replaceAll(" ", "") ?? "Unknown";
  const message =
    parsed.message ?? (body.trim() === "" ? `HTTP ${String(status)}` : body.trim().slice(0, 500));
  return new KubeError(status, reason, message, parsed.details?.causes ?? []);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

export async function readAll(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
