import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Ingress } from "@pulumi/kubernetes/networking/v1/ingress.js";
import type { Output, Resource } from "@pulumi/pulumi";
import { GATEWAY_API, INGRESS, namespaceName, ROUTE } from "../registry/naming.ts";
import { createCertificate } from "./certificate.ts";
import type { TenantScope } from "./scope.ts";

/** The Service that answers a tenant's hosts. */
export interface Backend {
  readonly service: Output<string>;
  /** Its namespace where it is not the tenant's: a pool's. Default: the tenant's. */
  readonly poolNamespace?: Output<string>;
}

/**
 * Leads the tenant's hosts to their backend, through the shared Gateway or an Ingress, over HTTPS only.
 * @param after what must be done before requests go there
 * @returns the route, which is there once requests take it
 */
export function createEdge(scope: TenantScope, backend: Backend, after: readonly Resource[]): Resource {
  const { edge } = scope.cell;
  switch (edge.mode) {
    case "gateway":
      return createRoute(scope, edge.gateway, backend, after);
    case "ingress":
      return createIngress(scope, edge.ingressClass, backend, after);
    default:
      return edge satisfies never;
  }
}

/**
 * HTTPRoute on the shared Gateway. The platform host is covered by the Gateway's wildcard certificate (Let's Encrypt
 * issues 50 a domain a week); custom domains bring their own certificate on a ListenerSet of the tenant.
 */
function createRoute(
  scope: TenantScope,
  gateway: { name: string; namespace: string },
  backend: Backend,
  after: readonly Resource[],
): Resource {
  const { spec, labels, parent, namespace } = scope;
  const parentRefs: Record<string, string>[] = [
    {
      group: GATEWAY_API,
      kind: "Gateway",
      name: gateway.name,
      namespace: gateway.namespace,
      sectionName: "https",
    },
  ];
  if (spec.customHosts.length > 0) {
    const secretName = createCertificate(scope, namespace, spec.customHosts);
    new CustomResource(
      `${spec.id}-listeners`,
      {
        apiVersion: `${GATEWAY_API}/v1`,
        kind: "ListenerSet",
        metadata: { name: ROUTE, namespace, labels },
        spec: {
          parentRef: {
            group: GATEWAY_API,
            kind: "Gateway",
            name: gateway.name,
            namespace: gateway.namespace,
          },
          listeners: spec.customHosts.map((hostname, index) => ({
            name: `custom-${index}`,
            hostname,
            port: 443,
            protocol: "HTTPS",
            tls: { mode: "Terminate", certificateRefs: [{ group: "", kind: "Secret", name: secretName }] },
            allowedRoutes: { namespaces: { from: "Same" } },
          })),
        },
      },
      { parent },
    );
    parentRefs.push({ group: GATEWAY_API, kind: "ListenerSet", name: ROUTE });
  }
  const { service, poolNamespace } = backend;
  return new CustomResource(
    `${spec.id}-route`,
    {
      apiVersion: `${GATEWAY_API}/v1`,
      kind: "HTTPRoute",
      metadata: { name: ROUTE, namespace, labels },
      spec: {
        parentRefs,
        hostnames: [spec.host, ...spec.customHosts],
        rules: [
          {
            matches: [{ path: { type: "PathPrefix", value: "/" } }],
            backendRefs: [
              {
                group: "",
                kind: "Service",
                name: service,
                ...(poolNamespace === undefined ? {} : { namespace: poolNamespace }),
                port: 80,
                weight: 1,
              },
            ],
          },
        ],
      },
    },
    { parent, dependsOn: [...after] },
  );
}

/**
 * Ingress with a configurable class; one certificate holds all hosts of the tenant. An Ingress leads to Services of its
 * own namespace alone, so a pooled tenant's is in the pool's.
 */
function createIngress(
  scope: TenantScope,
  ingressClassName: string,
  { service, poolNamespace }: Backend,
  after: readonly Resource[],
): Resource {
  const { spec, labels, parent } = scope;
  const namespace = poolNamespace ?? scope.namespace;
  const hosts = [spec.host, ...spec.customHosts];
  const secretName = createCertificate(scope, namespace, hosts);
  return new Ingress(
    `${spec.id}-ingress`,
    {
      metadata: {
        name: poolNamespace === undefined ? INGRESS : namespaceName(spec.id),
        namespace,
        labels,
        // A load balancer's address is the platform's affair: `up` does not wait for it.
        annotations: { "pulumi.com/skipAwait": "true" },
      },
      spec: {
        ingressClassName,
        tls: [{ hosts, secretName }],
        rules: hosts.map((host) => ({
          host,
          http: {
            paths: [
              {
                path: "/",
                pathType: "Prefix",
                backend: { service: { name: service, port: { name: "http" } } },
              },
            ],
          },
        })),
      },
    },
    // Controllers refuse a second Ingress for a host.
    { parent, dependsOn: [...after], deleteBeforeReplace: true },
  );
}
