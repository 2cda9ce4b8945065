import { BlockList, isIPv6 } from "node:net";
import { fieldsOf, listOf, textOf, type Fields } from "./fields.ts";
import type { Manifest } from "./manifest.ts";

/** What sends or receives: a pod, or an address outside of every namespace. */
export interface Endpoint {
  /** For messages. */
  readonly name: string;
  readonly ip: string;
  /** Default: it is no pod. */
  readonly pod?: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
}

export interface Traffic {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly port: number;
  /** Default: TCP. */
  readonly protocol?: "TCP" | "UDP";
}

type Labels = Readonly<Record<string, string>>;

/** Whether a label selector holds; an empty one holds always. */
export function selects(selector: Fields, labels: Labels): boolean {
  const wanted = Object.entries(fieldsOf(selector["matchLabels"])).every(
    ([key, value]) => labels[key] === value,
  );
  return (
    wanted &&
    listOf(selector["matchExpressions"]).every((expression) => {
      const key = textOf(expression["key"]);
      const values = (expression["values"] ?? []) as readonly string[];
      const value = labels[key];
      switch (expression["operator"]) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        default:
          return value === undefined;
      }
    })
  );
}

const blocks = new Map<string, BlockList>();

function blockOf(cidr: string): BlockList {
  const known = blocks.get(cidr);
  if (known !== undefined) return known;
  const [net = "", prefix = ""] = cidr.split("/");
  const block = new BlockList();
  block.addSubnet(net, Number(prefix), isIPv6(net) ? "ipv6" : "ipv4");
  blocks.set(cidr, block);
  return block;
}

const within = (ip: string, cidr: string): boolean =>
  isIPv6(ip) === cidr.includes(":") && blockOf(cidr).check(ip, isIPv6(ip) ? "ipv6" : "ipv4");

/** Evaluates NetworkPolicies as the specification says. Pods are matched by blocks of addresses too, as some plug-ins do. */
export class Network {
  readonly #policies: readonly Manifest[];
  readonly #namespaces: ReadonlyMap<string, Labels>;

  constructor(manifests: readonly Manifest[]) {
    this.#policies = manifests.filter(({ kind }) => kind === "NetworkPolicy");
    this.#namespaces = new Map(
      manifests
        .filter(({ kind }) => kind === "Namespace")
        .map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
    );
  }

  /** Whether both sides let the traffic pass. */
  allows(traffic: Traffic): boolean {
    return (
      this.#passes("Egress", traffic.from, traffic.to, traffic) &&
      this.#passes("Ingress", traffic.to, traffic.from, traffic)
    );
  }

  #passes(direction: "Ingress" | "Egress", at: Endpoint, peer: Endpoint, traffic: Traffic): boolean {
    const { pod } = at;
    if (pod === undefined) return true;
    const policies = this.#policies.filter(({ metadata, spec }) => {
      const { podSelector, policyTypes } = fieldsOf(spec);
      return (
        metadata.namespace === pod.namespace &&
        selects(fieldsOf(podSelector), pod.labels) &&
        ((policyTypes ?? ["Ingress"]) as readonly string[]).includes(direction)
      );
    });
    if (policies.length === 0) return true;
    const [rules, peers] = direction === "Ingress" ? ["ingress", "from"] : ["egress", "to"];
    return policies.some(({ metadata, spec }) =>
      listOf(fieldsOf(spec)[rules]).some(
        (rule) =>
          matchesPort(listOf(rule["ports"]), traffic) &&
          this.#matchesPeer(listOf(rule[peers]), metadata.namespace ?? "", peer),
      ),
    );
  }

  /** No list of peers is every peer. */
  #matchesPeer(peers: readonly Fields[], home: string, { ip, pod }: Endpoint): boolean {
    return (
      peers.length === 0 ||
      peers.some(({ ipBlock, namespaceSelector, podSelector }) => {
        if (ipBlock !== undefined) {
          const { cidr, except } = fieldsOf(ipBlock);
          const exceptions = (except ?? []) as readonly string[];
          return within(ip, textOf(cidr)) && !exceptions.some((each) => within(ip, each));
        }
        if (pod === undefined) return false;
        const inNamespace =
          namespaceSelector === undefined
            ? pod.namespace === home
            : selects(fieldsOf(namespaceSelector), {
                ...this.#namespaces.get(pod.namespace),
                "kubernetes.io/metadata.name": pod.namespace,
              });
        return inNamespace && selects(fieldsOf(podSelector), pod.labels);
      })
    );
  }
}

/** No list of ports is every port. */
function matchesPort(ports: readonly Fields[], { port, protocol = "TCP" }: Traffic): boolean {
  return (
    ports.length === 0 ||
    ports.some((each) => {
      if ((each["protocol"] ?? "TCP") !== protocol) return false;
      const from = each["port"];
      return from === undefined || (Number(from) <= port && port <= Number(each["endPort"] ?? from));
    })
  );
}
