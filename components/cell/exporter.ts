import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import type { Input, Resource } from "@pulumi/pulumi";
import { exporterRules } from "../../monitoring/rules.ts";
import { BUCKET_LABELS, METRICS, OPERATIONS } from "../../registry/naming.ts";
import { bucketEnv } from "../bucketEnv.ts";
import { createRules, createServiceMonitor } from "../monitoring.ts";
import { CONTAINER_SECURITY, hardenedPod, METRICS_PORT, resourceRequirements } from "../pod.ts";
import type { NamespacedScope } from "../scope.ts";

/** Reads what is new in the bucket every few minutes, and answers. */
export const EXPORTER_POD = {
  requests: { cpu: 20, memory: 128 * 2 ** 20 },
  limits: { cpu: 200, memory: 256 * 2 ** 20 },
} as const;

const SELECTOR = { app: METRICS } as const;

/**
 * What tells Prometheus of backups and drills: see ops/metrics/.
 * @param account that may read manifests and reports
 */
export function createExporter(
  scope: NamespacedScope,
  account: Input<string>,
  guards: readonly Resource[],
): void {
  const { name: prefix, labels: own, cell, parent, namespace } = scope;
  const labels = { ...own, ...SELECTOR };
  const policy = new NetworkPolicy(
    `${prefix}-metrics-ingress`,
    {
      metadata: { name: METRICS, namespace, labels },
      spec: {
        podSelector: { matchLabels: SELECTOR },
        policyTypes: ["Ingress"],
        ingress: [
          {
            from: [
              {
                namespaceSelector: {
                  matchLabels: { "kubernetes.io/metadata.name": cell.network.monitoringNamespace },
                },
              },
            ],
            ports: [{ protocol: "TCP", port: METRICS_PORT }],
          },
        ],
      },
    },
    { parent },
  );
  new Deployment(
    `${prefix}-metrics`,
    {
      metadata: { name: METRICS, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: SELECTOR },
        revisionHistoryLimit: 3,
        template: {
          metadata: { labels: { ...labels, ...BUCKET_LABELS } },
          spec: {
            serviceAccountName: account,
            ...hardenedPod(scope, "batch"),
            containers: [
              {
                name: METRICS,
                image: cell.backup.image,
                args: ["metrics"],
                env: bucketEnv(cell, METRICS),
                ports: [{ name: "metrics", containerPort: METRICS_PORT }],
                securityContext: CONTAINER_SECURITY,
                resources: resourceRequirements(EXPORTER_POD.requests, EXPORTER_POD.limits),
                // A bucket that does not answer is an alert's matter: a restart would not mend it.
                readinessProbe: { httpGet: { path: "/ready", port: "metrics" }, periodSeconds: 5 },
                livenessProbe: { httpGet: { path: "/health", port: "metrics" }, periodSeconds: 10 },
              },
            ],
          },
        },
      },
    },
    { parent, dependsOn: [...guards, policy], customTimeouts: { create: "5m", update: "5m" } },
  );
  new Service(
    `${prefix}-metrics-service`,
    {
      metadata: { name: METRICS, namespace, labels },
      spec: {
        type: "ClusterIP",
        selector: SELECTOR,
        ports: [{ name: "metrics", port: METRICS_PORT, targetPort: "metrics" }],
      },
    },
    { parent },
  );
  createServiceMonitor(scope, SELECTOR);
  createRules(scope, exporterRules(OPERATIONS.namespace));
}
