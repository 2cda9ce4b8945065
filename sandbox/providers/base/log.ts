import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import type { Log } from "./spec.ts";

/** Sends messages to the engine, which shows them on the resource's line. */
export class EngineLog {
  #client: engineGrpc.EngineClient | undefined;

  constructor(address: string | undefined) {
    this.attach(address);
  }

  attach(address: string | undefined): void {
    if (address === undefined || address === "") return;
    this.#client?.close();
    this.#client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** A log for one resource whose messages pass through `redact`. */
  for(urn: string, redact: (message: string) => string): Log {
    return {
      info: (message) => {
        this.#send(engine.LogSeverity.INFO, redact(message), urn, false);
      },
      warn: (message) => {
        this.#send(engine.LogSeverity.WARNING, redact(message), urn, false);
      },
      status: (message) => {
        this.#send(engine.LogSeverity.INFO, redact(message), urn, true);
      },
    };
  }

  #send(severity: engine.LogSeverity, message: string, urn: string, ephemeral: boolean): void {
    const request = new engine.LogRequest();
    request.setSeverity(severity);
    request.setMessage(message);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    // A lost message must not fail the operation it reports on.
    this.#client?.log(request, () => undefined);
  }
}
