import * as grpc from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";
import resourceGrpc from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import resource from "@pulumi/pulumi/proto/resource_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

/** A resource as a program registered it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  readonly inputs: Record<string, unknown>;
}

/** What stands in for the engine: it agrees to everything at once and makes nothing. */
export interface Monitor {
  readonly address: string;
  /** What the present run has registered, the stack itself apart. */
  readonly registered: Registered[];
  /** `performance.now()` of the first of them. */
  first(): number | undefined;
  /** Forgets the last run. */
  reset(): void;
  stop(): void;
}

type Call<Request, Response> = (request: Request) => Response;

const unary =
  <Request, Response>(answer: Call<Request, Response>) =>
  (call: grpc.ServerUnaryCall<Request, Response>, reply: grpc.sendUnaryData<Response>): void => {
    reply(null, answer(call.request));
  };

const nothing = unary(() => new empty.Empty());

/** Starts it on a free port of the loopback interface. */
export async function startMonitor(): Promise<Monitor> {
  const registered: Registered[] = [];
  let first: number | undefined;
  let stack = "";
  const register = (request: resource.RegisterResourceRequest): resource.RegisterResourceResponse => {
    const [type, name] = [request.getType(), request.getName()];
    const urn = `urn:pulumi:bench::warehouse::${type}::${name}`;
    const inputs = request.getObject()?.toJavaScript() ?? {};
    if (type === "pulumi:pulumi:Stack") stack = urn;
    else {
      first ??= performance.now();
      registered.push({ type, name, custom: request.getCustom(), inputs });
    }
    const response = new resource.RegisterResourceResponse();
    response.setUrn(urn);
    if (request.getCustom()) response.setId(`${name}-id`);
    const state = type.endsWith(":RandomPassword") ? { ...inputs, result: `secret-of-${name}` } : inputs;
    response.setObject(struct.Struct.fromJavaScript(state));
    return response;
  };
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  const implementations: [unknown, grpc.UntypedServiceImplementation][] = [
    [
      resourceGrpc.ResourceMonitorService,
      {
        supportsFeature: unary(() => {
          const response = new resource.SupportsFeatureResponse();
          response.setHassupport(true);
          return response;
        }),
        invoke: unary(() => {
          const response = new provider.InvokeResponse();
          response.setReturn(new struct.Struct());
          return response;
        }),
        registerResource: unary(register),
        readResource: unary((request: resource.ReadResourceRequest) => {
          const response = new resource.ReadResourceResponse();
          response.setUrn(`urn:pulumi:bench::warehouse::${request.getType()}::${request.getName()}`);
          response.setProperties(request.getProperties());
          return response;
        }),
        registerResourceOutputs: nothing,
        registerResourceHook: nothing,
        signalAndWaitForShutdown: nothing,
      },
    ],
    [
      engineGrpc.EngineService,
      {
        log: unary((request: engine.LogRequest) => {
          if (request.getSeverity() === engine.LogSeverity.ERROR) console.error(request.getMessage());
          return new empty.Empty();
        }),
        getRootResource: unary(() => {
          const response = new engine.GetRootResourceResponse();
          response.setUrn(stack);
          return response;
        }),
        setRootResource: unary(() => new engine.SetRootResourceResponse()),
      },
    ],
  ];
  for (const [service, handlers] of implementations)
    server.addService(service as grpc.ServiceDefinition, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    registered,
    first: () => first,
    reset: () => {
      registered.length = 0;
      first = undefined;
    },
    stop: () => {
      server.forceShutdown();
    },
  };
}
