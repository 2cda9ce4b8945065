import { backupPrefix, databaseName, namespaceName, roleNames } from "../naming.ts";
import { perTenant, unique, type Rule } from "./rule.ts";

/** Ids that would collide with names of the platform, Kubernetes, PostgreSQL or the usual hosts of a domain. */
export const RESERVED_IDS: ReadonlySet<string> = new Set([
  ...["admin", "api", "app", "auth", "billing", "cell", "console", "dashboard", "default"],
  ...["docs", "grafana", "help", "internal", "localhost", "login", "mail", "metrics", "ops", "platform"],
  ...["pool", "postgres", "prometheus", "public", "root", "shared", "static", "status", "support", "system"],
  ...["kube-node-lease", "kube-public", "kube-system", "template0", "template1", "tenant", "tenants"],
  ...["autoconfig", "autodiscover", "imap", "mta-sts", "ns1", "ns2", "pop3", "smtp", "webmail", "www"],
]);

/** PostgreSQL cuts longer names silently, into a neighbour's; Kubernetes refuses them. */
const MAX_NAME_BYTES = 63;

/** An id belongs to one entry, tombstones included. */
export const uniqueIds: Rule = unique(
  ({ id }) => [{ key: id, path: ["id"] }],
  (id, _tenant, first) =>
    `"${id}" is already the id of the entry at ${first.place}; ids are unique and never reused`,
);

/** Names that tenants share a namespace for: databases, roles, namespaces, backup prefixes. */
const sharedNames = (id: string): string[] => [
  `database ${databaseName(id)}`,
  ...Object.values(roleNames(id)).map((role) => `role ${role}`),
  `namespace ${namespaceName(id)}`,
  `backup prefix ${backupPrefix(id)}`,
];

/** Different ids never lead to the same name, not even once the name is cut at 63 bytes. */
export const uniqueDerivedNames: Rule = unique(
  ({ id }) => sharedNames(id).map((name) => ({ key: cut(name), path: ["id"] })),
  (name, { entry }, first) =>
    entry.id === first.entry.id
      ? undefined // Said by uniqueIds.
      : `"${entry.id}" would have the same ${name} as "${first.entry.id}" at ${first.place}; choose another id`,
);

/** Cuts the name behind its kind. */
const cut = (name: string): string => name.replace(/\S+$/, (text) => text.slice(0, MAX_NAME_BYTES));

/** Some hosts and names belong to the platform. */
export const idsAreNotReserved: Rule = perTenant(({ id }) => [
  RESERVED_IDS.has(id) || /^(?:kube|pool|shared|warehouse)-/.test(id)
    ? { path: ["id"], message: `"${id}" is reserved for the platform; choose another id` }
    : undefined,
]);

/** The file of one tenant carries its id, so that it is found and is one. */
export const filesAreNamedAfterIds: Rule = ({ tenants }) =>
  tenants.flatMap((tenant) =>
    tenant.path.length === 0 && tenant.file !== `tenants/${tenant.entry.id}.yaml`
      ? [tenant.issue(["id"], `does not match the file's name; rename it to ${tenant.entry.id}.yaml`)]
      : [],
  );

/** An empty registry is a mistake: it would end every tenant. */
export const registryIsNotEmpty: Rule = ({ tenants, source }) =>
  tenants.length > 0
    ? []
    : [source.issue(["tenants"], "is empty; an empty registry would end every tenant", "key")];

/** A subscription pays for one tenant. */
export const uniqueSubscriptions: Rule = unique(
  ({ billing }) =>
    billing.subscriptionRef === undefined
      ? []
      : [{ key: billing.subscriptionRef, path: ["billing", "subscriptionRef"] }],
  (key, _tenant, first) =>
    `"${key}" already pays for "${first.entry.id}" at ${first.place}; a subscription belongs to one tenant`,
);
