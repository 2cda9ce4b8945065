import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { certificateName, tenantLabels } from "../registry/naming.ts";
import type { NamespacedScope } from "./scope.ts";

/** A cert-manager Certificate for the tenant's hosts; returns the name of the Secret it fills. */
export function createCertificate(
  { spec, cell, parent, namespace }: NamespacedScope,
  hosts: readonly string[],
): string {
  const name = certificateName(spec.id);
  new CustomResource(
    `${spec.id}-certificate`,
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: { name, namespace, labels: tenantLabels(spec.id) },
      spec: {
        secretName: name,
        dnsNames: hosts,
        issuerRef: { name: cell.edge.clusterIssuer, kind: "ClusterIssuer", group: "cert-manager.io" },
        privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
      },
    },
    { parent },
  );
  return name;
}
