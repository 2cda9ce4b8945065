import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import type { Resource } from "@pulumi/pulumi";
import { MAINTENANCE, maintenanceLabels, tenantLabels } from "../registry/naming.ts";
import { CONTAINER_SECURITY, HTTP_PORT, POD_SECURITY, resourceRequirements } from "./pod.ts";
import type { NamespacedScope } from "./scope.ts";

/** The pod does nothing but answer. */
const COMPUTE = {
  requests: { cpu: 10, memory: 64 * 2 ** 20 },
  limits: { cpu: 100, memory: 128 * 2 ** 20 },
} as const;

/** What answers the hosts of a tenant that is suspended, in place of the application: see ops/maintenance.ts. */
export function createMaintenance(
  { spec, cell, parent, namespace }: NamespacedScope,
  guards: readonly Resource[],
): Resource {
  const labels = { ...tenantLabels(spec.id), ...maintenanceLabels(spec.id) };
  return new Deployment(
    `${spec.id}-maintenance`,
    {
      metadata: { name: MAINTENANCE, namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: maintenanceLabels(spec.id) },
        revisionHistoryLimit: 3,
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: POD_SECURITY,
            containers: [
              {
                name: MAINTENANCE,
                image: cell.backup.image,
                args: ["maintenance"],
                env: [{ name: "MAINTENANCE_MODE", value: spec.suspensionMode }],
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
    { parent, dependsOn: [...guards], customTimeouts: { create: "5m", update: "5m" } },
  );
}
