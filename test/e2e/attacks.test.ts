import { KubeClient, KubeError, refOf, type KubeObject } from "../../sandbox/kube/client.ts";
import { forbidden, legitimate } from "../support/attacks/admission.ts";
import { pod, solverPod } from "../support/attacks/objects.ts";
import { podShapes } from "../support/attacks/podShapes.ts";
import { openWorkplace, type Workplace } from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const HOME = "customer-acme";
const NEIGHBOUR = "customer-beta";

let place: Workplace;
let admin: KubeClient;

beforeAll(async () => {
  place = await openWorkplace();
  place.edit(
    "tenants/tenants.yaml",
    "    plan: enterprise\n",
    "    plan: enterprise\n    domains: [{ host: wms.acme.example, verification: verified }]\n",
  );
  const starter = (id: string): string =>
    `\n  - id: ${id}\n    plan: starter\n    since: "2026-01-01T00:00:00Z"\n`;
  place.write(
    "tenants/tenants.yaml",
    place.read("tenants/tenants.yaml") + starter("carla") + starter("carla-2"),
  );
  // In this mode Ingresses and certificates of several tenants are in the pool's namespace.
  place.edit("Pulumi.sandbox.yaml", "mode: gateway", "mode: ingress");
  place.edit(
    "Pulumi.sandbox.yaml",
    "    gateway:\n      name: platform\n      namespace: gateway-system\n",
    "    ingressClass: nginx\n    controllerNamespace: ingress-nginx\n    acmeChallenge: http01\n",
  );
  const { code, output } = await place.pulumi("up", "--yes", "--skip-preview");
  if (code !== 0) throw new Error(output);
  admin = KubeClient.from({ kubeconfig: place.platform.kubeconfig });
}, 40 * MINUTE);
afterAll(async () => {
  admin.close();
  await place.close();
});

/** What the API server says to a change that it would not store; "accepted" if it would. */
async function answer(change: () => Promise<unknown>): Promise<string> {
  try {
    await change();
    return "accepted";
  } catch (error) {
    if (error instanceof KubeError) return error.message;
    throw error;
  }
}
const WOULD_BE = { fieldManager: "probe", force: true, dryRun: true, fieldValidation: "Ignore" } as const;
const create = (object: KubeObject): Promise<string> => answer(() => admin.apply(object, WOULD_BE));

const namespace = (name: string) => ({ apiVersion: "v1", kind: "Namespace", name });
const patch = (name: string, metadata: object): Promise<string> =>
  answer(() => admin.mergePatch(namespace(name), { metadata }, { dryRun: true }));
const remove = (name: string): Promise<string> =>
  answer(() => admin.delete(namespace(name), { dryRun: true }));

/** The attacks whose answer does not say what it must. */
function unexpected(
  answers: readonly { readonly name: string; readonly said: string; readonly expected: string }[],
): string[] {
  return answers
    .filter(({ said, expected }) => !said.includes(expected))
    .map(({ name, said, expected }) => `${name}: ${said} (expected: ${expected})`);
}

describe("admission", () => {
  it("lets in what the program and cert-manager make", async () => {
    const answers = legitimate.map(async (object) => ({
      name: `${object.kind} ${object.metadata.namespace ?? ""}`,
      said: await create(object),
      expected: "accepted",
    }));
    expect(unexpected(await Promise.all(answers))).toEqual([]);
  });

  it(`refuses ${forbidden.length} objects that reach beyond their tenant`, async () => {
    const answers = forbidden.map(async ({ name, object, refusal }) => ({
      name,
      said: await create(object),
      expected: refusal,
    }));
    expect(unexpected(await Promise.all(answers))).toEqual([]);
  });

  it("refuses to make another object of a good one", async () => {
    const ingress = {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      name: "warehouse-ingress",
      namespace: HOME,
    };
    const update = (change: unknown): Promise<string> =>
      answer(() => admin.mergePatch(ingress, change, { dryRun: true }));
    expect(await update({ spec: { rules: [{ host: "beta.yourwarehousesaas.com" }] } })).toContain(
      "every host",
    );
    expect(
      await update({ metadata: { annotations: { "nginx.ingress.kubernetes.io/server-snippet": "x" } } }),
    ).toContain("annotations that steer");
    expect(await update({ metadata: { finalizers: ["example.com/wait"] } })).toBe("accepted");
  });

  it("lets cert-manager alone make the pods by which hosts prove themselves", async () => {
    const solver = solverPod(HOME);
    expect(await create(solver)).toContain("only cert-manager itself makes pods");
    place.write("solver.json", JSON.stringify(solver));
    const asCertManager = await place.kubectl(
      ...["create", "--dry-run=server", "-f", "solver.json"],
      ...["--as", "system:serviceaccount:cert-manager:cert-manager", "--as-group", "system:masters"],
    );
    expect(asCertManager.output).toContain("created (server dry run)");
  });

  it("leaves a namespace whose it is, with its hosts and its level of security", async () => {
    const claims = (id: string, hosts: string) => ({
      annotations: { [`hosts.tenantstack.io/${id}`]: hosts },
    });
    const said = await Promise.all([
      patch(HOME, { labels: { "tenantstack.io/cell": null } }),
      patch(HOME, { labels: { "tenantstack.io/cell": "another" } }),
      patch(HOME, { labels: { "tenantstack.io/tenant": "beta" } }),
      patch(HOME, { annotations: { "tenantstack.io/tenant": "beta" } }),
      patch(HOME, { annotations: { "tenantstack.io/tenant": null } }),
      patch("pool-starter", { labels: { "tenantstack.io/pool": null } }),
      patch(HOME, { labels: { "pod-security.kubernetes.io/enforce": "privileged" } }),
      patch(HOME, { labels: { "pod-security.kubernetes.io/enforce": null } }),
      patch(HOME, { labels: { "pod-security.kubernetes.io/enforce-version": "v1.20" } }),
      patch(HOME, claims("acme", "beta.yourwarehousesaas.com")),
      patch(HOME, claims("acme", "*.yourwarehousesaas.com")),
      patch(HOME, claims("acme", "yourwarehousesaas.com")),
      patch(HOME, claims("acme", "acme.yourwarehousesaas.com,*.acme.example")),
      patch(HOME, claims("beta", "beta.yourwarehousesaas.com")),
      patch("pool-starter", claims("carla", "carla-2.yourwarehousesaas.com")),
    ]);
    expect(said.map((each) => /denied request: (.*)$/.exec(each)?.[1] ?? each)).toEqual([
      ...Array<string>(6).fill("whose a namespace is cannot change"),
      ...Array<string>(3).fill('pod-security.kubernetes.io/enforce must be "restricted"'),
      ...Array<string>(6).fill(
        "a tenant may claim its own name below yourwarehousesaas.com, and hosts of other domains, without wildcards",
      ),
    ]);
    expect(await patch(HOME, claims("acme", "acme.yourwarehousesaas.com,shop.acme.example"))).toBe(
      "accepted",
    );
    expect(await patch(HOME, { labels: { team: "x" } })).toBe("accepted");
  });

  it("keeps a namespace until it is marked for deletion, whoever asks", async () => {
    const protectedUntil = (id: string): string => `Its annotation tenantstack.io/allow-delete must be ${id}`;
    expect(await remove(HOME)).toContain(protectedUntil("acme"));
    expect(await remove("pool-starter")).toContain(protectedUntil("pool-starter"));
    expect(await remove("warehouse-shared")).toContain(protectedUntil("warehouse-shared"));
    const { output } = await place.kubectl(
      "delete",
      "namespace",
      HOME,
      "--as",
      "root",
      "--as-group",
      "system:masters",
    );
    expect(output).toContain(protectedUntil("acme"));

    const mark = (value: string | null): Promise<KubeObject> =>
      admin.mergePatch(namespace(HOME), {
        metadata: { annotations: { "tenantstack.io/allow-delete": value } },
      });
    await mark("beta");
    expect(await remove(HOME)).toContain(protectedUntil("acme"));
    await mark("acme");
    expect(await remove(HOME)).toBe("accepted");
    await mark(null);
  });
});

describe("Pod Security", () => {
  it(`refuses ${Object.keys(podShapes).length} shapes of pods, in tenants' and pools' namespaces`, async () => {
    const answers = [HOME, "pool-starter", "warehouse-shared"].flatMap((where) =>
      Object.entries(podShapes).map(async ([name, spec]) => ({
        name: `${where}: ${name}`,
        said: await create(pod(where, spec)),
        expected: 'violates PodSecurity "restricted:latest"',
      })),
    );
    expect(unexpected(await Promise.all(answers))).toEqual([]);
  });
});

describe("the quota", () => {
  it("holds against 60 creations at once: as many fit as there is room beside what is there", async () => {
    const ref = { apiVersion: "v1", kind: "ConfigMap" };
    const { items } = await admin.list(ref, { namespace: NEIGHBOUR });
    const hard = await place.kubectl(
      "get",
      "quota",
      "tenant-quota",
      "-n",
      NEIGHBOUR,
      "-o",
      "jsonpath={.spec.hard}",
    );
    const { "count/configmaps": limit } = JSON.parse(hard.stdout) as Record<string, string>;
    const room = Number(limit) - items.length;
    expect(room).toBeGreaterThan(10);
    const flood = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        answer(() =>
          admin.create({ ...ref, metadata: { name: `flood-${index}`, namespace: NEIGHBOUR }, data: {} }),
        ),
      ),
    );
    expect(flood.filter((said) => said === "accepted")).toHaveLength(room);
    const refused = flood.filter((said) => said !== "accepted");
    expect(refused.filter((said) => !said.includes("exceeded quota: tenant-quota"))).toEqual([]);
    const { items: after } = await admin.list(ref, { namespace: NEIGHBOUR });
    await Promise.all(
      after
        .filter(({ metadata }) => metadata.name?.startsWith("flood-"))
        .map((each) => admin.delete(refOf(each))),
    );
  });
});

describe("a tenant's ServiceAccounts", () => {
  const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

  it("read and change no Secret, wherever it is", async () => {
    const { items } = await admin.list({ apiVersion: "v1", kind: "ServiceAccount" });
    const accounts = items.filter(({ metadata }) =>
      /^(customer-|pool-|warehouse-)/.test(metadata.namespace ?? ""),
    );
    expect(accounts.length).toBeGreaterThan(10);
    const where = [HOME, NEIGHBOUR, "pool-starter", "warehouse-shared", "kube-system", ""];
    const allowed: string[] = [];
    for (const { metadata } of accounts) {
      const { name = "", namespace: home = "" } = metadata;
      const answers = where.flatMap((target) =>
        VERBS.map(async (verb) => {
          const review = await admin.create({
            apiVersion: "authorization.k8s.io/v1",
            kind: "SubjectAccessReview",
            metadata: {},
            spec: {
              user: `system:serviceaccount:${home}:${name}`,
              groups: ["system:serviceaccounts", `system:serviceaccounts:${home}`, "system:authenticated"],
              resourceAttributes: { verb, version: "v1", resource: "secrets", namespace: target },
            },
          });
          const { allowed: yes } = review["status"] as { allowed: boolean };
          if (yes) allowed.push(`${home}/${name} may ${verb} secrets in ${target}`);
        }),
      );
      await Promise.all(answers);
    }
    expect(allowed).toEqual([]);
  });

  it("are refused when they try", async () => {
    const attempt = async (...args: string[]): Promise<string> => {
      const { code, output } = await place.kubectl(
        ...args,
        "--as",
        `system:serviceaccount:${HOME}:warehouse-app`,
      );
      return code === 0 ? `done: ${output}` : output;
    };
    const secret = "acme-db-secret";
    const tries = await Promise.all([
      attempt("get", "secret", secret, "-n", HOME),
      attempt("get", "secrets", "-n", HOME, "--watch-only", "--request-timeout=5s"),
      attempt("get", "secrets", "-n", NEIGHBOUR),
      attempt("get", "secrets", "--all-namespaces"),
      attempt("create", "secret", "generic", "probe", "-n", HOME),
      attempt("patch", "secret", secret, "-n", HOME, "-p", '{"data":{"url":null}}'),
      attempt("delete", "secret", secret, "-n", HOME),
      attempt("delete", "secrets", "--all", "-n", HOME),
      attempt("create", "token", "warehouse-app", "-n", NEIGHBOUR),
      attempt("get", "nodes"),
      attempt("get", "namespaces"),
    ]);
    expect(tries.filter((said) => !/is forbidden/.test(said))).toEqual([]);
  });
});

// Last, as it takes the policies away.
describe("without the admission policies", () => {
  it("the cluster accepts what they refuse", async () => {
    const bindings = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicyBinding",
    };
    const { items } = await admin.list(bindings);
    await Promise.all(items.map((each) => admin.delete(refOf({ ...bindings, metadata: each.metadata }))));
    const deadline = Date.now() + MINUTE;
    while (Date.now() < deadline && (await remove(HOME)) !== "accepted") {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const answers = await Promise.all(
      forbidden.map(async ({ name, object }) => `${await create(object)}: ${name}`),
    );
    // Those that Kubernetes itself, or another guard, would refuse too.
    expect(answers.filter((each) => !each.startsWith("accepted"))).toMatchInlineSnapshot(`
     [
       "services "probe" is forbidden: exceeded quota: tenant-quota, requested: services.loadbalancers=1,services.nodeports=1, used: services.loadbalancers=0,services.nodeports=0, limited: services.loadbalancers=0,services.nodeports=0: a load balancer",
       "services "probe" is forbidden: exceeded quota: tenant-quota, requested: services.nodeports=1, used: services.nodeports=0, limited: services.nodeports=0: a port of every node",
     ]
    `);
  });
});
