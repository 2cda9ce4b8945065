import type { KubeObject } from "../../../sandbox/kube/client.ts";
import {
  certificate,
  changed,
  grant,
  IMAGE,
  ingress,
  listeners,
  pod,
  podSpec,
  route,
  rule,
  service,
  solverIngress,
  workloads,
  type Attack,
} from "./objects.ts";

/** What the attacker holds: acme's namespace. carla and carla-2 share the pool, beta is another silo. */
const HOME = "customer-acme";
const POOL = "pool-starter";
const DOMAIN = "yourwarehousesaas.com";
const OWN = `acme.${DOMAIN}`;
const CUSTOM = "wms.acme.example";
const OTHER = `beta.${DOMAIN}`;
const CARLA = `carla.${DOMAIN}`;

const own = ingress(HOME, OWN, "acme");
const ownRoute = route(HOME, OWN, CUSTOM);
const ownListeners = listeners(HOME, CUSTOM, "acme");
const ownCertificate = certificate(HOME, "acme", OWN, CUSTOM);
const ownService = service(HOME);

const dedicatedTo = (value: string): object => ({
  key: "tenantstack.io/dedicated",
  operator: "Equal",
  value,
  effect: "NoSchedule",
});

/** What must be let in, or the refusals below would prove nothing. */
export const legitimate: readonly KubeObject[] = [
  own,
  ingress(HOME, CUSTOM, "acme"),
  solverIngress(HOME, OWN),
  ownRoute,
  ownListeners,
  ownCertificate,
  ownService,
  ingress(POOL, CARLA, "carla"),
  solverIngress(POOL, CARLA),
  changed(certificate(POOL, "carla-2", `carla-2.${DOMAIN}`), {
    metadata: { annotations: { "pulumi.com/x": "y" } },
  }),
  grant(POOL, "customer-carla"),
  ...Object.values(workloads).map((wrap) => wrap(HOME, podSpec)),
  ...["acme", "enterprise"].map((value) => pod(HOME, { ...podSpec, tolerations: [dedicatedTo(value)] })),
];

const HOSTS = "every host must be one of the tenant's";
const STEER = "annotations that steer a controller are not allowed";

const annotated = (name: string, value = "x"): KubeObject =>
  changed(own, { metadata: { annotations: { [name]: value } } });
const listener = (over: object): KubeObject => {
  const [first] = (ownListeners["spec"] as { listeners: object[] }).listeners;
  return changed(ownListeners, { spec: { listeners: [{ ...first, ...over }] } });
};
const backends = (over: object): KubeObject =>
  changed(ownRoute, {
    spec: { rules: [{ backendRefs: [{ name: "warehouse-service", port: 80 }], ...over }] },
  });
const path = (value: string, pathType = "Prefix"): KubeObject =>
  changed(own, { spec: { rules: [rule(OWN, value, pathType)] } });
const matching = (type: string, value: string): KubeObject =>
  backends({ matches: [{ path: { type, value } }] });

const table = (refusal: string, attacks: Readonly<Record<string, KubeObject>>): Attack[] =>
  Object.entries(attacks).map(([name, object]) => ({ name, object, refusal }));

const ingresses = [
  ...table(HOSTS, {
    "an Ingress for another tenant's host": ingress(HOME, OTHER, "acme"),
    "an Ingress for the platform's own name": ingress(HOME, DOMAIN, "acme"),
    "an Ingress for a host of nobody": ingress(HOME, `www.${DOMAIN}`, "acme"),
    "an Ingress for a wildcard": ingress(HOME, `*.${DOMAIN}`, "acme"),
    "an Ingress for every host": changed(own, { spec: { rules: [rule(undefined)] } }),
    "an Ingress that says it is another tenant's": ingress(HOME, OTHER, "beta"),
    "an Ingress for a second host beside its own": changed(own, {
      spec: { rules: [rule(OWN), rule(OTHER)] },
    }),
    "an Ingress in a pool for another tenant of the pool": ingress(POOL, `carla-2.${DOMAIN}`, "carla"),
    "an Ingress in a pool for a tenant of another placement": ingress(POOL, OWN, "acme"),
    "a solver in a pool for a tenant of another placement": solverIngress(POOL, OWN),
  }),
  ...table("an Ingress must not answer hosts that it does not name", {
    "an Ingress with a default backend alone": changed(own, {
      spec: {
        rules: undefined,
        tls: undefined,
        defaultBackend: { service: { name: "a", port: { number: 80 } } },
      },
    }),
    "an Ingress with a default backend beside its hosts": changed(own, {
      spec: { defaultBackend: { service: { name: "a", port: { number: 80 } } } },
    }),
  }),
  ...table("every host of tls must be one of the tenant's", {
    "an Ingress that ends TLS of another tenant's host": changed(own, {
      spec: { tls: [{ hosts: [OTHER], secretName: "acme-tls" }] },
    }),
    "an Ingress that ends TLS of every host": changed(own, { spec: { tls: [{ secretName: "acme-tls" }] } }),
  }),
  ...table("tls must use the tenant's own certificate", {
    "an Ingress in a pool with another tenant's certificate": changed(ingress(POOL, CARLA, "carla"), {
      spec: { tls: [{ hosts: [CARLA], secretName: "carla-2-tls" }] },
    }),
    "an Ingress in a pool with a certificate and without a tenant": changed(solverIngress(POOL, CARLA), {
      spec: { tls: [{ hosts: [CARLA], secretName: "carla-tls" }] },
    }),
  }),
  ...table(STEER, {
    "a configuration snippet": annotated("nginx.ingress.kubernetes.io/configuration-snippet", "return 200;"),
    "a server snippet": annotated("nginx.ingress.kubernetes.io/server-snippet", "location /x {}"),
    "an authentication URL": annotated("nginx.ingress.kubernetes.io/auth-url", "http://evil.example"),
    "a server alias": annotated("nginx.ingress.kubernetes.io/server-alias", OTHER),
    "a DNS record for another tenant's host": annotated("external-dns.alpha.kubernetes.io/hostname", OTHER),
    "a certificate by annotation": annotated("cert-manager.io/cluster-issuer", "letsencrypt-prod"),
    "a class by annotation": annotated("kubernetes.io/ingress.class", "nginx"),
    "a source range of the attacker's": annotated(
      "nginx.ingress.kubernetes.io/whitelist-source-range",
      "1.2.3.4/32",
    ),
  }),
  ...table("paths must be of type Prefix or Exact", {
    "a path that is a pattern": path("/.*", "ImplementationSpecific"),
    "a path that closes a block of the proxy's configuration": path("/x{}"),
    "a path that ends a directive": path("/x;return 200"),
    "a path with a quote": path('/x"'),
    "a path with a variable": path("/$host"),
    "a path with a line break": path("/x\nproxy_pass evil.example"),
  }),
  ...table("paths must lead to Services", {
    "a path that leads to something else": changed(own, {
      spec: {
        rules: [
          {
            host: OWN,
            http: {
              paths: [
                {
                  path: "/",
                  pathType: "Prefix",
                  backend: { resource: { apiGroup: "x.example", kind: "Bucket", name: "a" } },
                },
              ],
            },
          },
        ],
      },
    }),
  }),
];

const routes = [
  ...table(HOSTS, {
    "a route for another tenant's host": route(HOME, OTHER),
    "a route for a wildcard": route(HOME, `*.${DOMAIN}`),
    "a route for every host": route(HOME),
    "a route in the pool": route(POOL, OWN),
  }),
  ...table("routes must lead to Services without filters", {
    "a route that rewrites the host": backends({
      filters: [{ type: "URLRewrite", urlRewrite: { hostname: OTHER } }],
    }),
    "a route that sets a header": backends({
      filters: [
        { type: "RequestHeaderModifier", requestHeaderModifier: { set: [{ name: "Host", value: OTHER }] } },
      ],
    }),
    "a route that leads to a Gateway": backends({
      backendRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "platform", port: 80 }],
    }),
  }),
  ...table("paths must be of type PathPrefix or Exact", {
    "a route with a pattern": matching("RegularExpression", "/.*"),
    "a route with a path that ends a directive": matching("PathPrefix", "/a;b"),
  }),
  ...table("every listener must be for a host of the tenant", {
    "a listener for another tenant's host": listener({ hostname: OTHER }),
    "a listener for a wildcard": listener({ hostname: `*.${DOMAIN}` }),
    "a listener for every host": listener({ hostname: undefined }),
  }),
  ...table("listeners must end HTTPS with the tenant's own certificate", {
    "a listener with another certificate": listener({ tls: { certificateRefs: [{ name: "beta-tls" }] } }),
    "a listener with another namespace's certificate": listener({
      tls: { certificateRefs: [{ name: "acme-tls", namespace: "customer-beta" }] },
    }),
    "a listener that others may use": listener({ allowedRoutes: { namespaces: { from: "All" } } }),
    "a listener without TLS": listener({ protocol: "HTTP", tls: undefined }),
  }),
  ...table("a ReferenceGrant must let HTTPRoutes", {
    "a way into the pool for a namespace that is no tenant's": grant(POOL, "gateway-system"),
    "a way to the Secrets of the pool": grant(POOL, "customer-carla", "Secret"),
  }),
  ...table("of the Gateway API only", {
    "a Gateway of the tenant's own": {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "probe", namespace: HOME },
      spec: { gatewayClassName: "sandbox", listeners: [{ name: "http", port: 80, protocol: "HTTP" }] },
    },
  }),
];

const NAMES = "every name must be a host of the tenant";
const certificates = [
  ...table(NAMES, {
    "a certificate for another tenant's host": certificate(HOME, "acme", OTHER),
    "a wildcard certificate": certificate(HOME, "acme", `*.${DOMAIN}`),
    "a certificate for another host beside its own": certificate(HOME, "acme", OWN, OTHER),
    "a certificate in a pool for another tenant of the pool": certificate(POOL, "carla", `carla-2.${DOMAIN}`),
    "a certificate for no host": certificate(HOME, "acme"),
    "a certificate with another common name": changed(ownCertificate, { spec: { commonName: OTHER } }),
  }),
  ...table("a Certificate and the Secret it fills must be called", {
    "a certificate in another Secret": changed(ownCertificate, { spec: { secretName: "acme-db-secret" } }),
    "a certificate of another name": changed(ownCertificate, { metadata: { name: "beta-tls" } }),
  }),
  ...table("a Certificate must be for host names and nothing else", {
    "a certificate for an address": changed(ownCertificate, { spec: { ipAddresses: ["10.0.0.1"] } }),
    "a certificate for a URI": changed(ownCertificate, {
      spec: { uris: ["spiffe://cluster/ns/kube-system"] },
    }),
    "a certificate that signs others": changed(ownCertificate, { spec: { isCA: true } }),
  }),
  ...table("a certificate's Secret must not carry labels and annotations", {
    "a certificate that is copied elsewhere": changed(ownCertificate, {
      spec: {
        secretTemplate: { annotations: { "reflector.v1.k8s.emberstack.com/reflection-allowed": "true" } },
      },
    }),
  }),
  ...table("only cert-manager itself may do this", {
    "an issuer of the tenant's own": {
      apiVersion: "cert-manager.io/v1",
      kind: "Issuer",
      metadata: { name: "probe", namespace: HOME },
      spec: { selfSigned: {} },
    },
  }),
];

const services = [
  ...table("Services must be of type ClusterIP", {
    "a load balancer": changed(ownService, { spec: { type: "LoadBalancer" } }),
    "a port of every node": changed(ownService, { spec: { type: "NodePort" } }),
    "a name outside the cluster": changed(ownService, {
      spec: { type: "ExternalName", externalName: "kubernetes.default.svc", selector: undefined },
    }),
  }),
  ...table("Services must not claim addresses or names outside the cluster", {
    "an address outside the cluster": changed(ownService, { spec: { externalIPs: ["203.0.113.10"] } }),
  }),
  ...table("Services must select their pods", {
    "a Service that selects nothing": changed(ownService, { spec: { selector: undefined } }),
  }),
  ...table(STEER, {
    "a Service that claims a DNS name": changed(ownService, {
      metadata: { annotations: { "external-dns.alpha.kubernetes.io/hostname": OTHER } },
    }),
  }),
  ...table("only the cluster's controllers may say where a Service leads", {
    "an endpoint that is the metadata service": {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: "probe",
        namespace: HOME,
        labels: { "kubernetes.io/service-name": "warehouse-service" },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.244.0.7"] }],
      ports: [{ name: "http", port: 8080 }],
    },
    "old endpoints by hand": {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { name: "probe", namespace: HOME },
      subsets: [{ addresses: [{ ip: "10.244.0.7" }], ports: [{ port: 8080 }] }],
    },
  }),
];

const container = (over: object): object => ({
  ...podSpec,
  containers: podSpec.containers.map((each) => ({ ...each, ...over })),
});
const TAG = "registry.example.com/warehouse-saas:v2.1.0";

const pods = Object.entries(workloads).flatMap(([kind, wrap]) => {
  const spec = (over: object): KubeObject => wrap(HOME, { ...podSpec, ...over });
  const inKind = (attacks: Readonly<Record<string, KubeObject>>): Record<string, KubeObject> =>
    Object.fromEntries(Object.entries(attacks).map(([name, object]) => [`${kind}: ${name}`, object]));
  return [
    ...table(
      "every image must be named by its digest",
      inKind({
        "an image by tag": spec(container({ image: TAG })),
        "an image by nothing": spec(container({ image: "nginx" })),
        "a short digest": spec(container({ image: "nginx@sha256:abc" })),
        "an init container by tag": spec({
          initContainers: podSpec.containers.map((each) => ({ ...each, name: "init", image: TAG })),
        }),
      }),
    ),
    ...table(
      "pods must not mount a token of the API server",
      inKind({ "a token": spec({ automountServiceAccountToken: undefined }) }),
    ),
    ...table(
      "priorities of the cluster's own pods",
      inKind({ "a priority of the cluster's": spec({ priorityClassName: "system-cluster-critical" }) }),
    ),
    ...table(
      "pods are placed by the scheduler",
      inKind({ "a node of its choice": spec({ nodeName: "sandbox" }) }),
    ),
    ...table(
      "pods must not tolerate every taint",
      inKind({
        "any node": spec({ tolerations: [{ operator: "Exists" }] }),
        "control-plane nodes": spec({
          tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists" }],
        }),
      }),
    ),
    ...table(
      "nodes that are dedicated to others",
      inKind({
        "nodes of another tenant": spec({ tolerations: [dedicatedTo("beta")] }),
        "nodes of another plan": spec({ tolerations: [dedicatedTo("ai_enhanced")] }),
        "all nodes of somebody": spec({
          tolerations: [{ key: "tenantstack.io/dedicated", operator: "Exists" }],
        }),
      }),
    ),
  ];
});

const images = table("every image that is mounted must be named by its digest", {
  "an image that is mounted":
    workloads["Deployment"]?.(HOME, {
      ...podSpec,
      volumes: [{ name: "i", image: { reference: TAG } }],
    }) ?? own,
});

/** Objects that the admission policies refuse, and a cluster without them accepts. */
export const forbidden: readonly Attack[] = [
  ...ingresses,
  ...routes,
  ...certificates,
  ...services,
  ...pods,
  ...images,
];

export { IMAGE };
