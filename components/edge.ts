import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { Ingress } from "@pulumi/kubernetes/networking/v1/ingress.js";
import type { Output } from "@pulumi/pulumi";
import { INGRESS, ROUTE, tenantLabels } from "../registry/naming.ts";
import { createCertificate } from "./certificate.ts";
import type { NamespacedScope } from "./scope.ts";

/** Leads the tenant's hosts to its Service, through the shared Gateway or an Ingress, over HTTPS only. */
export function createEdge(scope: NamespacedScope, service: Output<string>): void {
  const { edge } = scope.cell;
  switch (edge.mode) {
    case "gateway":
      createRoute(scope, edge.gateway, service);
      return;
    case "ingress":
      createIngress(scope, edge.ingressClass, service);
      return;
    default:
      edge satisfies never;
  }
}

/**
 * HTTPRoute on the shared Gateway. The platform host is covered by the Gateway's wildcard certificate (Let's Encrypt
 * issues 50 a domain a week); custom domains bring their own certificate on a ListenerSet of the tenant.
 */
function createRoute(
  scope: NamespacedScope,
  gateway: { name: string; namespace: string },
  service: Output<string>,
): void {
  const { spec, parent, namespace } = scope;
  const labels = tenantLabels(spec.id);
  const parentRefs: Record<string, string>[] = [
    {
      group: "gateway.networking.k8s.io",
      kind: "Gateway",
      name: gateway.name,
      namespace: gateway.namespace,
      sectionName: "https",
    },
  ];
  if (spec.customHosts.length > 0) {
    const secretName = createCertificate(scope, spec.customHosts);
    new CustomResource(
      `${spec.id}-listeners`,
      {
        apiVersion: "gateway.networking.k8s.io/v1",
        kind: "ListenerSet",
        metadata: { name: ROUTE, namespace, labels },
        spec: {
          parentRef: {
            group: "gateway.networking.k8s.io",
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
    parentRefs.push({ group: "gateway.networking.k8s.io", kind: "ListenerSet", name: ROUTE });
  }
  new CustomResource(
    `${spec.id}-route`,
    {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      metadata: { name: ROUTE, namespace, labels },
      spec: {
        parentRefs,
        hostnames: [spec.host, ...spec.customHosts],
        rules: [
          {
            matches: [{ path: { type: "PathPrefix", value: "/" } }],
            backendRefs: [{ group: "", kind: "Service", name: service, port: 80, weight: 1 }],
          },
        ],
      },
    },
    { parent },
  );
}

/** Ingress with a configurable class; one certificate holds all hosts of the tenant. */
function createIngress(scope: NamespacedScope, ingressClassName: string, service: Output<string>): void {
  const { spec, parent, namespace } = scope;
  const hosts = [spec.host, ...spec.customHosts];
  const secretName = createCertificate(scope, hosts);
  new Ingress(
    `${spec.id}-ingress`,
    {
      metadata: {
        name: INGRESS,
        namespace,
        labels: tenantLabels(spec.id),
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
    { parent },
  );
}
