import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import type { Resource } from "@pulumi/pulumi";
import { APP_LABELS, ISOLATION } from "../registry/naming.ts";
import type { CellConfig } from "./cell/config.ts";
import { HTTP_PORT, METRICS_PORT } from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

/** Private and special ranges: neighbours, nodes, the API server, metadata services (AWS, Azure) and multicast. */
const NOT_PUBLIC_IPV4 = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "168.63.129.16/32",
  "224.0.0.0/4",
];
const NOT_PUBLIC_IPV6 = ["::1/128", "fc00::/7", "fe80::/10", "fd00:ec2::254/128", "ff00::/8"];

const byName = (namespace: string) => ({ matchLabels: { "kubernetes.io/metadata.name": namespace } });
const isIpv6 = (cidr: string): boolean => cidr.includes(":");

/** Ranges that a policy may list as exceptions: distinct and, for IPv6, within ::/0. */
function exceptions(standard: readonly string[], cluster: readonly string[]): string[] {
  return [...new Set([...standard, ...cluster])];
}

/**
 * Default deny both ways for the whole namespace, and the few pairs an application needs: DNS, its database server,
 * HTTPS to the public internet, the bucket, and into the application only the edge and Prometheus.
 * Residual risk: data can leave through DNS queries; NetworkPolicy cannot prevent that.
 */
export function createNetworkPolicies({
  name,
  labels,
  cell,
  parent,
  namespace,
}: NamespacedScope): Resource[] {
  const { clusterCidrs, databaseCidrs, monitoringNamespace } = cell.network;
  const isolation = new NetworkPolicy(
    `${name}-isolation`,
    {
      metadata: { name: ISOLATION, namespace, labels },
      spec: {
        podSelector: {},
        policyTypes: ["Ingress", "Egress"],
        egress: [
          {
            to: [
              {
                namespaceSelector: byName("kube-system"),
                podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
              },
            ],
            ports: [
              { protocol: "UDP", port: 53 },
              { protocol: "TCP", port: 53 },
            ],
          },
          {
            to: databaseCidrs.map((cidr) => ({ ipBlock: { cidr } })),
            ports: [{ protocol: "TCP", port: cell.database.port }],
          },
          {
            to: [
              {
                ipBlock: {
                  cidr: "0.0.0.0/0",
                  except: exceptions(
                    NOT_PUBLIC_IPV4,
                    clusterCidrs.filter((c) => !isIpv6(c)),
                  ),
                },
              },
              { ipBlock: { cidr: "::/0", except: exceptions(NOT_PUBLIC_IPV6, clusterCidrs.filter(isIpv6)) } },
            ],
            ports: [{ protocol: "TCP", port: 443 }],
          },
          ...storageEgress(cell),
        ],
      },
    },
    { parent },
  );
  const app = new NetworkPolicy(
    `${name}-app-ingress`,
    {
      metadata: { name: "warehouse-app", namespace, labels },
      spec: {
        podSelector: {
          matchExpressions: [{ key: "app", operator: "In", values: [...APP_LABELS] }],
        },
        policyTypes: ["Ingress"],
        ingress: [
          {
            from: [{ namespaceSelector: byName(edgeNamespace(cell)) }],
            ports: [{ protocol: "TCP", port: HTTP_PORT }],
          },
          {
            from: [{ namespaceSelector: byName(monitoringNamespace) }],
            ports: [{ protocol: "TCP", port: METRICS_PORT }],
          },
        ],
      },
    },
    { parent },
  );
  return [isolation, app];
}

/** Where EKS Pod Identity's agent answers on every node. It gives an account nothing that has no association. */
const IDENTITY_AGENT = { cidrs: ["169.254.170.23/32", "fd00:ec2::23/128"], port: 80 } as const;

/** What the bucket takes besides HTTPS to the public internet: credentials, and an endpoint that is not public. */
function storageEgress({ backup, aws, network }: CellConfig) {
  const to = (cidrs: readonly string[], port: number) => ({
    to: cidrs.map((cidr) => ({ ipBlock: { cidr } })),
    ports: [{ protocol: "TCP", port }],
  });
  return [
    ...(backup.identity.kind === "podIdentity" ? [to(IDENTITY_AGENT.cidrs, IDENTITY_AGENT.port)] : []),
    ...(aws.endpoint === undefined || network.storageCidrs.length === 0
      ? []
      : [to(network.storageCidrs, portOf(aws.endpoint))]),
  ];
}

function portOf(endpoint: string): number {
  const { port, protocol } = new URL(endpoint);
  if (port !== "") return Number(port);
  return protocol === "http:" ? 80 : 443;
}

/** Where the pods run that send tenants their traffic. */
function edgeNamespace({ edge }: CellConfig): string {
  switch (edge.mode) {
    case "gateway":
      return edge.gateway.namespace;
    case "ingress":
      return edge.controllerNamespace;
    default:
      return edge satisfies never;
  }
}
