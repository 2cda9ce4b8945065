import type { types } from "@pulumi/kubernetes";
import { priorityClassName } from "../registry/naming.ts";
import { formatBytes, formatCpu } from "../registry/quantities.ts";
import type { Compute } from "../registry/spec.ts";
import type { Nodes } from "./nodes.ts";
import type { Scope } from "./scope.ts";

type PodSpec = types.input.core.v1.PodSpec;
type PodSecurityContext = types.input.core.v1.PodSecurityContext;
type SecurityContext = types.input.core.v1.SecurityContext;
type ResourceRequirements = types.input.core.v1.ResourceRequirements;
type EnvVar = types.input.core.v1.EnvVar;

/** The application listens unprivileged: no capability is needed, and none is granted. */
export const HTTP_PORT = 8080;
export const METRICS_PORT = 9090;

/** Pod Security Standard "restricted". */
const POD_SECURITY: PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: 1000,
  runAsGroup: 1000,
  fsGroup: 1000,
  // A large volume is not re-owned at every start.
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
};

/** What every pod has, whatever it runs. Its priority decides whom it may displace: see components/cell/priorities.ts. */
export const hardenedPod = (
  { cell, nodes = {} }: Pick<Scope, "cell" | "nodes">,
  use: "serving" | "batch",
): Pick<
  PodSpec,
  "automountServiceAccountToken" | "enableServiceLinks" | "priorityClassName" | "securityContext"
> &
  Nodes => ({
  ...nodes,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  priorityClassName: priorityClassName(cell.cell, use),
  securityContext: POD_SECURITY,
});

/** Pod Security Standard "restricted", for every container. */
export const CONTAINER_SECURITY: SecurityContext = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
};

/** What a container that fails said last is in the pod's status, and so in the error of `pulumi up`. */
export const SAYS_WHY = "FallbackToLogsOnError";

/** Scratch space of each container, counted apart from memory. */
const EPHEMERAL_STORAGE = { request: "128Mi", limit: "2Gi" } as const;

export function resourceRequirements(requests: Compute, limits: Compute): ResourceRequirements {
  return {
    requests: {
      cpu: formatCpu(requests.cpu),
      memory: formatBytes(requests.memory),
      "ephemeral-storage": EPHEMERAL_STORAGE.request,
    },
    limits: {
      cpu: formatCpu(limits.cpu),
      memory: formatBytes(limits.memory),
      "ephemeral-storage": EPHEMERAL_STORAGE.limit,
    },
  };
}

/** An environment variable from a key of a Secret. */
export function secretEnv(variable: string, secret: EnvVar["name"], key: string): EnvVar {
  return { name: variable, valueFrom: { secretKeyRef: { name: secret, key } } };
}
