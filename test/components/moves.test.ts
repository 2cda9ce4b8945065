import { MOVE_PHASES, type MovePhase } from "../../registry/placement.ts";
import { formatIssue } from "../../registry/issues.ts";
import { renderCell } from "../support/cell.ts";
import type { Registration } from "../support/mocks.ts";
import { load, loadValid, registryOf } from "../support/registry.ts";

const SUM = "4".repeat(64);

/** What the program registers for a tenant in a phase of its move. */
function moving(from: string, plan: string, phase: MovePhase, more: object = {}): Promise<Registration[]> {
  const recorded = phase === "soak" || phase === "cleanup" ? { checksum: SUM } : {};
  const migration = { kind: "placement", from, phase, ...recorded };
  return renderCell(loadValid(registryOf({ id: "carla", plan, migration, ...more })));
}

const inputs = (registrations: readonly Registration[], name: string): Record<string, unknown> | undefined =>
  registrations.find((r) => r.name === name && r.type !== "warehouse:tenancy:TenantStack")?.inputs;

/** What decides who serves, who may enter, and what is done. */
async function courseOf(from: string, to: string): Promise<Record<string, object>> {
  const course: Record<string, object> = {};
  for (const phase of MOVE_PHASES) {
    const registrations = await moving(from, to, phase);
    const env = (name: string): Record<string, string> => {
      const job = inputs(registrations, name) as
        | { spec: { template: { spec: { containers: [{ env: { name: string; value?: string }[] }] } } } }
        | undefined;
      return Object.fromEntries(
        (job?.spec.template.spec.containers[0].env ?? []).map(({ name: key, value = "" }) => [key, value]),
      );
    };
    const { MOVE_STEP: step, MOVE_FROM: source, MOVE_TO: target } = env("carla-move");
    const route = inputs(registrations, "carla-route") as {
      spec: { rules: [{ backendRefs: [{ name: string; namespace?: string }] }] };
    };
    const { name, namespace } = route.spec.rules[0].backendRefs[0];
    const service = inputs(registrations, "carla-service") as
      { spec: { selector: { app: string } } } | undefined;
    const volume = inputs(registrations, "carla-uploads");
    course[phase] = {
      route: namespace === undefined ? `own ${service?.spec.selector.app ?? ""}` : `${namespace} ${name}`,
      enters: [
        ...((inputs(registrations, "carla-rw") ?? inputs(registrations, "carla-app-a"))?.[
          "roles"
        ] as string[]),
      ],
      rows: step === undefined ? "" : `${step} ${source ?? ""} → ${target ?? ""}`,
      jobs: [
        "move-guard",
        "files-verify",
        "files-verify-target",
        "files-push",
        "files-pull",
        "files-purge",
      ].filter((each) => inputs(registrations, `carla-${each}`)),
      ...(volume === undefined ? {} : { volume: true }),
    };
  }
  return course;
}

describe("a move", () => {
  it("from the pool to a database of its own", async () => {
    expect(await courseOf("starter", "professional")).toMatchInlineSnapshot(`
     {
       "cleanup": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [
           "files-purge",
         ],
         "route": "pool-professional warehouse-service",
         "rows": "purge bridge → pool",
       },
       "cutover": {
         "enters": [],
         "jobs": [
           "files-push",
           "files-pull",
         ],
         "route": "pool-professional warehouse-maintenance",
         "rows": "cutover pool → bridge",
       },
       "prepare": {
         "enters": [
           "warehouse_shared_rw",
         ],
         "jobs": [
           "files-purge",
         ],
         "route": "pool-starter warehouse-service",
         "rows": "",
       },
       "soak": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [
           "files-verify",
           "files-verify-target",
         ],
         "route": "pool-professional warehouse-service",
         "rows": "open pool → bridge",
       },
       "sync": {
         "enters": [
           "warehouse_shared_rw",
         ],
         "jobs": [
           "move-guard",
           "files-push",
           "files-pull",
         ],
         "route": "pool-starter warehouse-service",
         "rows": "copy pool → bridge",
       },
     }
    `);
  });
  it("from a pool's application to its own", async () => {
    expect(await courseOf("professional", "enterprise")).toMatchInlineSnapshot(`
     {
       "cleanup": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [
           "files-purge",
         ],
         "route": "own warehouse",
         "rows": "",
         "volume": true,
       },
       "cutover": {
         "enters": [],
         "jobs": [
           "files-push",
           "files-pull",
         ],
         "route": "own warehouse-maintenance",
         "rows": "cutover bridge → silo",
         "volume": true,
       },
       "prepare": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [],
         "route": "pool-professional warehouse-service",
         "rows": "",
         "volume": true,
       },
       "soak": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [
           "files-verify",
           "files-verify-target",
         ],
         "route": "own warehouse",
         "rows": "open bridge → silo",
         "volume": true,
       },
       "sync": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [
           "move-guard",
           "files-push",
           "files-pull",
         ],
         "route": "pool-professional warehouse-service",
         "rows": "copy bridge → silo",
         "volume": true,
       },
     }
    `);
  });
  it("from everything of its own to the pool", async () => {
    expect(await courseOf("enterprise", "starter")).toMatchInlineSnapshot(`
     {
       "cleanup": {
         "enters": [
           "warehouse_shared_rw",
         ],
         "jobs": [],
         "route": "pool-starter warehouse-service",
         "rows": "",
         "volume": true,
       },
       "cutover": {
         "enters": [],
         "jobs": [
           "files-push",
           "files-pull",
         ],
         "route": "pool-starter warehouse-maintenance",
         "rows": "cutover silo → pool",
         "volume": true,
       },
       "prepare": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [
           "files-purge",
         ],
         "route": "own warehouse",
         "rows": "purge silo → pool",
         "volume": true,
       },
       "soak": {
         "enters": [
           "warehouse_shared_rw",
         ],
         "jobs": [
           "files-verify",
           "files-verify-target",
         ],
         "route": "pool-starter warehouse-service",
         "rows": "open silo → pool",
         "volume": true,
       },
       "sync": {
         "enters": [
           "warehouse_carla_ro",
         ],
         "jobs": [
           "move-guard",
           "files-push",
           "files-pull",
         ],
         "route": "own warehouse",
         "rows": "copy silo → pool",
         "volume": true,
       },
     }
    `);
  });

  it("gives the login that moves no more than it needs, and only while it does", async () => {
    const memberships = async (phase: MovePhase): Promise<unknown[]> => {
      const registrations = await moving("starter", "professional", phase);
      return ["carla-owner", "carla-migrate", "carla-backup"].map(
        (name) => inputs(registrations, name)?.["roles"],
      );
    };
    const reader = "warehouse_carla_ro";
    const owner = ["warehouse_shared_rw", reader];
    const acting = ["warehouse_carla_owner"];
    expect(await memberships("sync")).toEqual([owner, acting, ["warehouse_shared_ro", reader]]);
    expect(await memberships("cutover")).toEqual([owner, [...acting, "warehouse_carla_app_a"], [reader]]);
    expect(await memberships("soak")).toEqual([owner, acting, [reader]]);
    const own = await renderCell(loadValid(registryOf({ id: "carla", plan: "professional" })));
    expect(inputs(own, "carla-owner")?.["roles"]).toEqual([reader]);
    const pooled = await renderCell(loadValid(registryOf({ id: "carla", plan: "starter" })));
    expect(inputs(pooled, "carla-owner") ?? inputs(pooled, "carla-migrate")).toBeUndefined();
  });

  it("uses the bucket with accounts of the tenant alone, in each namespace where its files are", async () => {
    const registrations = await moving("starter", "professional", "sync");
    const accounts = registrations.filter(({ type }) => type.endsWith(":ServiceAccount"));
    const places = accounts.map(({ name, inputs: given }) => {
      const metadata = given["metadata"] as { name: string; namespace: string };
      return [name, `${metadata.namespace}/${metadata.name}`];
    });
    expect(places.sort()).toEqual([
      ["carla-backup-account", "customer-carla/carla"],
      ["carla-backup-account-pool-professional", "pool-professional/carla"],
      ["carla-backup-account-pool-starter", "pool-starter/carla"],
      ["pool-professional-app-account", "pool-professional/warehouse-app"],
      ["pool-starter-app-account", "pool-starter/warehouse-app"],
    ]);
    const jobs = ["carla-move-guard", "carla-move", "carla-files-push", "carla-files-pull"].map((name) => {
      const { metadata, spec } = inputs(registrations, name) as {
        metadata: { namespace: string };
        spec: { template: { spec: { serviceAccountName: string } } };
      };
      return `${metadata.namespace}/${spec.template.spec.serviceAccountName}`;
    });
    expect(jobs).toEqual([
      "customer-carla/carla",
      "customer-carla/carla",
      "pool-starter/carla",
      "pool-professional/carla",
    ]);
  });

  it("holds the quota of both sides, and connections enough to copy", async () => {
    const quota = (registrations: readonly Registration[]) =>
      (inputs(registrations, "carla-quota") as { spec: { hard: Record<string, string> } }).spec.hard["pods"];
    for (const phase of MOVE_PHASES) {
      expect([phase, quota(await moving("enterprise", "starter", phase))]).toEqual([phase, "10"]);
      expect(inputs(await moving("starter", "enterprise", phase), "carla-migrate")?.["connectionLimit"]).toBe(
        3,
      );
    }
    const ended = await renderCell(loadValid(registryOf({ id: "carla", plan: "starter" })));
    expect(inputs(ended, "carla-quota")).toBeUndefined();
  });

  it("waits in prepare and sync with what the old plan has, and wants the new plan kept from cutover on", () => {
    const issues = (phase: MovePhase): string[] => {
      const migration = { kind: "placement", from: "enterprise", phase };
      const features = { ai_workflows: "full" };
      const loaded = load(registryOf({ id: "carla", plan: "professional", features, migration }));
      return loaded.ok ? [] : loaded.issues.map(formatIssue);
    };
    expect(issues("prepare")).toEqual([]);
    expect(issues("sync")).toEqual([]);
    expect(issues("cutover")).toEqual([
      expect.stringContaining(
        'carla.features.ai_workflows: "full" is more than Professional includes ("none")',
      ),
    ]);
  });

  it("leaves every neighbour as it is, in each phase", async () => {
    const acme = { id: "acme", plan: "starter" };
    const byKey = (all: readonly Registration[]) =>
      new Map(all.map(({ type, name, inputs: given }) => [`${type}::${name}`, JSON.stringify(given)]));
    const alone = byKey(await renderCell(loadValid(registryOf(acme))));
    for (const phase of MOVE_PHASES) {
      const recorded = phase === "soak" || phase === "cleanup" ? { checksum: SUM } : {};
      const carla = {
        id: "carla",
        plan: "enterprise",
        migration: { kind: "placement", from: "starter", phase, ...recorded },
      };
      const together = byKey(await renderCell(loadValid(registryOf(carla, acme))));
      for (const [key, given] of alone) {
        if (!/::pool-starter-(directory|alerts|reference-grant)$/.test(key))
          expect([key, together.get(key)]).toEqual([key, given]);
      }
    }
  });
});
