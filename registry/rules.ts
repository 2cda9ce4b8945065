import { AI_WORKFLOWS, CHATBOTS, type Catalogue } from "./catalogue.ts";
import type { SourceDocument } from "./document.ts";
import { suggest, type Issue } from "./issues.ts";
import { backupPrefix, databaseName, namespaceName, roleNames } from "./naming.ts";
import type { Registry, TenantEntry } from "./schema.ts";

/** What the rules look at: a registry whose every field has passed the schema, with its source for places. */
export interface RuleInput {
  readonly source: SourceDocument;
  readonly registry: Registry;
  readonly catalogue: Catalogue;
  /** The platform's domain, e.g. yourwarehousesaas.com. */
  readonly baseDomain: string;
}

/** A rule across fields or entries; returns every violation. */
export type Rule = (input: RuleInput) => readonly Issue[];

/** Ids that would collide with names of the platform, Kubernetes or PostgreSQL. */
export const RESERVED_IDS: readonly string[] = [
  "admin",
  "api",
  "app",
  "billing",
  "cell",
  "default",
  "grafana",
  "kube-node-lease",
  "kube-public",
  "kube-system",
  "mail",
  "ops",
  "platform",
  "pool",
  "postgres",
  "prometheus",
  "root",
  "shared",
  "static",
  "status",
  "system",
  "template0",
  "template1",
  "tenant",
  "tenants",
  "www",
];

/** Reports every entry that shares a key with an earlier one; `describe` is given that one and its place. */
function collisions(
  { source, registry }: RuleInput,
  keysOf: (
    tenant: TenantEntry,
    index: number,
  ) => readonly { readonly key: string; readonly path: readonly PropertyKey[] }[],
  describe: (key: string, tenant: TenantEntry, first: TenantEntry, place: string) => string | undefined,
): Issue[] {
  const seen = new Map<string, { tenant: TenantEntry; path: readonly PropertyKey[] }>();
  const issues: Issue[] = [];
  for (const [index, tenant] of registry.tenants.entries()) {
    for (const { key, path } of keysOf(tenant, index)) {
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, { tenant, path });
        continue;
      }
      const place = source.issue(first.path, "");
      const message = describe(key, tenant, first.tenant, `${place.file}:${place.line ?? 1}`);
      if (message === undefined) continue;
      issues.push(source.issue(path, message));
      break; // One collision of an entry says it all.
    }
  }
  return issues;
}

/** An id names one tenant for ever. */
export const uniqueIds: Rule = (input) =>
  collisions(
    input,
    ({ id }, index) => [{ key: id, path: ["tenants", index, "id"] }],
    (id, _tenant, _first, place) =>
      `"${id}" is already the id of the entry at ${place}; ids are unique and never reused`,
  );

/** Two ids must not meet in any name derived from them, in PostgreSQL, Kubernetes or the bucket. */
export const uniqueDerivedNames: Rule = (input) =>
  collisions(
    input,
    ({ id }, index) =>
      [
        `database ${databaseName(id)}`,
        ...Object.values(roleNames(id)).map((role) => `role ${role}`),
        `namespace ${namespaceName(id)}`,
        `backup prefix ${backupPrefix(id)}`,
      ].map((key) => ({ key, path: ["tenants", index, "id"] })),
    (name, tenant, first, place) =>
      tenant.id === first.id
        ? undefined // Said by uniqueIds.
        : `"${tenant.id}" would have the same ${name} as "${first.id}" at ${place}; choose another id`,
  );

/** A host leads to one tenant. */
export const uniqueHosts: Rule = (input) =>
  collisions(
    input,
    (tenant, index) =>
      tenant.domains.map(({ host }, at) => ({ key: host, path: ["tenants", index, "domains", at, "host"] })),
    (host, _tenant, first, place) =>
      `"${host}" already belongs to "${first.id}" at ${place}; a host leads to one tenant`,
  );

/** Hosts on the platform's own domain come from ids, never from `domains`. */
export const domainsAreForeign: Rule = ({ source, registry, baseDomain }) =>
  registry.tenants.flatMap((tenant, index) =>
    tenant.domains.flatMap(({ host }, at) =>
      host === baseDomain || host.endsWith(`.${baseDomain}`)
        ? [
            source.issue(
              ["tenants", index, "domains", at, "host"],
              `"${host}" is on the platform's domain ${baseDomain}; remove it, ids give those hosts`,
            ),
          ]
        : [],
    ),
  );

/** Hosts under the base domain come from ids; some belong to the platform. */
export const noReservedIds: Rule = ({ source, registry }) =>
  registry.tenants.flatMap((tenant, index) =>
    RESERVED_IDS.includes(tenant.id)
      ? [
          source.issue(
            ["tenants", index, "id"],
            `"${tenant.id}" is reserved for the platform; choose another id`,
          ),
        ]
      : [],
  );

/** A tenant runs a version that has been released. */
export const releasesExist: Rule = ({ source, registry }) => {
  const versions = Object.keys(registry.releases.versions);
  return registry.tenants.flatMap((tenant, index) =>
    versions.includes(tenant.release)
      ? []
      : [
          source.issue(
            ["tenants", index, "release"],
            `"${tenant.release}" is not in releases.versions; ${suggest(tenant.release, versions)}`,
          ),
        ],
  );
};

/** Features stay within what the plan entitles to. */
export const featuresWithinPlan: Rule = ({ source, registry, catalogue }) =>
  registry.tenants.flatMap((tenant, index) => {
    const { entitlements, displayName } = catalogue.plans[tenant.plan];
    const { ai_workflows, chatbot, custom_theme, integrations } = tenant.features;
    const at = (field: string, message: string): Issue =>
      source.issue(["tenants", index, "features", field], message);
    const issues: Issue[] = [];
    if (
      ai_workflows !== undefined &&
      AI_WORKFLOWS.indexOf(ai_workflows) > AI_WORKFLOWS.indexOf(entitlements.aiWorkflows)
    ) {
      issues.push(
        at(
          "ai_workflows",
          `"${ai_workflows}" is more than ${displayName} includes ("${entitlements.aiWorkflows}"); lower it or raise the plan`,
        ),
      );
    }
    if (chatbot !== undefined && CHATBOTS.indexOf(chatbot) > CHATBOTS.indexOf(entitlements.chatbot)) {
      issues.push(
        at(
          "chatbot",
          `"${chatbot}" is more than ${displayName} includes ("${entitlements.chatbot}"); lower it or raise the plan`,
        ),
      );
    }
    if (custom_theme !== undefined && !entitlements.branding) {
      issues.push(at("custom_theme", `${displayName} includes no custom theme; remove it or raise the plan`));
    }
    if (integrations.length > 0 && !entitlements.integrations) {
      issues.push(
        at("integrations", `${displayName} includes no integrations; remove them or raise the plan`),
      );
    }
    if (tenant.domains.length > entitlements.customDomains) {
      issues.push(
        source.issue(
          ["tenants", index, "domains"],
          `${tenant.domains.length} are more than the ${entitlements.customDomains} that ${displayName} includes; remove some or raise the plan`,
        ),
      );
    }
    if (new Set(integrations).size < integrations.length) {
      issues.push(at("integrations", "lists an integration twice; keep one"));
    }
    return issues;
  });

/** Only placements that the program can deploy. */
export const placementIsDeployable: Rule = ({ source, registry, catalogue }) =>
  registry.tenants.flatMap((tenant, index) => {
    const { placement } = catalogue.plans[tenant.plan];
    if (placement === "silo") return [];
    return [
      source.issue(
        ["tenants", index, "plan"],
        `"${tenant.plan}" is placed in a ${placement}, which this version cannot deploy yet; use a plan with placement silo`,
      ),
    ];
  });

/** Every rule, in the order of their issues' importance to a reader. */
export const rules: readonly Rule[] = [
  uniqueIds,
  uniqueDerivedNames,
  uniqueHosts,
  domainsAreForeign,
  noReservedIds,
  releasesExist,
  featuresWithinPlan,
  placementIsDeployable,
];
