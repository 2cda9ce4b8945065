import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Answers HTTP requests; resolves when it listens.
 * @param address where to listen, `host:port`; port 0 is a free one
 * @returns with the address that was taken
 */
export function serve(
  answer: RequestListener,
  address: string,
): Promise<{ readonly server: Server; readonly address: string }> {
  const server = createServer(answer);
  const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(port), host, () => {
      const { address: listening, port: chosen } = server.address() as AddressInfo;
      resolve({ server, address: `${listening}:${chosen}` });
    });
  });
}
