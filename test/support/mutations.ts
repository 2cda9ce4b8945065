import type { Manifest } from "../../policy/manifest.ts";

/** One fault in the rendered objects of a cell. */
export interface Mutation {
  readonly fault: string;
  readonly mode: "gateway" | "ingress";
  apply(manifests: readonly Manifest[]): Manifest[];
}

type Step = string | number;

/** A copy in which the value at a path is another one; undefined removes it. */
function put(value: unknown, [step, ...rest]: readonly Step[], change: (old: unknown) => unknown): unknown {
  if (step === undefined) return change(value);
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return items.map((each, index) => (index === step ? put(each, rest, change) : each));
  }
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  const changed = put(fields[step], rest, change);
  return Object.fromEntries(
    Object.entries({ ...fields, [step]: changed }).filter(([, each]) => each !== undefined),
  );
}

/** Finds one object as `Kind namespace/name` or `Kind name`. */
const isNamed =
  (id: string) =>
  (each: Manifest): boolean => {
    const { name, namespace } = each.metadata;
    return id === `${each.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
  };

function replaced(
  manifests: readonly Manifest[],
  id: string,
  replace: (found: Manifest) => readonly Manifest[],
): Manifest[] {
  if (!manifests.some(isNamed(id))) throw new Error(`there is no ${id}`);
  return manifests.flatMap((each) => (isNamed(id)(each) ? replace(each) : [each]));
}

const set = (
  fault: string,
  id: string,
  path: string,
  value: unknown,
  mode: Mutation["mode"] = "gateway",
): Mutation => ({
  fault,
  mode,
  apply: (manifests) =>
    replaced(manifests, id, (found) => {
      const steps = path.split("|").map((step) => (/^\d+$/.test(step) ? Number(step) : step));
      const change = typeof value === "function" ? (value as (old: unknown) => unknown) : () => value;
      return [put(found, steps, change) as Manifest];
    }),
});

const drop = (fault: string, id: string, mode: Mutation["mode"] = "gateway"): Mutation => ({
  fault,
  mode,
  apply: (manifests) => replaced(manifests, id, () => []),
});

const add = (item: unknown) => (old: unknown) => [...((old ?? []) as readonly unknown[]), item];

const SPACE = "Namespace customer-acme";
const APP = "Deployment customer-acme/warehouse-app";
const POOL_APP = "Deployment pool-starter/warehouse-app";
const POD = "spec|template|spec";
const BOX = `${POD}|containers|0`;
const NET = "NetworkPolicy customer-acme/customer-isolation";
const DOOR = "NetworkPolicy pool-starter/warehouse-app";
const PARTNERS = "NetworkPolicy customer-acme/warehouse-integrations";
const STORE = "NetworkPolicy customer-acme/warehouse-bucket";
const SOLVER = "NetworkPolicy pool-starter/warehouse-solver";
const BUCKET = { "tenantstack.io/bucket": "true" };
const QUOTA = "ResourceQuota customer-acme/tenant-quota";
const SCALER = "HorizontalPodAutoscaler customer-acme/warehouse-app";
const SERVICE = "Service customer-acme/warehouse-service";
const MONITOR = "ServiceMonitor warehouse-ops/warehouse-silo-test";
const ROUTE = "HTTPRoute customer-acme/warehouse-route";
const LISTENERS = "ListenerSet customer-acme/warehouse-route";
const CERTIFICATE = "Certificate customer-acme/acme-tls";
const INGRESS = "Ingress customer-acme/warehouse-ingress";
const POOL_INGRESS = "Ingress pool-starter/customer-carla";
const BACKUP = "CronJob customer-acme/warehouse-backup";
const INIT = "Job customer-acme/warehouse-init";
const PSA = "metadata|labels|pod-security.kubernetes.io/enforce";
const ANYWHERE = { ports: [{ protocol: "TCP", port: 443 }] };

/** Faults that a careless edit of the program could make, each alone. */
export const MUTATIONS: readonly Mutation[] = [
  // Network
  set("egress to anywhere", NET, "spec|egress", add({})),
  set("HTTPS to anywhere", NET, "spec|egress", add(ANYWHERE)),
  set("HTTPS to the metadata service", NET, "spec|egress|2|to|0|ipBlock|except", (old: string[]) =>
    old.filter((each) => each !== "169.254.0.0/16"),
  ),
  set("HTTPS to private ranges", NET, "spec|egress|2|to|0|ipBlock|except", (old: string[]) =>
    old.filter((each) => each !== "10.0.0.0/8"),
  ),
  set("HTTPS to IPv6 neighbours", NET, "spec|egress|2|to|1|ipBlock|except", []),
  set("no HTTPS over IPv6", NET, "spec|egress|2|to", (old: unknown[]) => old.slice(0, 1)),
  set("any port of the internet", NET, "spec|egress|2|ports", undefined),
  set("DNS servers of its choice", NET, "spec|egress|0|to", [{ ipBlock: { cidr: "0.0.0.0/0" } }]),
  set("DNS by a label that no namespace has", NET, "spec|egress|0|to|0|namespaceSelector|matchLabels", {
    name: "kube-system",
  }),
  set("no database", NET, "spec|egress|1|ports|0|port", 3306),
  set("egress not denied", NET, "spec|policyTypes", ["Ingress"]),
  set("ingress not denied", NET, "spec|policyTypes", ["Egress"]),
  set("default-deny for some pods only", NET, "spec|podSelector", { matchLabels: { app: "warehouse" } }),
  set("requests to every pod of a tenant from every namespace", NET, "spec|ingress|0|from", [
    { namespaceSelector: {} },
  ]),
  set("requests to every pod of a tenant on another port", NET, "spec|ingress|1|ports|0|port", 5432),
  set("requests to every pod of a tenant on every port", NET, "spec|ingress|1|ports", undefined),
  set("no requests to a tenant's application", NET, "spec|ingress", undefined),
  set(
    "requests to every pod of a pool",
    "NetworkPolicy pool-starter/customer-isolation",
    "spec|ingress",
    add({
      from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
      ports: [{ protocol: "TCP", port: 9090 }],
    }),
  ),
  set("requests from every namespace", DOOR, "spec|ingress|0|from", [{ namespaceSelector: {} }]),
  set("requests from everywhere", DOOR, "spec|ingress|0|from", undefined),
  set("requests on another port", DOOR, "spec|ingress|0|ports|0|port", 80),
  set("no scraping", DOOR, "spec|ingress", (old: unknown[]) => old.slice(0, 1)),
  drop("no default-deny", NET),
  drop("no default-deny in a pool", "NetworkPolicy pool-starter/customer-isolation"),
  set("integrations for every pod", PARTNERS, "spec|podSelector", {}),
  set("integrations for Jobs", PARTNERS, "spec|podSelector|matchLabels", { customer: "acme" }),
  set("an integration on every port", PARTNERS, "spec|egress|0|ports", undefined),
  set("an integration anywhere", PARTNERS, "spec|egress|0|to", undefined),
  set("an integration with half the internet", PARTNERS, "spec|egress|0|to|0|ipBlock|cidr", "128.0.0.0/1"),
  set("an integration in the cluster", PARTNERS, "spec|egress|0|to|0|ipBlock|cidr", "10.96.0.1/32"),
  set("credentials of the bucket for every pod", STORE, "spec|podSelector", {}),
  set("credentials of the bucket for the application", STORE, "spec|podSelector|matchLabels", {
    app: "warehouse",
  }),
  drop("a backup without credentials", STORE),
  set("an application that may use the bucket", APP, "spec|template|metadata|labels", {
    ...BUCKET,
    app: "warehouse",
    customer: "acme",
  }),
  set("a backup that may not use the bucket", BACKUP, `spec|jobTemplate|spec|template|metadata|labels`, {
    customer: "acme",
    "tenantstack.io/tenant": "acme",
  }),
  set("solvers reached by everybody", SOLVER, "spec|ingress|0|from", undefined, "ingress"),
  set("solvers reached on any port", SOLVER, "spec|ingress|0|ports", undefined, "ingress"),
  set("a solver's door for every pod", SOLVER, "spec|podSelector", {}, "ingress"),
  set("a policy that nobody knows", NET, "metadata|name", "extra"),
  set("a door where nothing answers", DOOR, "metadata|namespace", "customer-carla"),
  set(
    "a tenant's door where nothing answers",
    "NetworkPolicy customer-hugo/customer-isolation",
    "spec|ingress",
    [
      {
        from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "gateway-system" } } }],
        ports: [{ protocol: "TCP", port: 8080 }],
      },
    ],
  ),
  // Namespaces and admission
  set("Pod Security only baseline", SPACE, PSA, "baseline"),
  set("no Pod Security", SPACE, PSA, undefined),
  set("a namespace without its cell", SPACE, "metadata|labels|tenantstack.io/cell", undefined),
  set("a namespace of another tenant", SPACE, "metadata|annotations|tenantstack.io/tenant", "acme-2"),
  set(
    "a namespace that claims a neighbour's host",
    SPACE,
    "metadata|annotations|hosts.tenantstack.io/acme",
    "acme-2.yourwarehousesaas.com",
  ),
  set("a wildcard claim", SPACE, "metadata|annotations|hosts.tenantstack.io/acme", "*.yourwarehousesaas.com"),
  set(
    "a policy that fails open",
    "ValidatingAdmissionPolicy warehouse-test-pods",
    "spec|failurePolicy",
    "Ignore",
  ),
  set(
    "a policy that only warns",
    "ValidatingAdmissionPolicyBinding warehouse-test-services",
    "spec|validationActions",
    ["Warn"],
  ),
  drop("a policy that is not bound", "ValidatingAdmissionPolicyBinding warehouse-test-ingresses"),
  set(
    "an object without the tenant's label",
    "ConfigMap customer-acme/warehouse-lifecycle",
    "metadata|labels|customer",
    undefined,
  ),
  set("pods without the tenant's label", BACKUP, "spec|jobTemplate|spec|template|metadata|labels", {}),
  // Capacity
  set("a quota below the autoscaler", QUOTA, "spec|hard|pods", "6"),
  set("an autoscaler above the quota", SCALER, "spec|maxReplicas", 20),
  set("memory below the autoscaler", QUOTA, "spec|hard|requests.memory", "4Gi"),
  set("no room for the volume", QUOTA, "spec|hard|requests.storage", "1Gi"),
  set("no room for Secrets", QUOTA, "spec|hard|count/secrets", "0"),
  set("unbounded ConfigMaps", QUOTA, "spec|hard|count/configmaps", undefined),
  set("load balancers allowed", QUOTA, "spec|hard|services.loadbalancers", "1"),
  drop("no quota", QUOTA),
  drop("no default limits for solvers", "LimitRange pool-starter/tenant-limits", "ingress"),
  set("one pod at least", SCALER, "spec|minReplicas", 1),
  set("replicas beside the autoscaler", APP, "spec|replicas", 3),
  set("an autoscaler of nothing", SCALER, "spec|scaleTargetRef|name", "warehouse"),
  drop("no autoscaler", SCALER),
  set(
    "a budget that lets nothing go",
    "PodDisruptionBudget customer-acme/warehouse-app",
    "spec|maxUnavailable",
    0,
  ),
  set(
    "a budget for other pods",
    "PodDisruptionBudget customer-acme/warehouse-app",
    "spec|selector|matchLabels|app",
    "web",
  ),
  // Pods
  set("an image by tag", APP, `${BOX}|image`, "registry.example.com/warehouse-saas:v2.1.0"),
  set("a token of the API server", APP, `${POD}|automountServiceAccountToken`, undefined),
  set("addresses of Services in the environment", APP, `${POD}|enableServiceLinks`, undefined),
  set("a missing priority class", APP, `${POD}|priorityClassName`, "warehouse-high"),
  drop("a priority class that is not made", "PriorityClass warehouse-test-batch"),
  set("a writable image", APP, `${BOX}|securityContext|readOnlyRootFilesystem`, false),
  set("no memory limit", APP, `${BOX}|resources|limits|memory`, undefined),
  set("unlimited scratch space", POOL_APP, `${POD}|volumes|0|emptyDir`, {}),
  set("secrets for everybody in the container", POOL_APP, `${POD}|volumes`, (old: { secret?: object }[]) =>
    old.map((each) =>
      each.secret === undefined ? each : { ...each, secret: { ...each.secret, defaultMode: 0o444 } },
    ),
  ),
  set("liveness that asks the database", APP, `${BOX}|livenessProbe|httpGet|path`, "/ready"),
  set("no readiness", APP, `${BOX}|readinessProbe`, undefined),
  set("a probe of a port that is not there", APP, `${BOX}|startupProbe|httpGet|port`, "web"),
  set("no pause at the end", APP, `${BOX}|lifecycle`, undefined),
  set("no spread", POOL_APP, `${POD}|topologySpreadConstraints`, undefined),
  set("a rollout that takes pods first", APP, "spec|strategy|rollingUpdate|maxUnavailable", 1),
  set("a password in the environment", APP, `${BOX}|env`, add({ name: "DATABASE_PASSWORD", value: "x" })),
  set("a URL with a password", APP, `${BOX}|env`, add({ name: "DSN", value: "postgres://a:b@host/db" })),
  set(
    "a credential in a ConfigMap",
    "ConfigMap customer-acme/warehouse-lifecycle",
    "data|DSN",
    "postgres://a:b@host/db",
  ),
  set("a Secret that does not exist", APP, `${BOX}|env|1|valueFrom|secretKeyRef|name`, "beta-db-secret"),
  set("a key that does not exist", APP, `${BOX}|env|1|valueFrom|secretKeyRef|key`, "uri"),
  set("an account that does not exist", APP, `${POD}|serviceAccountName`, "warehouse"),
  set(
    "an account with a token",
    "ServiceAccount customer-acme/warehouse-app",
    "automountServiceAccountToken",
    true,
  ),
  set("a schedule that does not exist", BACKUP, "spec|schedule", "0 25 * * *"),
  set("a schedule of six fields", BACKUP, "spec|schedule", "0 0 2 * * *"),
  set("backups at once", BACKUP, "spec|concurrencyPolicy", "Allow"),
  set("a schedule in local time", BACKUP, "spec|timeZone", undefined),
  set("a Job without end", INIT, "spec|activeDeadlineSeconds", undefined),
  set("a Job that restarts in place", INIT, `${POD}|restartPolicy`, "OnFailure"),
  // Paths of requests
  set("a Service outside the cluster", SERVICE, "spec|type", "LoadBalancer"),
  set("a Service for other pods", SERVICE, "spec|selector|customer", "beta"),
  set("a Service for everything", SERVICE, "spec|selector", { customer: "acme" }),
  set("a wrong port name", SERVICE, "spec|ports|0|targetPort", "web"),
  set("a monitor of a port that is not there", MONITOR, "spec|endpoints|0|port", "metric"),
  set("a monitor of other Services", MONITOR, "spec|selector|matchLabels|app", "web"),
  set(
    "a pool's monitor of other Services",
    "ServiceMonitor pool-starter/warehouse-app",
    "spec|selector|matchLabels|app",
    "web",
  ),
  set("a monitor of its own namespace alone", MONITOR, "spec|namespaceSelector", undefined),
  set("a monitor of pools besides", MONITOR, "spec|selector|matchLabels|tenantstack.io/cell", undefined),
  set("a Service of no cell", SERVICE, "metadata|labels|tenantstack.io/cell", undefined),
  set("a route for another tenant's host", ROUTE, "spec|hostnames|0", "acme-2.yourwarehousesaas.com"),
  set("a route for every host", ROUTE, "spec|hostnames", []),
  set("a route that forgets the custom domain", ROUTE, "spec|hostnames", (old: string[]) => old.slice(0, 1)),
  set("a route to no Service", ROUTE, "spec|rules|0|backendRefs|0|name", "warehouse"),
  set("a route over plain HTTP", ROUTE, "spec|parentRefs|0|sectionName", "http"),
  set("a route that rewrites the host", ROUTE, "spec|rules|0|filters", [{ type: "URLRewrite" }]),
  drop("a route into a pool that is not allowed", "ReferenceGrant pool-starter/warehouse-tenants"),
  set(
    "a grant for another pool's tenant",
    "ReferenceGrant pool-starter/warehouse-tenants",
    "spec|from|0|namespace",
    "customer-dora",
  ),
  set(
    "a grant for more than tenants",
    "ReferenceGrant pool-starter/warehouse-tenants",
    "spec|from",
    add({ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "gateway-system" }),
  ),
  set("pods where none may be", SPACE, "metadata|labels|tenantstack.io/pods", "none"),
  set(
    "a grant for Secrets",
    "ReferenceGrant pool-starter/warehouse-tenants",
    "spec|to",
    add({ group: "", kind: "Secret" }),
  ),
  set("another tenant's certificate", LISTENERS, "spec|listeners|0|tls|certificateRefs|0|name", "dora-tls"),
  set("listeners for every namespace", LISTENERS, "spec|listeners|0|allowedRoutes|namespaces|from", "All"),
  set("a certificate for another host", CERTIFICATE, "spec|dnsNames|0", "wms.dora.example"),
  set("a certificate in another Secret", CERTIFICATE, "spec|secretName", "acme-db-secret"),
  set("a certificate by an issuer of the namespace", CERTIFICATE, "spec|issuerRef|kind", "Issuer"),
  drop("no certificate for a custom domain", CERTIFICATE),
  set(
    "an Ingress for another tenant's host",
    INGRESS,
    "spec|rules|0|host",
    "dora.yourwarehousesaas.com",
    "ingress",
  ),
  set("an Ingress for every host", INGRESS, "spec|rules|0|host", undefined, "ingress"),
  set("an Ingress without TLS", INGRESS, "spec|tls", undefined, "ingress"),
  set(
    "another tenant's certificate in a pool",
    POOL_INGRESS,
    "spec|tls|0|secretName",
    "carla-2-tls",
    "ingress",
  ),
  set(
    "a snippet",
    INGRESS,
    "metadata|annotations|nginx.ingress.kubernetes.io/server-snippet",
    "x",
    "ingress",
  ),
  set(
    "an Ingress to no Service",
    INGRESS,
    "spec|rules|0|http|paths|0|backend|service|name",
    "web",
    "ingress",
  ),
  set("an Ingress for some paths", INGRESS, "spec|rules|0|http|paths|0|path", "/app", "ingress"),
];

/** Faults that the project's checks leave to the tools: types, fields and Pod Security. */
export const TOOL_MUTATIONS: readonly Mutation[] = [
  set("a field of the wrong type", APP, "spec|progressDeadlineSeconds", "240"),
  set("a misspelt field", APP, `${POD}|topologySpreadConstraint`, []),
  set("a misspelt field of a custom resource", ROUTE, "spec|hostname", "x"),
  set("a missing field", MONITOR, "spec|selector", undefined),
  set("no seccomp profile", APP, `${POD}|securityContext|seccompProfile`, undefined),
  set(
    "capabilities kept",
    BACKUP,
    `spec|jobTemplate|${POD}|containers|0|securityContext|capabilities`,
    undefined,
  ),
  set("root allowed", INIT, `${POD}|securityContext|runAsUser`, 0),
  set("a folder of the node", APP, `${POD}|volumes`, add({ name: "h", hostPath: { path: "/" } })),
];
