import { createHash } from "node:crypto";
import { createServer, request, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { crc32 } from "node:zlib";
import { closed, listen } from "./proxy.ts";

/** A request to a bucket. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** As S3's reference names it: GetObject, UploadPart, … */
  readonly operation: string;
  /** How many requests of this operation came before it since the fault was set. */
  readonly before: number;
}

/** What becomes of a request; without any it reaches the server and the answer the client. */
export interface S3Fault {
  /** Answered in the server's place, with a body as S3 has it. */
  readonly answer?: { readonly status: number; readonly code: string };
  /** The connection is cut after so many bytes of the request's body. */
  readonly cutUploadAfter?: number;
  /** The connection is cut after so many bytes of the answer's body. */
  readonly cutDownloadAfter?: number;
  /** One bit of the body is another when it arrives. */
  readonly flip?: "upload" | "download";
  /** No answer comes, or none after so many bytes of its body. */
  readonly silentAfter?: number;
  /** The request is carried out, but its answer is lost. */
  readonly lost?: boolean;
  /** Of the request's body. */
  readonly bytesPerSecond?: number;
}

/** A proxy in front of an S3 endpoint. */
export interface S3Proxy {
  readonly port: number;
  /** Decides about each request. */
  fault: (asked: Asked) => S3Fault | undefined;
  /** The operations that were asked for since the fault was set. */
  readonly asked: readonly Asked[];
  stop(): Promise<void>;
}

export async function startS3Proxy(target: number): Promise<S3Proxy> {
  let decide: S3Proxy["fault"] = () => undefined;
  let seen: Asked[] = [];
  const server = createServer((incoming, response) => {
    const { method = "GET", url = "/", headers } = incoming;
    const operation = operationOf(method, url);
    const before = seen.filter((each) => each.operation === operation).length;
    const asked = { method, url, operation, before };
    seen.push(asked);
    const fault = decide(asked) ?? {};
    const chunks: Buffer[] = [];
    let bytes = 0;
    incoming.on("error", () => undefined);
    response.on("error", () => undefined);
    incoming.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (fault.cutUploadAfter !== undefined && bytes > fault.cutUploadAfter) incoming.destroy();
      if (fault.bytesPerSecond !== undefined) {
        incoming.pause();
        setTimeout(() => incoming.resume(), (chunk.length / fault.bytesPerSecond) * 1000);
      }
    });
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      if (fault.flip === "upload") flipBit(body);
      if (fault.silentAfter === 0) return;
      if (fault.answer !== undefined) answer(response, fault.answer);
      // moto keeps checksums without comparing them; S3 compares them.
      else if (!isAsSent(headers, body)) answer(response, { status: 400, code: "BadDigest" });
      else forward({ target, method, url, headers, body }, response, fault);
    });
  });
  const port = await listen(server);
  return {
    port,
    get fault() {
      return decide;
    },
    set fault(next) {
      decide = next;
      seen = [];
    },
    get asked() {
      return seen;
    },
    stop: () => {
      server.closeAllConnections();
      return closed(server);
    },
  };
}

function operationOf(method: string, url: string): string {
  const { pathname, searchParams: query } = new URL(url, "http://proxy");
  const isObject = /^\/[^/]+\/./.test(pathname);
  if (method === "GET") return isObject ? "GetObject" : "ListObjects";
  if (method === "HEAD") return "HeadObject";
  if (method === "POST") return query.has("uploads") ? "CreateMultipartUpload" : "CompleteMultipartUpload";
  if (method === "DELETE") return query.has("uploadId") ? "AbortMultipartUpload" : "DeleteObject";
  if (query.has("tagging")) return "PutObjectTagging";
  return query.has("partNumber") ? "UploadPart" : "PutObject";
}

function answer(response: ServerResponse, { status, code }: NonNullable<S3Fault["answer"]>): void {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as a test wants it</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml" }).end(text);
}

/** Compares the checksums that a request brings as headers. */
function isAsSent(headers: IncomingHttpHeaders, body: Buffer): boolean {
  const sha256 = headers["x-amz-checksum-sha256"];
  const crc = headers["x-amz-checksum-crc32"];
  const found = Buffer.alloc(4);
  found.writeUInt32BE(crc32(body));
  return (
    (sha256 === undefined || sha256 === createHash("sha256").update(body).digest("base64")) &&
    (crc === undefined || crc === found.toString("base64"))
  );
}

function flipBit(body: Buffer): void {
  const at = Math.floor(body.length / 2);
  if (body.length > 0) body.writeUInt8(body.readUInt8(at) ^ 1, at);
}

interface Forwarded {
  readonly target: number;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function forward(
  { target, method, url, headers: received, body }: Forwarded,
  response: ServerResponse,
  { cutDownloadAfter, silentAfter, flip, lost }: S3Fault,
): void {
  // This server has said "continue" already.
  const headers = { ...received };
  delete headers.expect;
  const outgoing = request({ host: "127.0.0.1", port: target, method, path: url, headers }, (answered) => {
    const chunks: Buffer[] = [];
    answered.on("data", (chunk: Buffer) => chunks.push(chunk));
    answered.on("end", () => {
      const whole = Buffer.concat(chunks);
      if (lost === true) {
        response.destroy();
        return;
      }
      if (flip === "download") flipBit(whole);
      response.writeHead(answered.statusCode ?? 500, answered.headers);
      if (cutDownloadAfter !== undefined) {
        response.write(whole.subarray(0, cutDownloadAfter), () => response.destroy());
      } else if (silentAfter !== undefined) response.write(whole.subarray(0, silentAfter));
      else response.end(whole);
    });
  });
  outgoing.on("error", () => response.destroy());
  outgoing.end(body);
}
