import { GATEWAY_API, namespaceName } from "../../../registry/naming.ts";
import { cel, optional, OWNERSHIP, PLAIN_PATH, plainAnnotations, type AdmissionPolicy } from "./policy.ts";

/** Ingresses lead hosts of their tenant, named one by one, to Services of their namespace. */
export const ingresses: AdmissionPolicy = {
  subject: "ingresses",
  matches: [{ group: "networking.k8s.io", resources: ["ingresses"] }],
  variables: [
    ...OWNERSHIP,
    { name: "rules", expression: optional("spec.?rules", "[]") },
    { name: "tls", expression: optional("spec.?tls", "[]") },
    {
      name: "paths",
      expression: "variables.rules.map(rule, rule.?http.?paths.orValue([]).map(path, path))",
    },
  ],
  validations: [
    {
      expression: "!has(object.spec.defaultBackend) && variables.rules.size() > 0",
      message: "an Ingress must not answer hosts that it does not name",
    },
    {
      expression: 'variables.rules.all(rule, rule.?host.orValue("") in variables.hosts)',
      messageExpression: `"every host must be one of the tenant's: " + variables.hosts.join(", ")`,
    },
    {
      expression:
        "variables.tls.all(tls, tls.?hosts.orValue([]).size() > 0 && tls.hosts.all(host, host in variables.hosts))",
      messageExpression: `"every host of tls must be one of the tenant's: " + variables.hosts.join(", ")`,
    },
    {
      expression:
        'variables.tls.all(tls, variables.tenant != "" && tls.?secretName.orValue("") == variables.tenant + "-tls")',
      message: "tls must use the tenant's own certificate, <id>-tls",
    },
    {
      expression: `variables.paths.all(paths, paths.all(path, path.pathType in ["Prefix", "Exact"] && path.path.matches(${cel(PLAIN_PATH)}) && !path.path.contains("..")))`,
      message: "paths must be of type Prefix or Exact, and hold letters, digits and ._~/- only",
    },
    {
      expression: "variables.paths.all(paths, paths.all(path, has(path.backend.service)))",
      message: "paths must lead to Services",
    },
    plainAnnotations,
  ],
};

/** Routes and listeners are for hosts of their tenant; no other kind of the Gateway API is used. */
export const gatewayRoutes: AdmissionPolicy = {
  subject: "routes",
  matches: [{ group: GATEWAY_API, version: "*", resources: ["*"] }],
  variables: [
    ...OWNERSHIP,
    { name: "kind", expression: "object.kind" },
    { name: "rules", expression: 'variables.kind == "HTTPRoute" ? object.spec.?rules.orValue([]) : []' },
    {
      name: "listeners",
      expression: 'variables.kind == "ListenerSet" ? object.spec.?listeners.orValue([]) : []',
    },
  ],
  validations: [
    {
      expression: 'variables.kind in ["HTTPRoute", "ListenerSet", "ReferenceGrant"]',
      message: "of the Gateway API only HTTPRoute, ListenerSet and ReferenceGrant are allowed",
    },
    {
      expression:
        'variables.kind != "HTTPRoute" || (object.spec.?hostnames.orValue([]).size() > 0 && object.spec.hostnames.all(host, host in variables.hosts))',
      messageExpression: `"every host must be one of the tenant's: " + variables.hosts.join(", ")`,
    },
    {
      expression:
        "variables.rules.all(rule, rule.?filters.orValue([]).size() == 0 && " +
        'rule.?backendRefs.orValue([]).all(backend, backend.?filters.orValue([]).size() == 0 && backend.?kind.orValue("Service") == "Service"))',
      message: "routes must lead to Services without filters",
    },
    {
      expression:
        'variables.rules.all(rule, rule.?matches.orValue([]).all(match, match.?path.?type.orValue("PathPrefix") in ["PathPrefix", "Exact"] && ' +
        `match.?path.?value.orValue("/").matches(${cel(PLAIN_PATH)})))`,
      message: "paths must be of type PathPrefix or Exact, and hold letters, digits and ._~/- only",
    },
    {
      expression: 'variables.listeners.all(each, each.?hostname.orValue("") in variables.hosts)',
      messageExpression: `"every listener must be for a host of the tenant: " + variables.hosts.join(", ")`,
    },
    {
      expression:
        'variables.listeners.all(each, each.protocol == "HTTPS" && each.?tls.?mode.orValue("Terminate") == "Terminate" && ' +
        'each.?allowedRoutes.?namespaces.?from.orValue("Same") == "Same" && each.?tls.?certificateRefs.orValue([]).all(ref, ' +
        'ref.name == variables.tenant + "-tls" && ref.?kind.orValue("Secret") == "Secret" && !has(ref.namespace)))',
      message:
        "listeners must end HTTPS with the tenant's own certificate, <id>-tls, for routes of this namespace",
    },
    {
      expression:
        `variables.kind != "ReferenceGrant" || (object.spec.from.all(each, each.kind == "HTTPRoute" && each.namespace.startsWith(${cel(namespaceName(""))})) && ` +
        'object.spec.to.all(each, each.kind == "Service"))',
      message: "a ReferenceGrant must let HTTPRoutes of tenants' namespaces lead to Services",
    },
    plainAnnotations,
  ],
};

/** Certificates are for hosts of their tenant and fill its own Secret. */
export const certificates: AdmissionPolicy = {
  subject: "certificates",
  matches: [{ group: "cert-manager.io", resources: ["certificates"] }],
  variables: OWNERSHIP,
  validations: [
    {
      expression:
        "object.spec.?dnsNames.orValue([]).size() > 0 && object.spec.dnsNames.all(host, host in variables.hosts) && " +
        "(!has(object.spec.commonName) || object.spec.commonName in variables.hosts)",
      messageExpression: `"every name must be a host of the tenant: " + variables.hosts.join(", ")`,
    },
    {
      expression:
        'variables.tenant != "" && object.spec.secretName == variables.tenant + "-tls" && object.metadata.name == variables.tenant + "-tls"',
      message: "a Certificate and the Secret it fills must be called <id>-tls after the tenant",
    },
    {
      expression: ["ipAddresses", "uris", "emailAddresses", "otherNames"]
        .map((field) => optional(`spec.?${field}`, "[]") + ".size() == 0")
        .concat('object.spec.?literalSubject.orValue("") == ""', "!object.spec.?isCA.orValue(false)")
        .join(" && "),
      message: "a Certificate must be for host names and nothing else",
    },
    {
      expression: "!has(object.spec.secretTemplate)",
      message: "a certificate's Secret must not carry labels and annotations of its own",
    },
    plainAnnotations,
  ],
};

/** What stands between a Certificate and its issuer would get a certificate for any host: cert-manager alone makes it. */
export const certificateRequests = (certManagerNamespace: string): AdmissionPolicy => ({
  subject: "certificate-requests",
  matches: [
    { group: "cert-manager.io", version: "*", resources: ["certificaterequests", "issuers"] },
    { group: "acme.cert-manager.io", version: "*", resources: ["*"] },
  ],
  validations: [
    {
      expression: `request.userInfo.username.startsWith(${cel(`system:serviceaccount:${certManagerNamespace}:`)})`,
      message: "only cert-manager itself may do this; write a Certificate",
    },
  ],
});
