import { renderCell } from "../support/cell.ts";
import type { Registration } from "../support/mocks.ts";
import { loadValid, registryOf, tombstone } from "../support/registry.ts";

const finalBackup = {
  id: "carla-20260401T000000Z",
  sha256: "4".repeat(64),
  verifiedAt: "2026-04-01T01:00:00Z",
};

const OFFBOARDING = { reason: "unpaid", purgeAfter: "2026-05-01T00:00:00Z" };

/** What the program registers for a tenant that leaves. */
function leaving(
  plan: string,
  state: "offboarding" | "archived",
  more: object = {},
): Promise<Registration[]> {
  const offboarding = {
    ...OFFBOARDING,
    ...(state === "archived" ? { finalBackup } : {}),
    ...more,
  };
  return renderCell(loadValid(registryOf({ id: "carla", plan, state, offboarding })));
}

const ofTenant = (registrations: readonly Registration[]): Registration[] =>
  registrations.filter(({ name, type }) => name.startsWith("carla-") && !type.startsWith("warehouse:"));

interface JobSpec {
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: [
          { readonly args?: string[]; readonly env: { readonly name: string; readonly value?: string }[] },
        ];
      };
    };
  };
}

/** The Jobs: namespace and command by logical name. */
function jobs(registrations: readonly Registration[]): Record<string, string> {
  return Object.fromEntries(
    ofTenant(registrations)
      .filter(({ type }) => type.endsWith(":Job"))
      .map(({ name, inputs }): [string, string] => {
        const { metadata, spec } = inputs as unknown as JobSpec;
        return [name, `${metadata.namespace} ${spec.template.spec.containers[0].args?.join(" ") ?? "init"}`];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const env = (registrations: readonly Registration[], name: string): Record<string, string> => {
  const job = ofTenant(registrations).find((each) => each.name === name)?.inputs as unknown as JobSpec;
  return Object.fromEntries(
    job.spec.template.spec.containers[0].env.map(({ name: key, value = "" }) => [key, value]),
  );
};
const inputs = (registrations: readonly Registration[], name: string): Record<string, unknown> | undefined =>
  ofTenant(registrations).find((each) => each.name === name)?.inputs;

describe("a tenant in state offboarding", () => {
  it.each([
    ["enterprise", "customer-carla"],
    ["professional", "pool-professional"],
    ["starter", "pool-starter"],
  ])("of plan %s is shut out, backed up for the last time, exported and proven", async (plan, home) => {
    const registrations = await leaving(plan, "offboarding");
    expect(jobs(registrations)).toEqual({
      "carla-export": `${home} export`,
      "carla-final-backup": `${home} backup`,
      "carla-final-verify": "warehouse-ops final-verify",
      "carla-shut-out": "customer-carla shut-out",
    });
    expect(env(registrations, "carla-final-backup")).toMatchObject({
      BACKUP_KIND: "final",
      BACKUP_RETAIN_DAYS: "0",
      BACKUP_SCOPE: plan === "starter" ? "rows" : "database",
    });
  });

  it("gets no bundle where none is due", async () => {
    expect(jobs(await leaving("starter", "offboarding", { export: "none" }))).not.toHaveProperty(
      "carla-export",
    );
  });

  it("answers with the maintenance response, and is neither backed up by schedule nor watched", async () => {
    const registrations = await leaving("enterprise", "offboarding");
    expect(inputs(registrations, "carla-app")).toMatchObject({ spec: { replicas: 0 } });
    expect(inputs(registrations, "carla-service")).toMatchObject({
      spec: { selector: { app: "warehouse-maintenance" } },
    });
    expect(inputs(registrations, "carla-route")).toBeDefined();
    expect(inputs(registrations, "carla-backup")).toBeDefined();
    const cronJob = ofTenant(registrations).find(({ type }) => type.endsWith(":CronJob"));
    expect(cronJob?.inputs).toMatchObject({ spec: { suspend: true } });
    expect(inputs(registrations, "carla-alerts")).toBeUndefined();
    const pooled = await renderCell(
      loadValid(
        registryOf(
          { id: "dora", plan: "starter" },
          { id: "carla", plan: "starter", state: "offboarding", offboarding: OFFBOARDING },
        ),
      ),
    );
    const rules = JSON.stringify(pooled.find(({ name }) => name === "pool-starter-alerts")?.inputs);
    expect([rules.includes('"tenant":"dora"'), rules.includes('"tenant":"carla"')]).toEqual([true, false]);
  });

  it("cannot enter its database", async () => {
    expect(inputs(await leaving("enterprise", "offboarding"), "carla-rw")).toMatchObject({ roles: [] });
    expect(inputs(await leaving("starter", "offboarding"), "carla-app-a")).toMatchObject({ roles: [] });
  });
});

describe("an archived tenant", () => {
  it.each([
    ["enterprise", { "carla-archive-files": "customer-carla archive-files" }],
    ["professional", { "carla-archive-files": "pool-professional archive-files" }],
    [
      "starter",
      {
        "carla-archive-files": "pool-starter archive-files",
        "carla-archive-rows": "customer-carla archive-rows",
      },
    ],
  ])("of plan %s empties what is not its own database", async (plan, expected) => {
    const registrations = await leaving(plan, "archived");
    expect(jobs(registrations)).toEqual(expected);
    expect(env(registrations, "carla-archive-files")).toMatchObject({
      FINAL_BACKUP_ID: finalBackup.id,
      FINAL_BACKUP_SHA256: finalBackup.sha256,
      FINAL_BACKUP_VERIFIED_AT: finalBackup.verifiedAt,
    });
  });

  it("has nothing left that serves", async () => {
    for (const plan of ["enterprise", "professional", "starter"]) {
      const types = new Set(
        ofTenant(await leaving(plan, "archived")).map(({ type }) => type.split(":").at(-1)),
      );
      for (const gone of [
        "Deployment",
        "Service",
        "HTTPRoute",
        "CronJob",
        "PrometheusRule",
        "ServiceMonitor",
      ]) {
        expect(types).not.toContain(gone);
      }
      expect(types).toContain("Namespace");
      expect(types.has("Database")).toBe(plan !== "starter");
    }
  });
});

describe("a deleted tenant", () => {
  it("has no resource", async () => {
    const registrations = await renderCell(loadValid(registryOf({ id: "acme" }, tombstone)));
    expect(registrations.filter(({ name }) => name.startsWith("gone"))).toEqual([]);
  });
});
