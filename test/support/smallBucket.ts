import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A bucket that holds an object of this key refuses everything. */
export const DENIED = "denied";

/** A bucket on a free loopback port. */
export interface SmallBucket {
  readonly port: number;
  /** What it holds. */
  readonly objects: Record<string, string>;
  readonly close: () => Promise<void>;
}

/** The S3 calls that list, read, write and delete small objects. */
export async function startBucket(before: Readonly<Record<string, string>>): Promise<SmallBucket> {
  const objects = { ...before };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://bucket");
    const key = decodeURIComponent(pathname.split("/").slice(2).join("/"));
    void text(request).then((body) => {
      if (DENIED in objects) response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>");
      else if (request.method === "PUT") {
        objects[key] = contentOf(body);
        response.end();
      } else if (request.method === "DELETE") {
        Reflect.deleteProperty(objects, key);
        response.writeHead(204).end();
      } else if (key !== "") {
        const content = objects[key];
        response
          .writeHead(content === undefined ? 404 : 200, {
            "content-length": Buffer.byteLength(content ?? ""),
          })
          .end(content);
      } else {
        const prefix = searchParams.get("prefix") ?? "";
        const found = Object.entries(objects).filter(([each]) => each.startsWith(prefix));
        const entries = found.map(
          ([each, content]) => `<Contents><Key>${each}</Key><Size>${content.length}</Size></Contents>`,
        );
        response.end(`<ListBucketResult>${entries.join("")}</ListBucketResult>`);
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    objects,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A body as it is, or in chunks with a checksum behind them. */
const contentOf = (body: string): string => /^[0-9a-f]+\r\n([^]*?)\r\n0\r\n/.exec(body)?.[1] ?? body;
