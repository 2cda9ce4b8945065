// An S3 endpoint that keeps the sizes of objects and nothing else, so that a benchmark measures who sends and not who
// stores: `node bench/sink.ts`. Prints its port.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const sizes = new Map<string, number>();

const server = createServer((request, response) => {
  const { pathname: key, searchParams: query } = new URL(request.url ?? "/", "http://sink");
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on("end", () => {
    const answer = (name: string, content: string): void => {
      const head = { "content-type": "application/xml" };
      response
        .writeHead(200, head)
        .end(`<?xml version="1.0" encoding="UTF-8"?>\n<${name}>${content}</${name}>`);
    };
    if (request.method === "HEAD") {
      response.writeHead(200, { "content-length": String(sizes.get(key) ?? 0) }).end();
    } else if (request.method === "POST" && query.has("uploads")) {
      sizes.set(key, 0);
      answer("InitiateMultipartUploadResult", "<UploadId>1</UploadId>");
    } else if (request.method === "POST") {
      answer("CompleteMultipartUploadResult", '<ETag>"1"</ETag>');
    } else {
      const before = query.has("partNumber") ? (sizes.get(key) ?? 0) : 0;
      sizes.set(key, before + bytes);
      response.writeHead(200, { etag: '"1"' }).end();
    }
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
