import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { readJson, writeAtomic } from "./files.ts";

/** Everything of the sandbox that listens, always on 127.0.0.1. */
export const portNames = [
  "etcd",
  "etcdPeer",
  "apiserver",
  "controllerManager",
  "kubelet",
  "postgres",
  "aws",
] as const;
export type PortName = (typeof portNames)[number];
export type Ports = Readonly<Record<PortName, number>>;

/** True when nothing listens on the loopback port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** As many different free ports; held open together, so that none is given out twice. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once("error", reject);
          server.listen({ port: 0, host: "127.0.0.1" }, () => {
            const address = server.address();
            if (typeof address === "object" && address !== null) resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(
    servers.map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve);
        }),
    ),
  );
  return ports;
}

/** The ports of an earlier start, as far as they are readable. */
export function rememberedPorts(file: string): Partial<Record<PortName, number>> {
  const value = readJson(file);
  if (typeof value !== "object" || value === null) return {};
  const entries = Object.entries(value).filter(
    (entry): entry is [PortName, number] =>
      (portNames as readonly string[]).includes(entry[0]) &&
      Number.isInteger(entry[1]) &&
      entry[1] > 0 &&
      entry[1] < 65536,
  );
  return Object.fromEntries(entries);
}

/**
 * The ports of this sandbox: chosen once and kept. A kept port that another program has taken meanwhile is
 * replaced, and `onTaken` told; ports in `inUse` are held by the sandbox's own running servers.
 */
export async function choosePorts(
  file: string,
  inUse: ReadonlySet<PortName>,
  onTaken: (name: PortName, port: number, replacement: number) => void,
): Promise<Ports> {
  const remembered = rememberedPorts(file);
  const fresh = await freePorts(portNames.length);
  const entries = await Promise.all(
    portNames.map(async (name, index): Promise<[PortName, number]> => {
      const replacement = fresh[index] ?? 0;
      const port = remembered[name];
      if (port === undefined) return [name, replacement];
      if (inUse.has(name) || (await isFree(port))) return [name, port];
      onTaken(name, port, replacement);
      return [name, replacement];
    }),
  );
  const ports = Object.fromEntries(entries) as Record<PortName, number>;
  writeAtomic(file, `${JSON.stringify(ports, null, 2)}\n`);
  return ports;
}

/** Who listens on the port, where the system tells: `nginx (process 812)`. */
export async function listenerOf(port: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)("lsof", [
      "-nP",
      `-iTCP@127.0.0.1:${port}`,
      "-sTCP:LISTEN",
      "-Fpc",
    ]);
    const pid = /^p(\d+)/m.exec(stdout)?.[1];
    const command = /^c(.+)/m.exec(stdout)?.[1];
    return pid === undefined ? undefined : `${command ?? "a program"} (process ${pid})`;
  } catch {
    return undefined;
  }
}
