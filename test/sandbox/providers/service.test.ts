import * as grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import { diffProps } from "../../../sandbox/providers/base/diff.ts";
import { EngineLog } from "../../../sandbox/providers/base/log.ts";
import { service } from "../../../sandbox/providers/base/service.ts";
import { type Handler, IncompleteError, type ProviderSpec } from "../../../sandbox/providers/base/spec.ts";
import { decode, encode, secret, UNKNOWN, type WireProps } from "../../../sandbox/providers/base/wire.ts";

const PASSWORD = "correct horse";
const URN = (type: string): string => `urn:pulumi:dev::px::my:component:C$${type}::it`;

const thing: Handler<string> = {
  secrets: () => [["token"]],
  diff: (_op, _id, olds, news) => ({ ...diffProps(olds.inputs, news, ["name"]), deleteBeforeReplace: true }),
  create: (op, inputs) => {
    if (inputs.fail === "before") throw new Error(`server said: ${PASSWORD} is too weak`);
    if (inputs.fail === "after")
      throw new IncompleteError("id-1", { ...inputs, status: "half" }, "it is not ready");
    return Promise.resolve({ id: "id-1", state: { ...inputs, token: op.preview ? UNKNOWN : "generated" } });
  },
  read: (_op, id, olds) =>
    Promise.resolve(id === "gone" ? undefined : { id, state: olds.state, inputs: olds.state }),
  delete: () => Promise.resolve(),
};
const spec: ProviderSpec<string> = {
  name: "demo",
  version: "1.2.3",
  configure: () => "client",
  handler: (type) => (type === "demo:index:Thing" ? thing : undefined),
};

describe("the provider service", () => {
  const server = new grpc.Server();
  let client: providerGrpc.ResourceProviderClient;

  beforeAll(async () => {
    server.addService(
      providerGrpc.ResourceProviderService,
      service(spec, new EngineLog(undefined), new AbortController()),
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  });
  afterAll(() => {
    client.close();
    server.forceShutdown();
  });

  const create = (properties: WireProps, options: { type?: string; preview?: boolean } = {}) => {
    const request = new pb.CreateRequest();
    request.setUrn(URN(options.type ?? "demo:index:Thing"));
    request.setProperties(encode(properties));
    request.setPreview(options.preview ?? false);
    return new Promise<pb.CreateResponse>((resolve, reject) => {
      client.create(request, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  };
  const failure = (attempt: Promise<unknown>): Promise<grpc.ServiceError> =>
    attempt.then(
      () => {
        throw new Error("it did not fail");
      },
      (error: unknown) => error as grpc.ServiceError,
    );

  it("keeps secret what was secret in the inputs, and what the type says is", async () => {
    const response = await create({ name: "a", password: secret(PASSWORD) });
    expect(response.getId()).toBe("id-1");
    expect(decode(response.getProperties())).toEqual({
      name: "a",
      password: secret(PASSWORD),
      token: secret("generated"),
    });
  });

  it("gives no id in a preview, and leaves computed values open", async () => {
    const response = await create({ name: UNKNOWN }, { preview: true });
    expect(response.getId()).toBe("");
    expect(decode(response.getProperties())).toEqual({ name: UNKNOWN, token: secret(UNKNOWN) });
  });

  it("strikes the request's secrets out of errors", async () => {
    const error = await failure(create({ fail: "before", password: secret(PASSWORD) }));
    expect(error.details).toBe("server said: [secret] is too weak");
  });

  it("says which plugin is missing for a type it does not know", async () => {
    const error = await failure(create({}, { type: "demo:index:Other" }));
    expect(error.code).toBe(grpc.status.UNIMPLEMENTED);
    expect(error.details).toBe(
      "the stand-in demo provider does not know type demo:index:Other; install the vendor's plugin with " +
        "`pulumi plugin install resource demo 1.2.3`",
    );
  });

  it("records a resource that exists although its creation failed, secrets included", async () => {
    const error = await failure(create({ fail: "after", password: secret(PASSWORD) }));
    const [bytes] = error.metadata.get("grpc-status-details-bin");
    const [packed] = statusPb.Status.deserializeBinary(bytes as Buffer).getDetailsList();
    const detail = packed?.unpack(
      (each) => pb.ErrorResourceInitFailed.deserializeBinary(each),
      "pulumirpc.ErrorResourceInitFailed",
    );
    expect(detail?.getId()).toBe("id-1");
    expect(detail?.getReasonsList()).toEqual(["it is not ready"]);
    expect(decode(detail?.getProperties())).toEqual({
      fail: "after",
      password: secret(PASSWORD),
      status: "half",
    });
  });

  it("reports changes with kind, path and replacement", async () => {
    const request = new pb.DiffRequest();
    request.setUrn(URN("demo:index:Thing"));
    request.setOldInputs(encode({ name: "a", size: 1 }));
    request.setOlds(encode({ name: "a", size: 1, token: "t" }));
    request.setNews(encode({ name: "b", size: 1, tags: {} }));
    const response = await new Promise<pb.DiffResponse>((resolve, reject) => {
      client.diff(request, (error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
    expect(response.getChanges()).toBe(pb.DiffResponse.DiffChanges.DIFF_SOME);
    expect(response.getReplacesList()).toEqual(["name"]);
    expect(response.getDeletebeforereplace()).toBe(true);
    const kinds = response.getDetaileddiffMap();
    expect(kinds.get("name")?.getKind()).toBe(pb.PropertyDiff.Kind.UPDATE_REPLACE);
    expect(kinds.get("tags")?.getKind()).toBe(pb.PropertyDiff.Kind.ADD);
    expect(kinds.getLength()).toBe(2);
  });

  it("answers a read of what is gone with no id", async () => {
    const request = new pb.ReadRequest();
    request.setUrn(URN("demo:index:Thing"));
    request.setId("gone");
    const response = await new Promise<pb.ReadResponse>((resolve, reject) => {
      client.read(request, (error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
    expect(response.getId()).toBe("");
  });
});
