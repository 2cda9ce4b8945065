import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** What goes wrong on the way to a server and back. */
export interface TcpFault {
  /** After so many bytes from the server, of all connections together, every connection is cut. */
  readonly cutAfter?: number;
  /** Nothing is passed on; connections stay open. */
  readonly silent?: boolean;
  /** From the server, of all connections together. */
  readonly bytesPerSecond?: number;
  /** Called once, before the first packet to the server that contains the text is passed on. */
  readonly before?: readonly [text: string, action: () => void | Promise<void>] | undefined;
}

/** A proxy in front of a TCP server: faults can be set at any time and hold for what comes then. */
export interface TcpProxy {
  readonly port: number;
  fault: TcpFault;
  stop(): Promise<void>;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const state: { fault: TcpFault; bytes: number; due: number } = { fault: {}, bytes: 0, due: 0 };
  const cutAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
    forward(client, upstream, async (chunk) => {
      const [text, action] = state.fault.before ?? [];
      if (text !== undefined && chunk.includes(text)) {
        state.fault = { ...state.fault, before: undefined };
        await action?.();
      }
    });
    forward(upstream, client, async (chunk) => {
      const { cutAfter, bytesPerSecond } = state.fault;
      state.bytes += chunk.length;
      if (cutAfter !== undefined && state.bytes > cutAfter) cutAll();
      if (bytesPerSecond !== undefined) {
        state.due = Math.max(state.due, performance.now()) + (chunk.length / bytesPerSecond) * 1000;
        await pause(state.due - performance.now());
      }
    });
  });
  /** Passes chunks on in order, each after what `meet` does; a silent proxy keeps them. */
  function forward(from: Socket, to: Socket, meet: (chunk: Buffer) => Promise<void>): void {
    let last = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      from.pause();
      last = last.then(async () => {
        await meet(chunk);
        if (state.fault.silent === true || from.destroyed) return;
        if (!to.write(chunk)) await drained(to);
        from.resume();
      });
    });
    from.on("end", () => {
      last = last.then(() => void to.end());
    });
  }
  const port = await listen(server);
  return {
    port,
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
      state.bytes = 0;
    },
    stop: () => {
      cutAll();
      return closed(server);
    },
  };
}

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));

/** Listens on a free loopback port. */
export const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve((server.address() as AddressInfo).port);
    });
  });

export const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
