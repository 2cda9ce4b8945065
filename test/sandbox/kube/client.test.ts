import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeClient, KubeError, loadKubeconfig } from "../../../sandbox/kube/client.ts";

interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}
type Respond = (seen: Seen, response: ServerResponse) => void;

const RESOURCES = {
  resources: [
    { name: "configmaps", kind: "ConfigMap", namespaced: true, verbs: [] },
    { name: "configmaps/status", kind: "ConfigMap", namespaced: true, verbs: [] },
    { name: "namespaces", kind: "Namespace", namespaced: false, verbs: [] },
  ],
};

describe("KubeClient", () => {
  let server: Server;
  let kube: KubeClient;
  let seen: Seen[] = [];
  let respond: Respond = () => undefined;
  const json = (response: ServerResponse, body: unknown, status = 200): void => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", "http://x");
        const call = {
          method: request.method ?? "",
          url,
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
        };
        seen.push(call);
        if (url.pathname === "/api/v1") json(response, RESOURCES);
        else respond(call, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    kube = new KubeClient({
      server: `http://127.0.0.1:${port}`,
      cluster: "c",
      namespace: "mine",
      token: "t",
    });
  });
  beforeEach(() => {
    seen = [];
  });
  afterAll(() => {
    kube.close();
    server.close();
  });

  it("applies with field manager, force, dry run and strict validation", async () => {
    respond = ({ body }, response) => {
      json(response, JSON.parse(body));
    };
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", namespace: "n" },
      data: { x: "1" },
    };
    expect(await kube.apply(object, { fieldManager: "m", force: true, dryRun: true })).toEqual(object);
    const { method, url, headers } = seen.at(-1) ?? {};
    expect([method, url?.pathname]).toEqual(["PATCH", "/api/v1/namespaces/n/configmaps/a"]);
    expect(Object.fromEntries(url?.searchParams ?? [])).toEqual({
      fieldManager: "m",
      force: "true",
      dryRun: "All",
      fieldValidation: "Strict",
    });
    expect(headers?.["content-type"]).toBe("application/apply-patch+yaml");
    expect(headers?.authorization).toBe("Bearer t");
  });

  it("takes the context's namespace where an object names none, and none for cluster-wide kinds", async () => {
    respond = (_call, response) => {
      json(response, {}, 404);
    };
    expect(await kube.get({ apiVersion: "v1", kind: "ConfigMap", name: "a" })).toBeUndefined();
    expect(await kube.get({ apiVersion: "v1", kind: "Namespace", name: "b" })).toBeUndefined();
    expect(seen.map(({ url }) => url.pathname)).toEqual(
      expect.arrayContaining(["/api/v1/namespaces/mine/configmaps/a", "/api/v1/namespaces/b"]),
    );
  });

  it("looks a kind up again that was unknown a moment ago", async () => {
    let installed = false;
    respond = (_call, response) => {
      if (installed)
        json(response, { resources: [{ name: "routes", kind: "Route", namespaced: true, verbs: [] }] });
      else json(response, { message: "not found" }, 404);
    };
    const kind = { apiVersion: "demo.io/v1", kind: "Route" };
    await expect(kube.resource(kind)).rejects.toThrow('no matches for kind "Route" in version "demo.io/v1"');
    installed = true;
    expect((await kube.resource(kind)).name).toBe("routes");
  });

  it("tells refusals with status, reason and causes", async () => {
    const causes = [{ field: "spec.x", message: "bad", reason: "FieldValueInvalid" }];
    respond = (_call, response) => {
      json(response, { kind: "Status", message: "no good", reason: "Invalid", details: { causes } }, 422);
    };
    const error = await kube
      .create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } })
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({ status: 422, reason: "Invalid", message: "no good", causes });
  });

  it("reads watch events line by line, whole whatever the chunks", async () => {
    const event = (name: string): string =>
      JSON.stringify({ type: "ADDED", object: { kind: "ConfigMap", metadata: { name } } });
    respond = (_call, response) => {
      const stream = `${event("ä")}\n${event("b")}\n`;
      const bytes = Buffer.from(stream);
      const cut = bytes.indexOf(0xc3) + 1;
      response.write(bytes.subarray(0, cut));
      setTimeout(() => response.end(bytes.subarray(cut)), 20);
    };
    const names: (string | undefined)[] = [];
    for await (const { object } of kube.watch({ apiVersion: "v1", kind: "ConfigMap" }))
      names.push(object.metadata.name);
    expect(names).toEqual(["ä", "b"]);
  });

  it("reports an expired watch as status 410", async () => {
    respond = (_call, response) => {
      response.end(`${JSON.stringify({ type: "ERROR", object: { code: 410, message: "too old" } })}\n`);
    };
    const next = kube.watch({ apiVersion: "v1", kind: "ConfigMap" }).next();
    await expect(next).rejects.toMatchObject({ status: 410, message: "too old" });
  });

  it("says so when the server does not answer", async () => {
    const gone = new KubeClient({ server: "http://127.0.0.1:1", cluster: "c", namespace: "n" });
    await expect(gone.request("GET", "/readyz")).rejects.toThrow(
      "the Kubernetes API server at http://127.0.0.1:1 does not answer: ECONNREFUSED",
    );
  });
});

describe("loadKubeconfig", () => {
  const config = `
apiVersion: v1
kind: Config
current-context: a
contexts:
  - {name: a, context: {cluster: one, user: u, namespace: team}}
  - {name: b, context: {cluster: two, user: u}}
clusters:
  - {name: one, cluster: {server: "https://one/", certificate-authority-data: ${Buffer.from("CA").toString("base64")}}}
  - {name: two, cluster: {server: "https://two", insecure-skip-tls-verify: true}}
users:
  - {name: u, user: {token: tok}}
`;

  it("reads content, and follows contexts", () => {
    expect(loadKubeconfig({ kubeconfig: config })).toEqual({
      server: "https://one",
      cluster: "one",
      namespace: "team",
      ca: "CA",
      token: "tok",
    });
    expect(loadKubeconfig({ kubeconfig: config, context: "b", namespace: "n" })).toMatchObject({
      server: "https://two",
      namespace: "n",
      insecure: true,
    });
  });

  it("says what is missing", () => {
    expect(() => loadKubeconfig({ kubeconfig: config, context: "c" })).toThrow(
      'the kubeconfig has no context "c"',
    );
    expect(() => loadKubeconfig({ env: { KUBECONFIG: "/nowhere" } })).toThrow(
      'no kubeconfig at /nowhere: set KUBECONFIG or the provider\'s "kubeconfig"',
    );
  });
});
