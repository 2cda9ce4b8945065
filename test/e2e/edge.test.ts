import { openWorkplace, type Workplace } from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace();
  place.edit(
    "tenants/tenants.yaml",
    "    plan: enterprise\n",
    `    plan: enterprise
    domains:
      - { host: wms.acme.example, verification: verified }
      - { host: later.acme.example, verification: pending }
`,
  );
}, 40 * MINUTE);
afterAll(() => place.close());

async function up(): Promise<void> {
  const outcome = await place.pulumi("up", "--yes", "--skip-preview");
  expect(outcome.output).not.toContain("error:");
  expect(outcome.code).toBe(0);
}

/** A JSONPath of an object in acme's namespace. */
async function get(object: string, path: string): Promise<string> {
  const { stdout, output, code } = await place.kubectl(
    "get",
    object,
    "-n",
    "customer-acme",
    "-o",
    `jsonpath=${path}`,
  );
  if (code !== 0) throw new Error(output);
  return stdout;
}

const names = async (kinds: string): Promise<string> =>
  (await place.kubectl("get", kinds, "-n", "customer-acme", "-o", "name")).stdout;

describe("the edge", () => {
  it("gives a verified domain a listener, a certificate and a route on the Gateway", async () => {
    await up();
    expect(await get("httproute/warehouse-route", "{.spec.hostnames[*]}")).toBe(
      "acme.yourwarehousesaas.com wms.acme.example",
    );
    expect(await get("listenerset/warehouse-route", "{.spec.listeners[*].hostname}")).toBe(
      "wms.acme.example",
    );
    expect(await get("certificate/acme-tls", "{.spec.dnsNames[*]}")).toBe("wms.acme.example");
  });

  it("moves to an Ingress by configuration alone", async () => {
    place.edit("Pulumi.sandbox.yaml", "mode: gateway", "mode: ingress");
    place.edit(
      "Pulumi.sandbox.yaml",
      "    gateway:\n      name: platform\n      namespace: gateway-system\n",
      "    ingressClass: nginx\n    controllerNamespace: ingress-nginx\n",
    );
    await up();
    expect(await names("httproute,listenerset")).toBe("");
    expect(await get("ingress/warehouse-ingress", "{.spec.ingressClassName} {.spec.rules[*].host}")).toBe(
      "nginx acme.yourwarehousesaas.com wms.acme.example",
    );
    expect(
      await get("certificate/acme-tls", "{.spec.secretName} {.spec.issuerRef.name} {.spec.dnsNames[*]}"),
    ).toBe("acme-tls letsencrypt-prod acme.yourwarehousesaas.com wms.acme.example");
    expect(
      await get(
        "networkpolicy/customer-isolation",
        "{.spec.ingress[0].from[0].namespaceSelector.matchLabels}",
      ),
    ).toContain("ingress-nginx");
  });
});
