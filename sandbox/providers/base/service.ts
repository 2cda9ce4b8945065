import * as grpc from "@grpc/grpc-js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { type Configured, resourceCalls, sealed, type Servable, unary } from "./calls.ts";
import { changesBetween, type ChangeKind, type DiffResult } from "./diff.ts";
import { RpcError } from "./errors.ts";
import type { EngineLog } from "./log.ts";
import { annotate, decode, encode, type Props, reveal, secretTexts } from "./wire.ts";

const KINDS = {
  add: [pb.PropertyDiff.Kind.ADD, pb.PropertyDiff.Kind.ADD_REPLACE],
  update: [pb.PropertyDiff.Kind.UPDATE, pb.PropertyDiff.Kind.UPDATE_REPLACE],
  delete: [pb.PropertyDiff.Kind.DELETE, pb.PropertyDiff.Kind.DELETE_REPLACE],
} as const satisfies Record<ChangeKind, readonly pb.PropertyDiff.Kind[]>;

/** The handlers of `ResourceProviderService`. */
export function service(
  spec: Servable,
  log: EngineLog,
  cancel: AbortController,
): grpc.UntypedServiceImplementation {
  let configured: Configured = { client: undefined, secrets: [] };
  const resource = resourceCalls(spec, log, cancel, () => configured);

  return {
    handshake: unary((request: pb.ProviderHandshakeRequest) => {
      log.attach(request.getEngineAddress());
      const response = new pb.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setAcceptResources(false);
      response.setAcceptOutputs(false);
      response.setSupportsAutonamingConfiguration(false);
      return response;
    }),
    attach: unary((request: pluginPb.PluginAttach) => {
      log.attach(request.getAddress());
      return new empty.Empty();
    }),
    getPluginInfo: unary(() => {
      const info = new pluginPb.PluginInfo();
      info.setVersion(spec.version);
      return info;
    }),
    getSchema: unary(() => {
      const response = new pb.GetSchemaResponse();
      response.setSchema(JSON.stringify({ name: spec.name, version: spec.version }));
      return response;
    }),
    checkConfig: unary((request: pb.CheckRequest) => {
      const response = new pb.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: unary((request: pb.DiffRequest) => {
      const olds = reveal(decode(request.getOldInputs() ?? request.getOlds()));
      const replaceOn = spec.replaceOnConfig ?? [];
      const changes = changesBetween(olds, reveal(decode(request.getNews())), ([key]) =>
        replaceOn.includes(String(key)),
      );
      return diffResponse({ changes });
    }),
    configure: unary(async (request: pb.ConfigureRequest) => {
      const variables: Props = Object.fromEntries(
        request
          .getVariablesMap()
          .getEntryList()
          .map(([key, value]) => [key.split(":").at(-1) ?? key, value]),
      );
      const args = decode(request.getArgs());
      const client: unknown = await spec.configure({ ...variables, ...reveal(args) });
      configured = { client, secrets: secretTexts(args) };
      const response = new pb.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setAcceptresources(false);
      response.setAcceptoutputs(false);
      response.setSupportsAutonamingConfiguration(false);
      return response;
    }),
    check: resource(
      (request: pb.CheckRequest) => [request.getOlds(), request.getNews()],
      () => ({}),
      async (handler, op, request, [olds = {}, news = {}]) => {
        const response = new pb.CheckResponse();
        const checked = (await handler.check?.(
          op,
          reveal(news),
          request.hasOlds() ? reveal(olds) : undefined,
        )) ?? { inputs: reveal(news) };
        response.setInputs(encode(sealed(handler, checked.inputs, news)));
        for (const { property, reason } of checked.failures ?? []) {
          const failure = new pb.CheckFailure();
          failure.setProperty(property);
          failure.setReason(reason);
          response.addFailures(failure);
        }
        return response;
      },
    ),
    diff: resource(
      (request: pb.DiffRequest) => [request.getOlds(), request.getOldInputs(), request.getNews()],
      () => ({}),
      async (handler, op, request, [state = {}, inputs = {}, news = {}]) => {
        const olds = { state: reveal(state), inputs: reveal(request.hasOldInputs() ? inputs : state) };
        return diffResponse(await handler.diff(op, request.getId(), olds, reveal(news)));
      },
    ),
    create: resource(
      (request: pb.CreateRequest) => [request.getProperties()],
      (request) => ({ preview: request.getPreview(), timeout: request.getTimeout() }),
      async (handler, op, _request, [inputs = {}]) => {
        const created = await handler.create(op, reveal(inputs));
        const response = new pb.CreateResponse();
        response.setId(op.preview ? "" : created.id);
        response.setProperties(encode(sealed(handler, created.state, inputs)));
        return response;
      },
    ),
    read: resource(
      (request: pb.ReadRequest) => [request.getProperties(), request.getInputs()],
      (request) => ({ timeout: request.getTimeout() }),
      async (handler, op, request, [state = {}, inputs = {}]) => {
        const imported = Object.keys(inputs).length === 0;
        const olds = { state: reveal(state), inputs: imported ? undefined : reveal(inputs) };
        const found = await handler.read(op, request.getId(), olds);
        const response = new pb.ReadResponse();
        if (found === undefined) return response;
        response.setId(found.id);
        response.setProperties(encode(annotate(sealed(handler, found.state, inputs), state)));
        response.setInputs(encode(sealed(handler, found.inputs, inputs)));
        return response;
      },
    ),
    update: resource(
      (request: pb.UpdateRequest) => [request.getOlds(), request.getOldInputs(), request.getNews()],
      (request) => ({ preview: request.getPreview(), timeout: request.getTimeout() }),
      async (handler, op, request, [state = {}, inputs = {}, news = {}]) => {
        if (handler.update === undefined) {
          throw new RpcError(grpc.status.UNIMPLEMENTED, `${op.type} cannot be updated in place`);
        }
        const olds = { state: reveal(state), inputs: reveal(request.hasOldInputs() ? inputs : state) };
        const updated = await handler.update(op, request.getId(), olds, reveal(news));
        const response = new pb.UpdateResponse();
        response.setProperties(encode(sealed(handler, updated, news)));
        return response;
      },
    ),
    delete: resource(
      (request: pb.DeleteRequest) => [request.getOldInputs(), request.getProperties()],
      (request) => ({ timeout: request.getTimeout() }),
      async (handler, op, request, [, state = {}]) => {
        await handler.delete(op, request.getId(), reveal(state));
        return new empty.Empty();
      },
    ),
    cancel: unary(() => {
      cancel.abort(new Error("the update was cancelled"));
      return new empty.Empty();
    }),
    invoke: unary((request: pb.InvokeRequest) => unsupported(`function ${request.getTok()}`)),
    call: unary((request: pb.CallRequest) => unsupported(`method ${request.getTok()}`)),
    construct: unary((request: pb.ConstructRequest) => unsupported(`component ${request.getType()}`)),
    parameterize: unary(() => unsupported("parameterization")),
    list: (call: grpc.ServerWritableStream<pb.ListRequest, pb.ListResponse>) => {
      call.emit("error", {
        code: grpc.status.UNIMPLEMENTED,
        details: `the stand-in ${spec.name} provider lists nothing`,
      });
    },
    getMapping: unary(() => new pb.GetMappingResponse()),
    getMappings: unary(() => new pb.GetMappingsResponse()),
  };

  function unsupported(what: string): never {
    throw new RpcError(
      grpc.status.UNIMPLEMENTED,
      `the stand-in ${spec.name} provider has no ${what}; install the vendor's plugin`,
    );
  }
}

function diffResponse(diff: DiffResult): pb.DiffResponse {
  const response = new pb.DiffResponse();
  const changed = diff.changes.length > 0;
  response.setChanges(
    changed ? pb.DiffResponse.DiffChanges.DIFF_SOME : pb.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setHasdetaileddiff(true);
  const replaces = diff.changes.filter(({ replace }) => replace);
  response.setDiffsList([...new Set(diff.changes.map(({ keys }) => String(keys[0])))]);
  response.setReplacesList(replaces.map(({ path }) => path));
  response.setDeletebeforereplace(replaces.length > 0 && diff.deleteBeforeReplace === true);
  for (const { path, kind, replace } of diff.changes) {
    const detail = new pb.PropertyDiff();
    detail.setKind(KINDS[kind][replace ? 1 : 0]);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(path, detail);
  }
  return response;
}
