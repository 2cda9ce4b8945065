/** What every call of the protocol goes through: secrets out of errors, failures into statuses. */
import * as grpc from "@grpc/grpc-js";
import type struct from "google-protobuf/google/protobuf/struct_pb.js";
import { RpcError, toStatus } from "./errors.ts";
import type { EngineLog } from "./log.ts";
import type { Handler, IncompleteError, Operation, ProviderSpec } from "./spec.ts";
import { annotate, decode, type Props, redactor, seal, secretTexts, type WireProps } from "./wire.ts";

/** A provider whose client type is its own affair. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the client goes from the spec back to the spec only
export type Servable = ProviderSpec<any>;

type Struct = struct.Struct | undefined;
type Reply<Response> = grpc.sendUnaryData<Response>;
/** What requests about one resource have in common. */
interface ResourceRequest {
  getUrn(): string;
}

/** A configured provider. */
export interface Configured {
  readonly client: unknown;
  /** Secrets of the configuration; they are struck out of messages too. */
  readonly secrets: readonly string[];
}

/** Runs one call: an exception becomes a status without secrets. */
export const unary =
  <Request, Response>(run: (request: Request) => Response | Promise<Response>) =>
  (call: grpc.ServerUnaryCall<Request, Response>, reply: Reply<Response>): void => {
    const answer = async (): Promise<Response> => run(call.request);
    answer().then(
      (response) => {
        reply(null, response);
      },
      (error: unknown) => {
        reply(
          toStatus(
            error,
            (message) => message,
            () => ({}),
          ),
        );
      },
    );
  };

/** Runs calls about a resource, with its handler and what the handler needs. */
export const resourceCalls =
  (spec: Servable, log: EngineLog, cancel: AbortController, configured: () => Configured) =>
  <Request extends ResourceRequest, Response>(
    properties: (request: Request) => readonly Struct[],
    facts: (request: Request) => { readonly preview?: boolean; readonly timeout?: number },
    run: (
      handler: Handler<unknown>,
      op: Operation<unknown>,
      request: Request,
      props: readonly WireProps[],
    ) => Promise<Response>,
  ) =>
  (call: grpc.ServerUnaryCall<Request, Response>, reply: Reply<Response>): void => {
    const { request } = call;
    let redact = (message: string): string => message;
    let handler: Handler<unknown> | undefined;
    let props: readonly WireProps[] = [];
    const answer = async (): Promise<Response> => {
      props = properties(request).map(decode);
      const { client, secrets } = configured();
      redact = redactor([...secrets, ...props.flatMap((each) => secretTexts(each))]);
      const urn = request.getUrn();
      const [, , qualified = "", ...name] = urn.split("::");
      const type = qualified.split("$").at(-1) ?? "";
      handler = spec.handler(type);
      if (handler === undefined) {
        throw new RpcError(
          grpc.status.UNIMPLEMENTED,
          `the stand-in ${spec.name} provider does not know type ${type}; install the vendor's plugin ` +
            `with \`pulumi plugin install resource ${spec.name} ${spec.version}\``,
        );
      }
      const { preview = false, timeout } = facts(request);
      return run(
        handler,
        {
          client,
          urn,
          type,
          name: name.join("::"),
          preview,
          timeout: timeout === 0 ? undefined : timeout,
          signal: cancel.signal,
          log: log.for(urn, redact),
        },
        request,
        props,
      );
    };
    answer().then(
      (response) => {
        reply(null, response);
      },
      (error: unknown) => {
        const wrap = (incomplete: IncompleteError): WireProps =>
          handler === undefined ? {} : sealed(handler, incomplete.state, props.at(-1) ?? {});
        reply(toStatus(error, redact, wrap));
      },
    );
  };

/**
 * Properties with the secrecy of the inputs, and that of the type itself. `__inputs` is where the vendor's
 * plugins keep a copy of the inputs.
 */
export const sealed = (handler: Handler<unknown>, props: Props, like: WireProps): WireProps =>
  seal(annotate(props, { ...like, __inputs: like }), handler.secrets?.(props) ?? []);
