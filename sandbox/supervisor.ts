/**
 * The parent of every server of one sandbox, a detached process: `node sandbox/supervisor.ts <folder>
 * [--owned]`. It only starts, watches and stops what it is told over its socket. Servers end with it, however
 * it ends. With `--owned` it stops as soon as the connection that owns it closes.
 */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { layout, projectRoot } from "./layout.ts";
import { messageOf } from "./lib/errors.ts";
import { writeAtomic } from "./lib/files.ts";
import { identify } from "./lib/process.ts";
import { controlSocket, supervisorFile } from "./services/endpoint.ts";
import { Servers } from "./services/servers.ts";
import type { Reply, Request } from "./services/spec.ts";

const [folder, mode] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: supervisor.ts <folder> [--owned]");
const owned = mode === "--owned";
const paths = layout(folder, projectRoot);
const servers = new Servers(paths);
const socketPath = controlSocket(paths);
let stopping: Promise<void> | undefined;
let holders = 0;

/** An owner that never connects (killed at once) must not leave a supervisor behind. */
const OWNER_GRACE_MS = 30_000;

function log(text: string): void {
  console.log(`${new Date().toISOString()} ${text}`);
}

function shutdown(reason: string): Promise<void> {
  stopping ??= (async () => {
    log(`stopping: ${reason}`);
    await servers.stopAll();
    rmSync(supervisorFile(paths), { force: true });
    rmSync(socketPath, { force: true });
    log("stopped");
  })();
  return stopping;
}

function exitAfterShutdown(reason: string): void {
  void shutdown(reason).then(() => process.exit(0));
}

async function handle(request: Request, socket: Socket): Promise<Reply> {
  if (stopping !== undefined && request.op !== "status") await stopping;
  switch (request.op) {
    case "status":
      break;
    case "start":
      await servers.start(request.spec);
      break;
    case "stop":
      await servers.stop(request.name);
      break;
    case "shutdown":
      await shutdown("asked to");
      break;
    case "hold":
      holders++;
      socket.once("close", () => {
        exitAfterShutdown("the owner is gone");
      });
      break;
  }
  return { ok: true, servers: servers.list() };
}

function serve(socket: Socket): void {
  let pending = "";
  socket.setEncoding("utf8");
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer | string) => {
    const lines = (pending + String(chunk)).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      const request = JSON.parse(line) as Request;
      void handle(request, socket)
        .catch((error: unknown): Reply => ({ ok: false, error: messageOf(error) }))
        .then((reply) => {
          socket.write(`${JSON.stringify(reply)}\n`, () => {
            if (request.op === "shutdown") process.exit(0);
          });
        });
    }
  });
}

mkdirSync(paths.run, { recursive: true, mode: 0o700 });
rmSync(socketPath, { force: true });
createServer(serve).listen(socketPath, () => {
  chmodSync(socketPath, 0o600);
  writeAtomic(supervisorFile(paths), JSON.stringify(identify(process.pid)));
  log(`supervisor ${process.pid} listens${owned ? ", owned" : ""}`);
});
// A closed terminal must not end a sandbox; `stop` does.
process.on("SIGHUP", () => undefined);
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => {
  exitAfterShutdown("SIGTERM");
});
if (owned) {
  setTimeout(() => {
    if (holders === 0) exitAfterShutdown("no owner appeared");
  }, OWNER_GRACE_MS).unref();
}
