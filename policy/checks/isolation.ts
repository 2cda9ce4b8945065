import { isIpv6Range, isPublic, prefixOf } from "../../registry/addresses.ts";
import { BUCKET_LABELS, ISOLATION, namespaceName, OPERATIONS, SOLVER_LABELS } from "../../registry/naming.ts";
import { isForPods, type CellView, type Check, type Workload } from "../cell.ts";
import { at, fieldsOf, type Fields, listOf, numberOf, textOf, textsOf } from "../fields.ts";
import { Network, selects, type Endpoint } from "../network.ts";

/** Addresses that no pod of a tenant may reach, whatever the cluster's own ranges are. */
export const FORBIDDEN_ADDRESSES: readonly Endpoint[] = Object.entries({
  "169.254.169.254": "the metadata service",
  "fd00:ec2::254": "the metadata service over IPv6",
  "169.254.170.2": "the credentials of ECS tasks",
  "168.63.129.16": "Azure's platform",
  "100.64.0.1": "carrier-grade NAT",
  "10.200.0.1": "a private network",
  "172.20.0.1": "the API server",
  "192.168.1.1": "a private network",
  "127.0.0.1": "the node itself",
  "::1": "the node itself over IPv6",
  "fc00::1": "a private network over IPv6",
  "fe80::1": "the link over IPv6",
  "224.0.0.1": "multicast",
}).map(([ip, name]) => ({ ip, name: `${name} (${ip})` }));

/** EKS Pod Identity's agent, on its port for those who use the bucket alone. */
const CREDENTIALS_AGENT: Endpoint = { ip: "169.254.170.23", name: "the agent of EKS Pod Identity" };
const AGENT_PORT = 80;

/** Ports worth trying; of the internet, 443 is what tenants may reach. */
const PORTS = [80, 443, 5432, 6443, 8080, 9090, 10250] as const;

/** A policy that names addresses must not let pods in by them: each pod has one of the cluster's. */
const POD_ADDRESS = "10.0.1.1";

export const podOf = ({ manifest, namespace, labels }: Workload): Endpoint => ({
  name: `${namespace}/${manifest.metadata.name}`,
  ip: POD_ADDRESS,
  pod: { namespace, labels },
});

const platformPod = (namespace: string, labels: Readonly<Record<string, string>> = {}): Endpoint => ({
  name: namespace,
  ip: "10.0.2.2",
  pod: { namespace, labels },
});

/** One workload for each set of labels in each namespace: policies cannot tell the others apart. */
const distinct = (cell: CellView): Workload[] => [
  ...new Map(
    cell.workloads.map((each) => [`${each.namespace} ${JSON.stringify(each.labels)}`, each]),
  ).values(),
];

/** Default-deny holds in every namespace that pods may be in, also for pods that nobody has thought of. */
export const namespacesDenyByDefault: Check = function* (cell) {
  for (const namespace of cell.ofKind("Namespace").filter(isForPods)) {
    const policies = cell.ofKind("NetworkPolicy", namespace.metadata.name).map(({ spec }) => fieldsOf(spec));
    const all = policies.filter(({ podSelector }) => Object.keys(fieldsOf(podSelector)).length === 0);
    for (const direction of ["Ingress", "Egress"])
      if (!all.some(({ policyTypes }) => textsOf(policyTypes).includes(direction)))
        yield [namespace, `does not deny ${direction} by default`];
    const opened = all.flatMap(({ ingress }) => listOf(ingress));
    const isTenants = namespace.metadata.name.startsWith(namespaceName(""));
    if (opened.some((rule) => !isTenants || !isDoor(rule)))
      yield [namespace, "lets more in to every pod than the edge and Prometheus to a tenant's own"];
  }
};

/** Whether a rule lets in whole namespaces that it names, to some ports. */
const isFromNamed = (rule: Fields, ...ports: readonly string[]): boolean =>
  ports.includes(portsOf(rule).join()) &&
  listOf(rule["from"]).length > 0 &&
  listOf(rule["from"]).every(
    ({ namespaceSelector }) => Object.keys(fieldsOf(at(namespaceSelector, "matchLabels"))).length > 0,
  );

/** Where nothing but a tenant's application listens, its door may be every pod's. */
const isDoor = (rule: Fields): boolean => isFromNamed(rule, "8080", "9090");

/** Whether a pod may use the bucket. */
const usesBucket = ({ labels }: Workload): boolean => selects({ matchLabels: BUCKET_LABELS }, labels);

/** Those that use the bucket say so, and nobody else does: by the label they reach its credentials. */
export const bucketIsLabelled: Check = function* ({ workloads }) {
  for (const workload of workloads) {
    const { manifest, containers } = workload;
    const needs = containers.some(({ env }) => listOf(env).some(({ name }) => name === "BACKUP_BUCKET"));
    if (needs !== usesBucket(workload))
      yield [manifest, needs ? "uses the bucket and does not say so" : "says that it uses the bucket"];
  }
};

/** Ranges of the internet that one organisation has. */
const isNarrow = (peer: Fields): boolean => {
  const cidr = textOf(at(peer, "ipBlock", "cidr"));
  return isPublic(cidr) && prefixOf(cidr) >= (isIpv6Range(cidr) ? 32 : 16);
};

const portsOf = (rule: Fields): number[] => listOf(rule["ports"]).map(({ port }) => numberOf(port));

/** What the policies beside the default-deny may open, and for which pods. */
const OPENINGS: Readonly<Record<string, { readonly pods: Fields; isFit(spec: Fields): boolean }>> = {
  "warehouse-bucket": { pods: { matchLabels: BUCKET_LABELS }, isFit: ({ ingress }) => ingress === undefined },
  "warehouse-integrations": {
    pods: { matchLabels: { app: "warehouse" } },
    isFit: ({ ingress, egress }) =>
      ingress === undefined &&
      listOf(egress).every(
        (rule) =>
          portsOf(rule).length > 0 && listOf(rule["to"]).length > 0 && listOf(rule["to"]).every(isNarrow),
      ),
  },
  "warehouse-solver": {
    pods: { matchLabels: SOLVER_LABELS },
    isFit: ({ ingress, egress }) =>
      egress === undefined && listOf(ingress).every((rule) => isFromNamed(rule, "8089")),
  },
};

/** Policies open what they are named for, for the pods they are named for. */
export const openingsAreNarrow: Check = function* (cell) {
  for (const policy of cell.ofKind("NetworkPolicy")) {
    const { name } = policy.metadata;
    const opening = OPENINGS[name];
    const spec = fieldsOf(policy["spec"]);
    if (opening === undefined) {
      if (![ISOLATION, "warehouse-app", "warehouse-metrics"].includes(name))
        yield [policy, "is no policy that the checks know"];
    } else if (JSON.stringify(spec["podSelector"]) !== JSON.stringify(opening.pods))
      yield [policy, "is for other pods than it says"];
    else if (!opening.isFit(spec)) yield [policy, "opens more than it says"];
  }
};

/** A namespace has an application's door exactly where something answers in it. */
export const doorsLeadSomewhere: Check = function* (cell) {
  for (const policy of cell.ofKind("NetworkPolicy")) {
    const { name, namespace = "" } = policy.metadata;
    const isOpen =
      name === "warehouse-app" || (name === ISOLATION && at(policy["spec"], "ingress") !== undefined);
    if (isOpen && cell.ofKind("Deployment", namespace).length === 0)
      yield [policy, "lets requests in where nothing answers"];
  }
};

/** No pod reaches pods of another namespace, nor addresses of the platform, nor more of the internet than HTTPS. */
export const podsReachNobodyElse: Check = function* (cell) {
  const network = new Network(cell.manifests);
  const workloads = distinct(cell);
  const stranger = platformPod("default", { app: "warehouse" });
  const internet = ["203.0.113.1", "2001:db8::1"].map((ip) => ({ ip, name: `the internet (${ip})` }));
  for (const workload of workloads) {
    const { manifest, namespace } = workload;
    const from = podOf(workload);
    const others = workloads.filter((each) => each.namespace !== namespace).map(podOf);
    for (const port of PORTS)
      for (const to of [
        ...others,
        stranger,
        ...FORBIDDEN_ADDRESSES,
        ...(port === AGENT_PORT && usesBucket(workload) ? [] : [CREDENTIALS_AGENT]),
        ...(port === 443 ? [] : internet),
      ])
        if (network.allows({ from, to, port })) yield [manifest, `reaches ${to.name} on port ${port}`];
    for (const port of PORTS)
      if (network.allows({ from: stranger, to: from, port }))
        yield [manifest, `is reached by ${stranger.name}`];
    for (const to of [...internet, stranger])
      if (network.allows({ from, to, port: 53, protocol: "UDP" }))
        yield [manifest, `asks ${to.name} for names`];
  }
};

/** The pairs that must work: names, the edge to what answers, Prometheus to what is measured, HTTPS, the database. */
export const podsReachWhatTheyNeed: Check = function* (cell) {
  const network = new Network(cell.manifests);
  const dns = platformPod("kube-system", { "k8s-app": "kube-dns" });
  const edges = ["gateway-system", "ingress-nginx"].map((each) => platformPod(each));
  for (const workload of cell.workloads) {
    const { manifest } = workload;
    const pod = podOf(workload);
    if (!network.allows({ from: pod, to: dns, port: 53, protocol: "UDP" }))
      yield [manifest, "cannot resolve names"];
    for (const ip of ["203.0.113.1", "2001:db8::1"])
      if (!network.allows({ from: pod, to: { name: ip, ip }, port: 443 }))
        yield [manifest, "cannot reach HTTPS"];
    if (!network.allows({ from: pod, to: { name: "database", ip: "10.0.64.9" }, port: 5432 }))
      yield [manifest, "cannot reach the database"];
    if (usesBucket(workload) && !network.allows({ from: pod, to: CREDENTIALS_AGENT, port: AGENT_PORT }))
      yield [manifest, "cannot get credentials for the bucket"];
    if (manifest.kind !== "Deployment") continue;
    const isServed = manifest.metadata.namespace !== OPERATIONS.namespace;
    if (isServed && !edges.some((from) => network.allows({ from, to: pod, port: 8080 })))
      yield [manifest, "cannot be reached by the edge"];
    if (!network.allows({ from: platformPod("monitoring"), to: pod, port: 9090 }))
      yield [manifest, "cannot be measured"];
  }
};
