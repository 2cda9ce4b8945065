/** Serves a provider over the engine's gRPC protocol. */
import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { EngineLog } from "./log.ts";
import type { Servable } from "./calls.ts";
import { service } from "./service.ts";

/** The engine sends whole programs' worth of properties in one message; no limit is its own setting too. */
const UNLIMITED = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/**
 * Runs the plugin until the engine is done with it: prints the port it listens on, the one line of output the
 * engine reads.
 */
export function serve(spec: Servable): void {
  const log = new EngineLog(process.argv[2]);
  const cancel = new AbortController();
  const server = new grpc.Server(UNLIMITED);
  server.addService(providerGrpc.ResourceProviderService, service(spec, log, cancel));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) {
      process.stderr.write(`${spec.name}: cannot listen on 127.0.0.1: ${error.message}\n`);
      process.exit(1);
    }
    process.stdout.write(`${String(port)}\n`);
  });
  // The engine asks plugins to leave by SIGINT, after the cancellation of its protocol. Ctrl-C does not come here:
  // it starts plugins in process groups of their own.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
  exitWithParent();
}

/** An engine that is killed outright cannot end its plugins: they notice that their parent has changed. */
export function exitWithParent(leave: () => void = () => process.exit(0)): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) leave();
  }, 500).unref();
}
