import { Ajv } from "ajv";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildBilling } from "../../billing/build.ts";
import { billingSchema } from "../../billing/contract.ts";
import { CATALOGUE_FILE, REGISTRY_FILE } from "../../registry/files.ts";
import { formatIssues } from "../../registry/issues.ts";
import { loadRegistry } from "../../registry/load.ts";
import { BASE_DOMAIN, NOW, PROJECT, registryOf, tombstone, withProject } from "../support/registry.ts";

/** What 1.0.0 said of the golden registry and its plans, and the schema it published. Never edited. */
const GOLDEN = join(PROJECT, "test/billing/golden");
const read = (file: string): unknown => JSON.parse(readFileSync(join(GOLDEN, file), "utf8"));
const present = JSON.parse(readFileSync(join(PROJECT, "billing/billing.schema.json"), "utf8")) as Schema;

const registry = registryOf(
  { id: "pooled", plan: "starter", billing: { customerRef: "cus_1", subscriptionRef: "sub_1" } },
  { id: "bridged", plan: "professional", state: "past_due" },
  { id: "tried", plan: "ai_enhanced", state: "trial" },
  { id: "held", plan: "enterprise", state: "suspended" },
  { id: "moving", plan: "enterprise", migration: { kind: "placement", from: "starter", phase: "sync" } },
  tombstone,
);
const output = withProject(
  { [REGISTRY_FILE]: registry, [CATALOGUE_FILE]: readFileSync(join(GOLDEN, "plans.yaml"), "utf8") },
  (dir) => {
    const loaded = loadRegistry(dir, { baseDomain: BASE_DOMAIN, now: NOW });
    if (!loaded.ok) throw new Error(formatIssues(loaded.issues));
    return buildBilling(loaded.value, "golden");
  },
);

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
}

/** What a reader of the old schema could trip over in the new one. */
function breaks(old: Schema, now: Schema, path = ""): string[] {
  const { properties = {}, required = [] } = old;
  const isObject = (schema: Schema["additionalProperties"]): schema is Schema => typeof schema === "object";
  return [
    ...(JSON.stringify(old.type) === JSON.stringify(now.type) ? [] : [`${path}: another type`]),
    ...(old.const === now.const && old.pattern === now.pattern ? [] : [`${path}: another form`]),
    ...(old.enum === undefined || (now.enum ?? [undefined]).every((value) => old.enum?.includes(value))
      ? []
      : [`${path}: values that were not there`]),
    ...(now.additionalProperties === false ? [`${path}: refuses fields of later versions`] : []),
    ...required
      .filter((key) => now.required?.includes(key) !== true)
      .map((key) => `${path}/${key}: may be missing`),
    ...Object.entries(properties).flatMap(([key, child]) => {
      const next = now.properties?.[key];
      return next === undefined ? [`${path}/${key}: is gone`] : breaks(child, next, `${path}/${key}`);
    }),
    ...(isObject(old.additionalProperties) && isObject(now.additionalProperties)
      ? breaks(old.additionalProperties, now.additionalProperties, `${path}/*`)
      : []),
  ];
}

const accepts = (schema: object, value: unknown): string => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  return ajv.validate(schema, value) ? "" : ajv.errorsText();
};

describe("the billing contract", () => {
  it("still says what 1.0.0 said, revisions and keys included", () => {
    if (process.env["RECORD_GOLDEN"] === "1")
      writeFileSync(join(GOLDEN, "v1.0.0.output.json"), `${JSON.stringify(output, undefined, 2)}\n`);
    const { contractVersion, ...golden } = read("v1.0.0.output.json") as Record<string, unknown>;
    expect(output).toMatchObject(golden);
    expect(output.contractVersion.split(".")[0]).toBe(String(contractVersion).split(".")[0]);
  });

  it("is read by those who check by the schema of 1.0.0, and reads outputs of then", () => {
    expect(accepts(read("v1.0.0.schema.json") as object, output)).toBe("");
    expect(accepts(present, read("v1.0.0.output.json"))).toBe("");
    expect(billingSchema.safeParse(read("v1.0.0.output.json")).success).toBe(true);
  });

  it("has a schema that lets unknown fields pass and refuses wrong ones", () => {
    const [id, record] = Object.entries(output.tenants)[0] ?? [];
    if (id === undefined || record === undefined) throw new Error("no tenant");
    const withRecord = (change: object) => ({
      ...output,
      later: 1,
      tenants: { [id]: { ...record, later: 1, ...change } },
    });
    expect(accepts(present, withRecord({}))).toBe("");
    expect(accepts(present, withRecord({ priceMinor: 99.5 }))).toContain("priceMinor must be integer");
    expect(accepts(present, withRecord({ revision: "x" }))).toContain("revision must match pattern");
  });

  it("has not broken the schema of 1.0.0", () => {
    expect(breaks(read("v1.0.0.schema.json") as Schema, present)).toEqual([]);
  });

  it.each<[string, (schema: Schema) => Schema, string]>([
    ["a removal", (s) => ({ ...s, properties: {} }), "/currency: is gone"],
    [
      "another type",
      (s) => ({ ...s, properties: { ...s.properties, currency: { type: "integer" } } }),
      "/currency: another type",
    ],
    ["a field that may be missing", (s) => ({ ...s, required: [] }), "/tenants: may be missing"],
    ["a closed schema", (s) => ({ ...s, additionalProperties: false }), ": refuses fields of later versions"],
  ])("would find %s", (_, change, found) => {
    expect(breaks(read("v1.0.0.schema.json") as Schema, change(present))).toContain(found);
  });
});
