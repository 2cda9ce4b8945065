import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { Resource } from "@pulumi/pulumi";
import { MAINTENANCE } from "../registry/naming.ts";
import type { TenantSpec } from "../registry/spec.ts";
import { CONTAINER_SECURITY, HTTP_PORT, hardenedPod, resourceRequirements } from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

/** The pod does nothing but answer. */
const COMPUTE = {
  requests: { cpu: 10, memory: 64 * 2 ** 20 },
  limits: { cpu: 100, memory: 128 * 2 ** 20 },
} as const;

/** What answers the hosts of a tenant that is not served, in place of the application: see ops/maintenance.ts. */
export function createMaintenance(
  scope: NamespacedScope,
  args: {
    readonly mode: TenantSpec["suspensionMode"];
    /** The Deployment's name, and what completes its logical name. Default: warehouse-maintenance. */
    readonly name?: string;
    /** Labels that select the pod. */
    readonly selector: Readonly<Record<string, string>>;
    readonly after: readonly Resource[];
  },
): Resource {
  const { name: prefix, labels: own, cell, parent, namespace } = scope;
  const { mode, name = MAINTENANCE, selector, after } = args;
  const labels = { ...own, ...selector };
  return new Deployment(
    `${prefix}-${name.replace(/^warehouse-/, "")}`,
    {
      metadata: { name, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        revisionHistoryLimit: 3,
        template: {
          metadata: { labels },
          spec: {
            ...hardenedPod(scope, "serving"),
            containers: [
              {
                name: MAINTENANCE,
                image: cell.backup.image,
                args: ["maintenance"],
                env: [{ name: "MAINTENANCE_MODE", value: mode }],
                ports: [{ name: "http", containerPort: HTTP_PORT }],
                securityContext: CONTAINER_SECURITY,
                resources: resourceRequirements(COMPUTE.requests, COMPUTE.limits),
                readinessProbe: { httpGet: { path: "/ready", port: "http" }, periodSeconds: 5 },
                livenessProbe: { httpGet: { path: "/health", port: "http" }, periodSeconds: 10 },
              },
            ],
          },
        },
      },
    },
    { parent, dependsOn: [...after], customTimeouts: { create: "5m", update: "5m" } },
  );
}
