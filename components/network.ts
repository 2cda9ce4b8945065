import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import type { types } from "@pulumi/kubernetes";
import type { Resource } from "@pulumi/pulumi";
import { isIpv6Range, NOT_PUBLIC_IPV4, NOT_PUBLIC_IPV6 } from "../registry/addresses.ts";
import { HTTPS } from "../registry/integrations.ts";
import { compareText } from "../registry/issues.ts";
import { APP_LABELS, BUCKET_LABELS, ISOLATION, SOLVER_LABELS } from "../registry/naming.ts";
import type { Egress } from "../registry/spec.ts";
import type { CellConfig } from "./cell/config.ts";
import { HTTP_PORT, METRICS_PORT } from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

const byName = (namespace: string) => ({ matchLabels: { "kubernetes.io/metadata.name": namespace } });

/** Ranges that a policy may list as exceptions: distinct and, for IPv6, within ::/0. */
function exceptions(standard: readonly string[], cluster: readonly string[]): string[] {
  return [...new Set([...standard, ...cluster])];
}

const toRanges = (cidrs: readonly string[], ...ports: readonly number[]) => ({
  to: cidrs.map((cidr) => ({ ipBlock: { cidr } })),
  ports: ports.map((port) => ({ protocol: "TCP", port })),
});

/** What runs in a namespace, as far as its network goes. */
export interface NetworkArgs {
  /**
   * The pods that the edge and Prometheus may come to: those that answer hosts, by a policy of its own, or all, where
   * all are one tenant's and no others listen.
   */
  readonly door: "none" | "application" | "namespace";
  /** Whether its Jobs may use the bucket. */
  readonly bucket: boolean;
  /** Hosts that may have to prove themselves by HTTP in it. */
  readonly solvers: number;
  /** What the application reaches for integrations. */
  readonly egress: readonly Egress[];
}

/** Nothing but Jobs that use the database. */
export const JOBS_ONLY: NetworkArgs = { door: "none", bucket: false, solvers: 0, egress: [] };

/**
 * Default deny both ways for the whole namespace, and for all pods DNS, the database server and HTTPS to the public
 * internet. What some pods need besides stands in policies of theirs, which are there only where such pods may be.
 * Residual risk: data can leave through DNS queries; NetworkPolicy cannot prevent that.
 */
export function createNetworkPolicies(scope: NamespacedScope, args: NetworkArgs): Resource[] {
  const { name, labels, cell, parent, namespace } = scope;
  const policy = (suffix: string, objectName: string, spec: Spec): Resource =>
    new NetworkPolicy(
      `${name}-${suffix}`,
      { metadata: { name: objectName, namespace, labels }, spec },
      { parent },
    );
  const storage = args.bucket ? storageEgress(cell) : [];
  return [
    policy("isolation", ISOLATION, isolation(cell, args.door === "namespace" ? door(cell) : {})),
    ...(args.door === "application" ? [policy("app-ingress", "warehouse-app", appIngress(cell))] : []),
    ...(storage.length === 0
      ? []
      : [
          policy("bucket-egress", "warehouse-bucket", {
            podSelector: { matchLabels: BUCKET_LABELS },
            policyTypes: ["Egress"],
            egress: storage,
          }),
        ]),
    ...(args.egress.length === 0
      ? []
      : [policy("integrations-egress", "warehouse-integrations", integrationsEgress(args.egress))]),
    ...(args.solvers === 0 ? [] : [policy("solver-ingress", "warehouse-solver", solverIngress(cell))]),
  ];
}

type Spec = types.input.networking.v1.NetworkPolicySpec;

function isolation({ database, network }: CellConfig, opened: Pick<Spec, "ingress">): Spec {
  const { clusterCidrs, databaseCidrs } = network;
  return {
    podSelector: {},
    policyTypes: ["Ingress", "Egress"],
    ...opened,
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
      toRanges(databaseCidrs, database.port),
      {
        to: [
          {
            ipBlock: {
              cidr: "0.0.0.0/0",
              except: exceptions(
                NOT_PUBLIC_IPV4,
                clusterCidrs.filter((cidr) => !isIpv6Range(cidr)),
              ),
            },
          },
          {
            ipBlock: { cidr: "::/0", except: exceptions(NOT_PUBLIC_IPV6, clusterCidrs.filter(isIpv6Range)) },
          },
        ],
        ports: [{ protocol: "TCP", port: HTTPS }],
      },
    ],
  };
}

/** Into what answers hosts only the edge and Prometheus. */
const door = (cell: CellConfig): Pick<Spec, "ingress"> => ({
  ingress: [
    {
      from: [{ namespaceSelector: byName(edgeNamespace(cell)) }],
      ports: [{ protocol: "TCP", port: HTTP_PORT }],
    },
    {
      from: [{ namespaceSelector: byName(cell.network.monitoringNamespace) }],
      ports: [{ protocol: "TCP", port: METRICS_PORT }],
    },
  ],
});

const appIngress = (cell: CellConfig): Spec => ({
  podSelector: { matchExpressions: [{ key: "app", operator: "In", values: [...APP_LABELS] }] },
  policyTypes: ["Ingress"],
  ...door(cell),
});

/** Ports of integrations other than HTTPS, for the application alone. Each pair once, whatever the order of tenants. */
function integrationsEgress(egress: readonly Egress[]): Spec {
  const pairs = new Map(
    egress.map(({ cidrs, ports }) => [JSON.stringify([cidrs, ports]), toRanges(cidrs, ...ports)]),
  );
  return {
    podSelector: { matchLabels: { app: APP_LABELS[0] } },
    policyTypes: ["Egress"],
    egress: [...pairs].sort(([one], [other]) => compareText(one, other)).map(([, rule]) => rule),
  };
}

/** cert-manager's pod that proves a host to the certificate authority listens here; the edge leads there. */
const SOLVER_PORT = 8089;

const solverIngress = (cell: CellConfig): Spec => ({
  podSelector: { matchLabels: SOLVER_LABELS },
  policyTypes: ["Ingress"],
  ingress: [
    {
      from: [{ namespaceSelector: byName(edgeNamespace(cell)) }],
      ports: [{ protocol: "TCP", port: SOLVER_PORT }],
    },
  ],
});

/** Where EKS Pod Identity's agent answers on every node. It gives an account nothing that has no association. */
const IDENTITY_AGENT = { cidrs: ["169.254.170.23/32", "fd00:ec2::23/128"], port: 80 } as const;

/** What the bucket takes besides HTTPS to the public internet: credentials, and an endpoint that is not public. */
const storageEgress = ({ backup, aws, network }: CellConfig) => [
  ...(backup.identity.kind === "podIdentity" ? [toRanges(IDENTITY_AGENT.cidrs, IDENTITY_AGENT.port)] : []),
  ...(aws.endpoint === undefined || network.storageCidrs.length === 0
    ? []
    : [toRanges(network.storageCidrs, portOf(aws.endpoint))]),
];

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
