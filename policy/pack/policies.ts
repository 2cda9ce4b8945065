import {
  type Policies,
  type ResourceValidationArgs,
  Secret,
  type StackValidationArgs,
  type StackValidationPolicy,
} from "@pulumi/policy";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Catalogue, catalogueSchema } from "../../registry/catalogue.ts";
import { checkSchema, parseSource } from "../../registry/document.ts";
import { CATALOGUE_FILE } from "../../registry/files.ts";
import type { Checked } from "../../registry/issues.ts";
import { type Fields, fieldsOf } from "../fields.ts";
import {
  bucketsAreProtected,
  cellIsHardened,
  costLeavesCompute,
  dataIsProtected,
  deletionIsVerified,
  noPlaintextSecret,
  objectsAreHardened,
  scalingFollowsPlan,
  type ResourceRule,
  type StackRule,
} from "./rules.ts";
import { type Declared, secret } from "./resource.ts";

/** What the framework shows of a value instead of it: proxies that unwrap secrets and throw at what is unknown. */
interface Proxied {
  readonly __isSpecialProxy?: boolean;
  readonly __getSpecialProxyTarget?: unknown;
}

/** The value behind the framework's proxies, with its marks. */
function declaredValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const { __isSpecialProxy: isProxy, __getSpecialProxyTarget: target } = value as Proxied;
  if (isProxy === true) return declaredValue(target);
  if (value instanceof Secret) return secret(declaredValue(value.value));
  if (Array.isArray(value)) return value.map(declaredValue);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, declaredValue(field)]));
}

/** The catalogue; what is wrong with it, the program itself says. */
function readCatalogue(projectDir: string): Checked<Catalogue> {
  const source = parseSource(CATALOGUE_FILE, readFileSync(join(projectDir, CATALOGUE_FILE), "utf8"));
  return source.ok ? checkSchema(source.value, catalogueSchema) : source;
}

/**
 * The rules as policies. The framework unwraps secrets before a validation sees them, but not before a remediation: so
 * each resource is taken down as it passes there, inputs and marks, and nothing is remedied. Rules over the whole stack look
 * at what was taken down as well: its outputs, which the engine offers them, would be unknown during a preview.
 */
export function policies(projectDir: string): Policies {
  const declared = new Map<string, Declared>();
  const takeDown = ({ urn, type, name, props, opts }: ResourceValidationArgs): void => {
    const inputs: Fields = fieldsOf(declaredValue(props));
    declared.set(urn, { type, name, inputs, protect: opts.protect });
  };
  const ofResource = (name: string, description: string, rule: ResourceRule) => ({
    name,
    description,
    enforcementLevel: "mandatory" as const,
    validateResource: ({ urn }: ResourceValidationArgs, report: (message: string) => void) => {
      const resource = declared.get(urn);
      if (resource === undefined) throw new Error(`${urn} was validated before it was taken down`);
      for (const message of rule(resource)) report(message);
    },
  });
  const ofStack = (name: string, description: string, rule: StackRule): StackValidationPolicy => ({
    name,
    description,
    enforcementLevel: "mandatory",
    validateStack: (args: StackValidationArgs, report) => {
      if (args.resources.some(({ urn, type }) => type.startsWith("kubernetes:") && !declared.has(urn)))
        args.notApplicable("the run has targets: it does not show the whole stack");
      const urns = new Map([...declared].map(([urn, resource]) => [resource, urn]));
      for (const [resource, message] of rule([...declared.values()])) report(message, urns.get(resource));
    },
  });
  const catalogue = readCatalogue(projectDir);
  return [
    {
      ...ofResource("no-plaintext-secret", "Secrets are marked as secret.", noPlaintextSecret),
      // The level at which the framework calls for remedies; what is found is as mandatory.
      enforcementLevel: "remediate",
      remediateResource: takeDown,
    },
    ofResource(
      "hardened-objects",
      "Pods are restricted, limited and named by digest; no annotation steers a proxy.",
      objectsAreHardened,
    ),
    ofResource("protected-buckets", "Buckets are protected.", bucketsAreProtected),
    ofStack("protected-data", "What holds data is protected.", dataIsProtected),
    ofStack("verified-deletion", "Nothing of a tenant goes before its data is verified.", deletionIsVerified),
    ofStack("hardened-cell", "Namespaces are isolated, limited and marked.", cellIsHardened),
    ...(catalogue.ok
      ? [
          ofStack(
            "scaling-follows-plan",
            "Autoscalers stay within the bounds of their plan.",
            scalingFollowsPlan(catalogue.value),
          ),
          {
            ...ofStack(
              "cost-leaves-compute",
              "A plan's cost leaves more for compute than the plan below it.",
              costLeavesCompute(catalogue.value),
            ),
            enforcementLevel: "advisory" as const,
          },
        ]
      : []),
  ];
}
