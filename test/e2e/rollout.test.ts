import { openWorkplace, type Workplace } from "../support/e2e.ts";

const MINUTE = 60_000;
jest.setTimeout(5 * MINUTE);

const REGISTRY = "tenants/tenants.yaml";
const NEW_DIGEST = `sha256:${"4".repeat(64)}`;

let place: Workplace;

beforeAll(async () => {
  place = await openWorkplace();
  // A failure need not take four minutes here.
  place.edit(
    "components/application.ts",
    "const PROGRESS_DEADLINE_SECONDS = 240;",
    "const PROGRESS_DEADLINE_SECONDS = 10;",
  );
  place.edit(REGISTRY, "    pin: { version: v2.0.5", "    # pin: { version: v2.0.5");
}, 40 * MINUTE);
afterAll(() => place.close());

const up = (...options: string[]) => place.pulumi("up", "--yes", "--skip-preview", ...options);

async function inNamespace(id: string, ...args: string[]): Promise<string> {
  const { code, stdout, output } = await place.kubectl(...args, "-n", `customer-${id}`);
  if (code !== 0) throw new Error(output);
  return stdout;
}

/** Digests of the images of a tenant's pods that are ready to serve. */
async function served(id: string): Promise<string[]> {
  const pods = JSON.parse(await inNamespace(id, "get", "pod", "-l", "app=warehouse", "-o", "json")) as {
    items: {
      spec: { containers: { image: string }[] };
      status: { conditions?: { type: string; status: string }[] };
    }[];
  };
  const ready = pods.items.filter(({ status }) =>
    status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
  );
  return [...new Set(ready.map(({ spec }) => spec.containers[0]?.image.split("@")[1] ?? ""))];
}

describe("a tenant whose rollout fails", () => {
  it("keeps its old pods serving and does not hold up the others", async () => {
    expect((await up()).code).toBe(0);
    const [old = ""] = await served("beta");
    // A second quota leaves beta no room for the surge pod, as a cluster without free capacity would not.
    await inNamespace("beta", "create", "quota", "full", "--hard=requests.cpu=1");

    place.edit(REGISTRY, "  versions:\n", `  versions:\n    v2.2.0: { digest: "${NEW_DIGEST}" }\n`);
    for (const ring of ["internal", "early", "general"])
      place.edit(REGISTRY, `{ name: ${ring}, version: v2.1.0 }`, `{ name: ${ring}, version: v2.2.0 }`);
    const failed = await up("--continue-on-error");
    expect(failed.code).not.toBe(0);
    expect(failed.output).toMatch(/beta-app.*failed/);
    expect(failed.output).not.toMatch(/acme-[a-z-]+.*failed/);

    expect(await served("beta")).toEqual([old]);
    await inNamespace("acme", "rollout", "status", "deployment/warehouse-app", "--timeout=60s");
    expect(await served("acme")).toContain(NEW_DIGEST);
    expect(await inNamespace("acme", "get", "job/warehouse-init", "-o", "jsonpath={.status.succeeded}")).toBe(
      "1",
    );
    // The init Job of the failed rollout has not run: it comes after the pods.
    expect(
      await inNamespace(
        "beta",
        "get",
        "job/warehouse-init",
        "-o",
        "jsonpath={.spec.template.spec.containers[0].image}",
      ),
    ).toContain(old);
    const { stdout } = await place.pulumi("stack", "output", "billing", "--json");
    expect(Object.keys((JSON.parse(stdout) as { tenants: object }).tenants)).toEqual(["acme", "beta"]);
  });

  it("is completed by the next run once its cause is gone", async () => {
    await inNamespace("beta", "delete", "quota", "full");
    const again = await up();
    expect(again.output).not.toContain("error:");
    expect(again.code).toBe(0);
    await inNamespace("beta", "rollout", "status", "deployment/warehouse-app", "--timeout=60s");
    expect(await served("beta")).toContain(NEW_DIGEST);
    expect((await place.pulumi("preview", "--expect-no-changes")).code).toBe(0);
  });
});
