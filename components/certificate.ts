import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import type { Input } from "@pulumi/pulumi";
import { certificateName } from "../registry/naming.ts";
import type { CellConfig } from "./cell/config.ts";
import type { TenantScope } from "./scope.ts";

/** Hosts that prove themselves by HTTP where the certificates are, at once; none where they do so by DNS. */
export const provingHosts = ({ edge }: CellConfig, hosts: number): number =>
  edge.acmeChallenge === "http01" ? hosts : 0;

/**
 * A cert-manager Certificate for the tenant's hosts; returns the name of the Secret it fills.
 * @param namespace where what uses it is
 */
export function createCertificate(
  { spec, labels, cell, parent }: TenantScope,
  namespace: Input<string>,
  hosts: readonly string[],
): string {
  const name = certificateName(spec.id);
  new CustomResource(
    `${spec.id}-certificate`,
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: { name, namespace, labels },
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
