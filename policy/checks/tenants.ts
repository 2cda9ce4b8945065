import {
  ALLOW_DELETE,
  CELL_LABEL,
  HOSTS_PREFIX,
  namespaceName,
  TENANT_LABEL,
} from "../../registry/naming.ts";
import type { CellView, Check } from "../cell.ts";
import { at, fieldsOf, listOf, textOf, textsOf } from "../fields.ts";
import type { Manifest } from "../manifest.ts";

const tenantOf = ({ metadata }: Manifest): string => metadata.labels?.[TENANT_LABEL] ?? "";

/** The hosts that a namespace is for; an archived tenant's, which may be deleted, is for none. */
function claimsOf({ metadata: { annotations = {} } }: Manifest, id: string): readonly string[] {
  const claims = annotations[HOSTS_PREFIX + id];
  return claims === undefined && annotations[ALLOW_DELETE] === id ? [] : (claims ?? "").split(",");
}

/** The hosts of the cell's tenants, as their namespaces say. */
const hostsOf = (cell: CellView): Map<string, readonly string[]> =>
  new Map(
    cell.ofKind("Namespace").flatMap((namespace) => {
      const id = namespace.metadata.annotations?.[TENANT_LABEL];
      return id === undefined ? [] : [[id, claimsOf(namespace, id)] as const];
    }),
  );

/** Namespaces are whose their name says, restricted, and bound to the cell's policies; no two claim a host. */
export const namespacesAreMarked: Check = function* (cell) {
  const claimed = new Map<string, string>();
  for (const namespace of cell.ofKind("Namespace")) {
    const { name, labels = {}, annotations = {} } = namespace.metadata;
    for (const mode of ["enforce", "audit", "warn"])
      if (labels[`pod-security.kubernetes.io/${mode}`] !== "restricted")
        yield [namespace, `Pod Security does not ${mode} "restricted"`];
    if ((labels[CELL_LABEL] ?? "") === "") yield [namespace, "no admission policy binds to it"];
    const id = annotations[TENANT_LABEL] ?? "";
    if (name.startsWith("customer-") && (namespaceName(id) !== name || labels[TENANT_LABEL] !== id))
      yield [namespace, "does not say whose it is"];
    for (const host of id === "" ? [] : claimsOf(namespace, id)) {
      const other = claimed.get(host);
      if (host === "" || host.includes("*")) yield [namespace, `claims "${host}", which is no host`];
      if (other !== undefined) yield [namespace, `claims ${host}, which is ${other}'s`];
      claimed.set(host, id);
    }
  }
};

/** Everything in a tenant's namespace carries its labels, which monitoring, cost and admission go by. */
export const objectsAreLabelled: Check = function* ({ manifests, workloads }) {
  for (const manifest of manifests) {
    const { namespace = "", labels = {} } = manifest.metadata;
    if (!namespace.startsWith("customer-")) continue;
    const id = namespace.slice("customer-".length);
    if (labels[TENANT_LABEL] !== id || labels["customer"] !== id)
      yield [manifest, `is not labelled as ${id}'s`];
  }
  for (const { manifest, namespace, labels } of workloads)
    if (namespace.startsWith("customer-") && labels["customer"] !== namespace.slice("customer-".length))
      yield [manifest, "its pods are not labelled as the tenant's"];
};

/** The hosts that an object of a kind claims. */
const CLAIMS: Readonly<Record<string, (spec: unknown) => readonly string[]>> = {
  Ingress: (spec) => [
    ...listOf(at(spec, "rules")).map(({ host }) => textOf(host)),
    ...listOf(at(spec, "tls")).flatMap(({ hosts }) => textsOf(hosts)),
  ],
  HTTPRoute: (spec) => textsOf(at(spec, "hostnames")),
  ListenerSet: (spec) => listOf(at(spec, "listeners")).map(({ hostname }) => textOf(hostname)),
  Certificate: (spec) => textsOf(at(spec, "dnsNames")),
};

/** Hosts of Ingresses, routes, listeners and certificates are the tenant's, and each of its hosts leads somewhere. */
export const hostsAreTheTenants: Check = function* (cell) {
  const tenants = hostsOf(cell);
  const served = new Set<string>();
  for (const manifest of cell.manifests) {
    const claims = CLAIMS[manifest.kind]?.(manifest["spec"]);
    if (claims === undefined) continue;
    const id = tenantOf(manifest);
    if (claims.length === 0) yield [manifest, "names no host"];
    for (const host of claims) {
      if (tenants.get(id)?.includes(host) !== true)
        yield [manifest, `claims "${host}", which is not ${id}'s`];
      if (manifest.kind === "Ingress" || manifest.kind === "HTTPRoute") served.add(host);
    }
  }
  for (const namespace of cell.ofKind("Namespace"))
    for (const host of tenants.get(tenantOf(namespace)) ?? [])
      if (!served.has(host)) yield [namespace, `nothing leads ${host} anywhere`];
};

/** TLS is ended with the tenant's own certificate, which exists and names the host. */
export const certificatesFit: Check = function* (cell) {
  for (const certificate of cell.ofKind("Certificate")) {
    const { secretName, issuerRef } = fieldsOf(certificate["spec"]);
    if (secretName !== `${tenantOf(certificate)}-tls` || certificate.metadata.name !== secretName)
      yield [certificate, "must be called <id>-tls, and its Secret too"];
    if (at(issuerRef, "kind") !== "ClusterIssuer")
      yield [certificate, "must be signed by the platform's issuer"];
  }
  const covers = (user: Manifest, secret: unknown, host: unknown): boolean =>
    cell
      .ofKind("Certificate", user.metadata.namespace)
      .some(
        (certificate) =>
          tenantOf(certificate) === tenantOf(user) &&
          at(certificate["spec"], "secretName") === secret &&
          textsOf(at(certificate["spec"], "dnsNames")).includes(textOf(host)),
      );
  for (const ingress of cell.ofKind("Ingress")) {
    const tls = listOf(at(ingress["spec"], "tls"));
    for (const { host } of listOf(at(ingress["spec"], "rules")))
      if (
        !tls.some(
          ({ hosts, secretName }) =>
            textsOf(hosts).includes(textOf(host)) && covers(ingress, secretName, host),
        )
      )
        yield [ingress, `${textOf(host)} has no certificate of the tenant`];
  }
  for (const listeners of cell.ofKind("ListenerSet"))
    for (const { hostname, protocol, tls, allowedRoutes } of listOf(at(listeners["spec"], "listeners"))) {
      const [reference] = listOf(at(tls, "certificateRefs"));
      if (protocol !== "HTTPS" || !covers(listeners, reference?.["name"], hostname))
        yield [listeners, `${textOf(hostname)} has no certificate of the tenant`];
      if (at(allowedRoutes, "namespaces", "from") !== "Same")
        yield [listeners, "lets routes of other namespaces in"];
    }
};

/** Every policy refuses, also what it cannot evaluate, and is in force. */
export const policiesAreInForce: Check = function* (cell) {
  const bindings = cell.ofKind("ValidatingAdmissionPolicyBinding");
  for (const policy of cell.ofKind("ValidatingAdmissionPolicy")) {
    if (at(policy["spec"], "failurePolicy") !== "Fail")
      yield [policy, "lets through what it cannot evaluate"];
    const own = bindings.filter(({ spec }) => at(spec, "policyName") === policy.metadata.name);
    if (!own.some(({ spec }) => textsOf(at(spec, "validationActions")).includes("Deny")))
      yield [policy, "is not in force"];
  }
};
