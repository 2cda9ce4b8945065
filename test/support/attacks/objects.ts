import type { KubeObject } from "../../../sandbox/kube/client.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A change of one object that is tried against the API server, and what the refusal must say. */
export interface Attack {
  readonly name: string;
  readonly object: KubeObject;
  readonly refusal: string;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Fields laid over others, deeply; undefined removes a field. */
export function merged(base: Fields, over: Fields): Fields {
  const entries = Object.entries(over).map(([key, value]) => {
    const below = base[key];
    return [key, isFields(value) && isFields(below) ? merged(below, value) : value] as const;
  });
  return Object.fromEntries(
    Object.entries({ ...base, ...Object.fromEntries(entries) }).filter(([, value]) => value !== undefined),
  );
}

export const changed = (object: KubeObject, over: Fields): KubeObject => merged(object, over) as KubeObject;

export const IMAGE = `registry.example.com/warehouse-saas@sha256:${"2".repeat(64)}`;

/** What a pod of a tenant looks like at least. */
export const podSpec = {
  automountServiceAccountToken: false,
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
  containers: [
    {
      name: "probe",
      image: IMAGE,
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
    },
  ],
};

const object = (
  apiVersion: string,
  kind: string,
  name: string,
  namespace: string,
  rest: Fields,
): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  ...rest,
});

export const pod = (namespace: string, spec: Fields = podSpec): KubeObject =>
  object("v1", "Pod", "probe", namespace, { spec });

export const service = (namespace: string): KubeObject =>
  object("v1", "Service", "probe", namespace, {
    spec: { selector: { app: "warehouse" }, ports: [{ name: "http", port: 80 }] },
  });

const backend = { service: { name: "warehouse-service", port: { name: "http" } } };

export const rule = (host: string | undefined, path = "/", pathType = "Prefix"): Fields => ({
  ...(host === undefined ? {} : { host }),
  http: { paths: [{ path, pathType, backend }] },
});

export const ingress = (namespace: string, host: string, tenant: string): KubeObject =>
  object("networking.k8s.io/v1", "Ingress", "probe", namespace, {
    metadata: { name: "probe", namespace, labels: { "tenantstack.io/tenant": tenant } },
    spec: {
      ingressClassName: "nginx",
      tls: [{ hosts: [host], secretName: `${tenant}-tls` }],
      rules: [rule(host)],
    },
  });

/** What cert-manager makes to answer an HTTP-01 challenge. */
export const solverIngress = (namespace: string, host: string): KubeObject =>
  object("networking.k8s.io/v1", "Ingress", "cm-acme-http-solver", namespace, {
    metadata: {
      name: "cm-acme-http-solver",
      namespace,
      annotations: { "nginx.ingress.kubernetes.io/whitelist-source-range": "0.0.0.0/0,::/0" },
    },
    spec: {
      ingressClassName: "nginx",
      rules: [rule(host, "/.well-known/acme-challenge/Zm9v-bar_baz", "Exact")],
    },
  });

/** The pod that answers it, as cert-manager 1.21 makes it. */
export const solverPod = (namespace: string): KubeObject =>
  object("v1", "Pod", "cm-acme-http-solver", namespace, {
    metadata: {
      name: "cm-acme-http-solver",
      namespace,
      labels: { "acme.cert-manager.io/http01-solver": "true", "acme.cert-manager.io/http-domain": "1" },
      annotations: { "cluster-autoscaler.kubernetes.io/safe-to-evict": "true" },
    },
    spec: {
      restartPolicy: "OnFailure",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "acmesolver",
          image: `quay.io/jetstack/cert-manager-acmesolver@sha256:${"1".repeat(64)}`,
          args: ["--listen-port=8089"],
          ports: [{ name: "http", containerPort: 8089 }],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          resources: {
            requests: { cpu: "10m", memory: "64Mi" },
            limits: { cpu: "100m", memory: "64Mi" },
          },
        },
      ],
    },
  });

export const route = (namespace: string, ...hostnames: string[]): KubeObject =>
  object("gateway.networking.k8s.io/v1", "HTTPRoute", "probe", namespace, {
    spec: {
      parentRefs: [{ name: "platform", namespace: "gateway-system" }],
      hostnames,
      rules: [{ backendRefs: [{ name: "warehouse-service", port: 80 }] }],
    },
  });

export const listeners = (namespace: string, hostname: string | undefined, tenant: string): KubeObject =>
  object("gateway.networking.k8s.io/v1", "ListenerSet", "probe", namespace, {
    spec: {
      parentRef: { name: "platform", namespace: "gateway-system" },
      listeners: [
        {
          name: "https",
          ...(hostname === undefined ? {} : { hostname }),
          port: 443,
          protocol: "HTTPS",
          tls: { mode: "Terminate", certificateRefs: [{ name: `${tenant}-tls` }] },
          allowedRoutes: { namespaces: { from: "Same" } },
        },
      ],
    },
  });

export const grant = (namespace: string, from: string, to = "Service"): KubeObject =>
  object("gateway.networking.k8s.io/v1", "ReferenceGrant", "customer-carla", namespace, {
    spec: {
      from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: from }],
      to: [{ group: "", kind: to }],
    },
  });

export const certificate = (namespace: string, tenant: string, ...dnsNames: string[]): KubeObject =>
  object("cert-manager.io/v1", "Certificate", `${tenant}-tls`, namespace, {
    metadata: { name: `${tenant}-tls`, namespace, labels: { "tenantstack.io/tenant": tenant } },
    spec: {
      secretName: `${tenant}-tls`,
      dnsNames,
      issuerRef: { name: "letsencrypt-prod", kind: "ClusterIssuer" },
    },
  });

/** An object with pods, around the specification of one. */
export const workloads: Readonly<Record<string, (namespace: string, spec: Fields) => KubeObject>> = {
  Pod: pod,
  Deployment: (namespace, spec) =>
    object("apps/v1", "Deployment", "probe", namespace, {
      spec: {
        selector: { matchLabels: { app: "probe" } },
        template: { metadata: { labels: { app: "probe" } }, spec },
      },
    }),
  Job: (namespace, spec) =>
    object("batch/v1", "Job", "probe", namespace, {
      spec: { template: { spec: { ...spec, restartPolicy: "Never" } } },
    }),
  CronJob: (namespace, spec) =>
    object("batch/v1", "CronJob", "probe", namespace, {
      spec: {
        schedule: "0 0 1 1 *",
        jobTemplate: { spec: { template: { spec: { ...spec, restartPolicy: "Never" } } } },
      },
    }),
};
