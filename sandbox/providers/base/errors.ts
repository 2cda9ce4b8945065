import * as grpc from "@grpc/grpc-js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import { IncompleteError } from "./spec.ts";
import { encode, type WireProps } from "./wire.ts";

/** A refusal in the engine's terms. */
export class RpcError extends Error {
  readonly code: grpc.status;
  constructor(code: grpc.status, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * What the engine is told of a failure: one sentence, secrets struck out; for a resource that exists although
 * the operation failed also its state, so that it is recorded.
 */
export function toStatus(
  error: unknown,
  redact: (message: string) => string,
  wrap: (error: IncompleteError) => WireProps,
): Partial<grpc.StatusObject> {
  const message = redact(error instanceof Error ? error.message : String(error));
  if (!(error instanceof IncompleteError)) {
    return { code: error instanceof RpcError ? error.code : grpc.status.UNKNOWN, details: message };
  }
  const detail = new providerPb.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(encode(wrap(error)));
  detail.setReasonsList([message]);
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusPb.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}
