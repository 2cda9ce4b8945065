import type { types } from "@pulumi/kubernetes";
import { HOSTS_PREFIX, TENANT_LABEL } from "../../../registry/naming.ts";

export type Validation = types.input.admissionregistration.v1.Validation;
export type Variable = types.input.admissionregistration.v1.Variable;

/** Kinds of one API group that a policy is about. */
export interface Resources {
  readonly group: string;
  /** Default: v1. */
  readonly version?: string;
  readonly resources: readonly string[];
}

/** One policy of a cell: what it is about, and the CEL expressions that must hold. */
export interface AdmissionPolicy {
  /** Completes the policy's name. */
  readonly subject: string;
  readonly matches: readonly Resources[];
  /** Default: CREATE and UPDATE. */
  readonly operations?: readonly string[];
  /** Whether an update is let through that leaves specification, labels and annotations as they were. Default: true. */
  readonly ignoresStatus?: boolean;
  readonly variables?: readonly Variable[];
  readonly validations: readonly Validation[];
}

/** A text in CEL. */
export const cel = (text: string): string => JSON.stringify(text);

/** Expressions that hold for the object, as far as it has such fields; `none` stands in for one that is missing. */
export const optional = (path: string, none: string): string => `object.${path}.orValue(${none})`;

/**
 * Whose the object is and which hosts it may claim. A tenant's namespace says so itself; in the namespace of a pool,
 * which holds Ingresses and certificates of its tenants, the object's label says whose it is, and without one (a
 * solver of cert-manager) any host of the pool's tenants will do. Hosts come from the namespace alone.
 */
export const OWNERSHIP: readonly Variable[] = [
  {
    name: "annotations",
    expression: "namespaceObject.metadata.?annotations.orValue({})",
  },
  {
    name: "tenant",
    expression: `variables.annotations[?${cel(TENANT_LABEL)}].orValue(object.metadata.?labels[?${cel(TENANT_LABEL)}].orValue(""))`,
  },
  {
    name: "hosts",
    expression:
      `variables.annotations.filter(key, variables.tenant == "" ? key.startsWith(${cel(HOSTS_PREFIX)}) : key == ${cel(HOSTS_PREFIX)} + variables.tenant)` +
      `.map(key, variables.annotations[key]).join(",").split(",").filter(host, host != "")`,
  },
];

const OPEN_RANGE = "nginx.ingress.kubernetes.io/whitelist-source-range";

/** Annotations by which a controller could be told to do something else than the object says. */
export const plainAnnotations: Validation = {
  expression:
    `object.metadata.?annotations.orValue({}).all(key, key.startsWith("pulumi.com/") || key.startsWith("tenantstack.io/") || ` +
    // The second is what cert-manager's solvers carry.
    `key == "kubectl.kubernetes.io/last-applied-configuration" || (key == ${cel(OPEN_RANGE)} && object.metadata.annotations[key] == "0.0.0.0/0,::/0"))`,
  messageExpression: `"annotations that steer a controller are not allowed: " + object.metadata.annotations.map(key, key).join(", ")`,
};

/** Letters, digits and what URLs separate them with: nothing that a proxy's configuration gives a meaning. */
export const PLAIN_PATH = "^/[A-Za-z0-9._~/-]*$";
