import { reviewOf, type Review } from "../../review/review.ts";
import { readPreview, type Preview } from "../../review/preview.ts";
import { tenantChanges } from "../../cli/tenantDiff.ts";
import { forbiddenChanges } from "../../registry/transitions.ts";
import { recorded, recordedText } from "../support/previews.ts";
import { loadValid, realRegistry, registryOf, tombstone } from "../support/registry.ts";

const review = (
  previews: readonly Preview[],
  edited = realRegistry,
  kind: Review["kind"] = "preview",
): Review => {
  const [before, after] = [loadValid(), loadValid(edited)];
  const [changes, issues] = [tenantChanges(before, after), forbiddenChanges(before, after)];
  return reviewOf({ kind, previews, before, after, changes, issues });
};

describe("reviewOf", () => {
  it("counts who does not change", () => {
    expect(review([recorded("same")])).toMatchObject({
      verdict: "none",
      tenants: [],
      unchanged: 2,
      cells: [{ cell: "sandbox", resources: [] }],
    });
  });

  it("knows without any preview what the registry changes", () => {
    const edited = realRegistry.replace(
      'plan: ai_enhanced\n    since: "2025-11',
      'plan: enterprise\n    since: "2026-11',
    );
    expect(review([], edited)).toMatchObject({
      verdict: "changes",
      tenants: [
        {
          id: "beta",
          before: { plan: "ai_enhanced", priceMinor: 39900 },
          after: { plan: "enterprise", priceMinor: 69900 },
          delta: { priceMinor: 30000, costMinor: 7500, marginMinor: 22500 },
        },
      ],
      delta: { priceMinor: 30000, costMinor: 7500, marginMinor: 22500 },
    });
  });

  it("merges the previews of several cells", () => {
    const west = recordedText("release").replace(/"warehouse:cell":\s*"sandbox"/, '"warehouse:cell":"west"');
    const merged = review([recorded("drift"), readPreview(west, "west")]);
    expect(merged.tenants.map(({ id, cells }) => [id, cells])).toEqual([
      ["acme", ["west"]],
      ["beta", ["sandbox"]],
    ]);
    expect(merged.cells.map(({ cell }) => cell)).toEqual(["sandbox", "west"]);
  });

  it("puts what is destroyed before what loses its protection", () => {
    const change = (op: string, name: string, type: string, now?: object) => ({
      op,
      urn: `urn:pulumi:s::p::warehouse:tenancy:TenantStack$${type}::${name}`,
      oldState: { type, custom: true, protect: true },
      ...(now === undefined ? {} : { newState: { type, custom: true, ...now } }),
    });
    const steps = [
      change("update", "acme-database", "postgresql:index/database:Database", {}),
      change("delete", "acme-thing", "example:index:Thing"),
      change("replace", "beta-database", "postgresql:index/database:Database", { protect: true }),
    ];
    const { verdict, risks } = review([readPreview(JSON.stringify({ steps }), "s")]);
    expect(verdict).toBe("risk");
    expect(risks.map(({ kind, tenant, subject }) => [kind, tenant, subject])).toEqual([
      ["replaced", "beta", "Database beta-database"],
      ["deleted", "acme", "Thing acme-thing"],
      ["unprotected", "acme", "Database acme-database"],
    ]);
  });

  it("tells of the engine's refusal to replace what is protected, though it has no step for it", () => {
    const { verdict, risks, problems } = review([recorded("refused")]);
    expect(verdict).toBe("blocked");
    expect(risks.map(({ tenant, subject }) => `${tenant ?? ""} ${subject}`).sort()).toEqual([
      "acme PersistentVolumeClaim acme-uploads",
      "beta PersistentVolumeClaim beta-uploads",
    ]);
    expect(problems).toHaveLength(2);
  });

  it("sees the deletion of data that only the registry tells", () => {
    const [before, after] = [loadValid(registryOf({ id: "gone" })), loadValid(registryOf(tombstone))];
    const { risks } = reviewOf({ kind: "preview", previews: [], before, after, changes: [], issues: [] });
    expect(risks).toMatchObject([{ kind: "erased", tenant: "gone", subject: "state active → deleted" }]);
  });

  it("finds the tenant with the longest id that fits where a resource has no parent in the preview", () => {
    const registry = registryOf({ id: "acme" }, { id: "acme-2" });
    const type = "kubernetes:core/v1:Service";
    const step = {
      op: "update",
      urn: `urn:pulumi:s::p::warehouse:tenancy:TenantStack$${type}::acme-2-service`,
      newState: { type, custom: true },
    };
    const loaded = loadValid(registry);
    const { tenants } = reviewOf({
      kind: "preview",
      previews: [readPreview(JSON.stringify({ steps: [step] }), "s")],
      before: loaded,
      after: loaded,
      changes: [],
      issues: [],
    });
    expect(tenants.map(({ id }) => id)).toEqual(["acme-2"]);
  });

  it.each(["", "{", "[]", '{"steps": 1}', recordedText("plan").slice(0, 5000)])(
    "is blocked by what is no preview (%#)",
    (text) => {
      expect(review([readPreview(text, "west")])).toMatchObject({
        verdict: "blocked",
        problems: [{ cell: "west", message: expect.stringContaining("is no output of") as string }],
      });
    },
  );
});

describe("a review", () => {
  const secret = "hunter2-hunter2";
  const type = (name: string, inputs: object, path: string, resource = "kubernetes:core/v1:ConfigMap") => ({
    op: "update",
    urn: `urn:pulumi:s::p::warehouse:tenancy:TenantStack$${resource}::acme-${name}`,
    oldState: { type: resource, custom: true, inputs: {} },
    newState: { type: resource, custom: true, inputs },
    detailedDiff: { [path]: { kind: "update" } },
  });

  it.each([
    [
      "a Secret",
      type("a", { stringData: { anything: secret } }, "stringData.anything", "kubernetes:core/v1:Secret"),
    ],
    ["a whole Secret", type("a", { data: { anything: secret } }, "data", "kubernetes:core/v1:Secret")],
    ["a password", type("a", { spec: { adminPassword: secret } }, "spec.adminPassword")],
    ["a variable", type("a", { env: [{ name: "API_TOKEN", value: secret }] }, "env[0].value")],
    ["a list of variables", type("a", { env: [{ name: "API_TOKEN", value: secret }] }, "env")],
    ["a URL", type("a", { data: { url: `postgres://app:${secret}@db/x` } }, "data.url")],
    ["a key in quotes", type("a", { data: { "my.secret": secret } }, 'data["my.secret"]')],
  ])("masks %s that the engine does not know to be secret", (_, step) => {
    const text = JSON.stringify(review([readPreview(JSON.stringify({ steps: [step] }), "s")]));
    expect(text).toContain("[secret]");
    expect(text).not.toContain(secret);
  });

  it("passes on no message about a Secret, and no password of a URL in any", () => {
    const diagnostics = [
      {
        urn: "urn:pulumi:s::p::x$kubernetes:core/v1:Secret::acme-db",
        message: `error: ${secret}`,
        severity: "error",
      },
      { message: `error: cannot reach postgres://app:${secret}@db/x`, severity: "error" },
    ];
    const { problems } = review([readPreview(JSON.stringify({ diagnostics }), "s")]);
    expect(problems.map(({ message }) => message)).toEqual([
      "acme-db: failed; what was said is not shown, because it may hold secrets",
      "cannot reach postgres://app:[secret]@db/x",
    ]);
  });

  it("leaves names of Secrets and switches as they are", () => {
    const inputs = { automountServiceAccountToken: false, secretName: "acme-tls" };
    const step = {
      ...type("a", inputs, "secretName"),
      detailedDiff: { secretName: { kind: "add" }, automountServiceAccountToken: { kind: "add" } },
    };
    const [tenant] = review([readPreview(JSON.stringify({ steps: [step] }), "s")]).tenants;
    expect(tenant?.resources[0]?.properties).toEqual([
      { path: "automountServiceAccountToken", from: undefined, to: false },
      { path: "secretName", from: undefined, to: "acme-tls" },
    ]);
  });
});
