import {
  DEDICATED,
  PLAN_ANNOTATION,
  PODS_LABEL,
  SOLVER_LABELS,
  TENANT_LABEL,
} from "../../../registry/naming.ts";
import type { CellConfig } from "../config.ts";
import { cel, optional, plainAnnotations, type AdmissionPolicy } from "./policy.ts";

const DIGEST = "^[^@\\s]+@sha256:[0-9a-f]{64}$";

/** Pods run what their digest says, cannot talk to the API server, and stay where the scheduler puts tenants. */
export const pods = ({ edge, network }: Pick<CellConfig, "edge" | "network">): AdmissionPolicy => ({
  subject: "pods",
  matches: [
    { group: "", resources: ["pods", "pods/ephemeralcontainers", "replicationcontrollers"] },
    { group: "apps", resources: ["deployments", "replicasets", "statefulsets", "daemonsets"] },
    { group: "batch", resources: ["jobs", "cronjobs"] },
  ],
  variables: [
    {
      name: "pod",
      expression:
        'object.kind == "Pod" ? object.spec : object.kind == "CronJob" ? object.spec.jobTemplate.spec.template.spec : object.spec.template.spec',
    },
    {
      name: "containers",
      expression:
        "variables.pod.containers + variables.pod.?initContainers.orValue([]) + variables.pod.?ephemeralContainers.orValue([])",
    },
  ],
  validations: [
    {
      expression: `namespaceObject.metadata.?labels[?${cel(PODS_LABEL)}].orValue("") != "none"`,
      message: "this namespace is not for pods: those that serve its tenant run in its pool's",
    },
    {
      expression: `variables.containers.all(container, container.image.matches(${cel(DIGEST)}))`,
      messageExpression:
        '"every image must be named by its digest, repository@sha256:…; given: " + variables.containers.map(container, container.image).join(", ")',
    },
    {
      expression: `variables.pod.?volumes.orValue([]).all(volume, !has(volume.image) || volume.image.reference.matches(${cel(DIGEST)}))`,
      message: "every image that is mounted must be named by its digest",
    },
    {
      expression: "!variables.pod.?automountServiceAccountToken.orValue(true)",
      message: "pods must not mount a token of the API server: set automountServiceAccountToken: false",
    },
    {
      expression: '!variables.pod.?priorityClassName.orValue("").startsWith("system-")',
      message: "priorities of the cluster's own pods are not for tenants",
    },
    {
      // Once the scheduler has placed it, a pod has a node.
      expression:
        '(request.operation == "UPDATE" && object.kind == "Pod") || variables.pod.?nodeName.orValue("") == ""',
      message: "pods are placed by the scheduler: leave nodeName out",
    },
    {
      expression:
        'variables.pod.?tolerations.orValue([]).all(each, each.?key.orValue("") != "" && !each.key.startsWith("node-role.kubernetes.io/"))',
      message: "pods must not tolerate every taint, or those of control-plane nodes",
    },
    {
      expression:
        `variables.pod.?tolerations.orValue([]).all(each, each.?key.orValue("") != ${cel(DEDICATED)} || (each.?operator.orValue("Equal") == "Equal" && ` +
        `each.?value.orValue("") in [${[PLAN_ANNOTATION, TENANT_LABEL].map((key) => `namespaceObject.metadata.?annotations[?${cel(key)}].orValue("nobody")`).join(", ")}]))`,
      message: "nodes that are dedicated to others are not to be tolerated",
    },
    {
      // By its label the edge reaches such a pod.
      expression:
        `!(${cel(SOLVER)} in object.metadata.?labels.orValue({})) || ` +
        `(request.operation == "UPDATE" && ${cel(SOLVER)} in oldObject.metadata.?labels.orValue({})) || ` +
        (edge.acmeChallenge === "http01"
          ? `request.userInfo.username.startsWith(${cel(`system:serviceaccount:${network.certManagerNamespace}:`)})`
          : "false"),
      message:
        edge.acmeChallenge === "http01"
          ? "only cert-manager itself makes pods by which hosts prove themselves"
          : "hosts prove themselves by DNS here, not by pods",
    },
  ],
});

const [SOLVER = ""] = Object.keys(SOLVER_LABELS);

/** Services lead inside the cluster to pods that they select. */
export const services: AdmissionPolicy = {
  subject: "services",
  matches: [{ group: "", resources: ["services"] }],
  validations: [
    {
      expression: 'object.spec.?type.orValue("ClusterIP") == "ClusterIP"',
      message: "Services must be of type ClusterIP",
    },
    {
      expression: `${optional("spec.?externalIPs", "[]")}.size() == 0 && ${optional("spec.?externalName", '""')} == ""`,
      message: "Services must not claim addresses or names outside the cluster",
    },
    {
      expression: `${optional("spec.?selector", "{}")}.size() > 0`,
      message: "Services must select their pods",
    },
    plainAnnotations,
  ],
};

/** Addresses behind Services come from the cluster's controllers alone: one written by hand could be anybody's. */
export const endpoints: AdmissionPolicy = {
  subject: "endpoints",
  // They have no specification.
  ignoresStatus: false,
  matches: [
    { group: "", resources: ["endpoints"] },
    { group: "discovery.k8s.io", resources: ["endpointslices"] },
  ],
  validations: [
    {
      expression:
        'request.userInfo.username == "system:kube-controller-manager" || request.userInfo.username.startsWith("system:serviceaccount:kube-system:")',
      message: "only the cluster's controllers may say where a Service leads",
    },
  ],
};
