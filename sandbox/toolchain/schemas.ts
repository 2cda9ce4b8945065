import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { projectRoot } from "../layout.ts";
import { SandboxError } from "../lib/errors.ts";
import { run } from "../lib/run.ts";
import { certManager, gatewayApi, kubernetes, prometheusOperator } from "../versions.ts";
import { cached } from "./cache.ts";
import type { ToolchainContext } from "./context.ts";
import { obtainCrds } from "./crds.ts";

type Schema = Readonly<Record<string, unknown>>;
type Definitions = Readonly<Record<string, Schema>>;

const METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const KIND = "x-kubernetes-group-version-kind";

/** File of a kind, as kubeconform asks for it. */
export const SCHEMA_FILE = "{{.Group}}_{{.ResourceAPIVersion}}_{{.ResourceKind}}.json";
/** The core group has no name; kubeconform puts the version in its place. */
const fileOf = (group: string, version: string, kind: string): string =>
  `${group === "" ? version : group}_${version}_${kind.toLowerCase()}.json`;

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** OpenAPI as JSON Schema that allows no other fields than those it names. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (!isSchema(schema)) return schema;
  if (schema["format"] === "int-or-string") return { type: ["integer", "string"] };
  const entries = Object.entries(schema)
    // Formats are hints to clients, and some are no formats of JSON Schema.
    .filter(([key]) => key !== "format" && key !== "description" && key !== "default")
    .map(([key, value]) => [
      key,
      key === "properties" && isSchema(value)
        ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, strict(each)]))
        : strict(value),
    ]);
  const result = Object.fromEntries(entries) as Record<string, unknown>;
  const open = "additionalProperties" in schema || schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (isSchema(schema["properties"]) && !open) result["additionalProperties"] = false;
  if (schema["nullable"] === true && typeof schema["type"] === "string")
    result["type"] = [schema["type"], "null"];
  return result;
}

/** The definitions that a schema leads to, itself apart. */
function closure(schema: unknown, definitions: Definitions): Definitions {
  const found: Record<string, Schema> = {};
  const visit = (value: unknown): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(/"#\/definitions\/([^"]+)"/g)) {
      const next = definitions[name];
      if (next === undefined || name in found) continue;
      found[name] = next;
      visit(next);
    }
  };
  visit(schema);
  return found;
}

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** Writes a schema for each kind: of Kubernetes from its OpenAPI document, of custom resources from their definitions. */
function writeSchemas(openApi: string, crds: string, folder: string): void {
  const document = JSON.parse(readFileSync(openApi, "utf8")) as { readonly definitions: Definitions };
  const definitions = Object.fromEntries(
    Object.entries(document.definitions).map(([name, each]) => [name, strict(each) as Schema]),
  );
  const write = (file: string, schema: Schema): void => {
    writeFileSync(
      join(folder, file),
      JSON.stringify({ ...schema, definitions: closure(schema, definitions) }),
    );
  };
  for (const [name, definition] of Object.entries(document.definitions)) {
    const kinds = (definition[KIND] ?? []) as readonly { group: string; version: string; kind: string }[];
    const [only] = kinds;
    const schema = definitions[name];
    if (kinds.length === 1 && only !== undefined && schema !== undefined)
      write(fileOf(only.group, only.version, only.kind), schema);
  }
  for (const file of readdirSync(crds)) {
    const { spec } = parse(readFileSync(join(crds, file), "utf8")) as Crd;
    for (const { name, schema } of spec.versions) {
      const top = strict(schema.openAPIV3Schema) as { readonly properties: Schema };
      const metadata = { $ref: `#/definitions/${METADATA}` };
      write(fileOf(spec.group, name, spec.names.kind), {
        ...top,
        properties: { ...top.properties, metadata },
      });
    }
  }
}

/** The folder with a strict JSON Schema of every kind that the pinned API server and custom resources have. */
export async function obtainSchemas(context: ToolchainContext): Promise<string> {
  const crds = await obtainCrds(context);
  const name = `schemas-${kubernetes}-${gatewayApi}-${certManager}-${prometheusOperator}`;
  return cached(
    context,
    name,
    (folder) => existsSync(join(folder, fileOf("apps", "v1", "Deployment"))),
    async (staging) => {
      mkdirSync(staging, { recursive: true });
      const result = await run("go", ["mod", "download", "-json", `k8s.io/kubernetes@v${kubernetes}`], {
        cwd: join(projectRoot, "sandbox", "toolchain", "kubernetes"),
        env: { ...context.env, GOFLAGS: "-mod=mod", GOWORK: "off" },
      });
      const { Dir } = JSON.parse(result.stdout === "" ? "{}" : result.stdout) as { readonly Dir?: string };
      if (Dir === undefined)
        throw new SandboxError(
          `The API description of Kubernetes ${kubernetes} could not be downloaded: ${result.stderr.trim()}`,
        );
      writeSchemas(join(Dir, "api", "openapi-spec", "swagger.json"), crds, staging);
    },
  );
}
