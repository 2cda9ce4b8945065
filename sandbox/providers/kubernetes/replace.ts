import type { Props } from "../base/wire.ts";
import { at } from "./metadata.ts";

/** Mutability that the provider's arguments can change. */
export interface Mutability {
  readonly configMaps: boolean;
  readonly secrets: boolean;
}

const SELECTOR = ["spec.selector"];
const JOB = ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"];
const STATEFUL_SET = [
  "spec.podManagementPolicy",
  "spec.revisionHistoryLimit",
  "spec.selector",
  "spec.serviceName",
  "spec.volumeClaimTemplates",
];
const PERSISTENT_VOLUME =
  "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs " +
  "hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume";

/** The vendor's list of fields whose change takes a new object, by group and kind. */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  "apps/DaemonSet": SELECTOR,
  "apps/Deployment": SELECTOR,
  "apps/StatefulSet": STATEFUL_SET,
  "batch/Job": JOB,
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
  "/PersistentVolume": PERSISTENT_VOLUME.split(" ").map((source) => `spec.${source}`),
  "/PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
  "/ResourceQuota": ["spec.scopes"],
  "/Secret": ["type"],
  "/Service": ["spec.clusterIP"],
};

/** Of a Pod's spec little but images and tolerations can change; the vendor replaces for all but tolerations. */
const POD_MUTABLE = ["tolerations", "activeDeadlineSeconds", "ephemeralContainers", "schedulingGates"];

const groupOf = (apiVersion: unknown): string =>
  typeof apiVersion === "string" && apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";

/** Whether a change at a path of keys takes a new object. */
export function replaceRule(
  object: Props,
  mutable: Mutability,
): (keys: readonly (string | number)[]) => boolean {
  const kind = typeof object.kind === "string" ? object.kind : "";
  const key = `${groupOf(object.apiVersion)}/${kind}`;
  const frozen = at(object, "immutable") === true;
  const paths = ["metadata.name", "metadata.namespace", ...(IMMUTABLE[key] ?? [])];
  if (key === "/Secret" && (!mutable.secrets || frozen)) paths.push("data", "stringData");
  if (key === "/ConfigMap" && (!mutable.configMaps || frozen)) paths.push("data", "binaryData");
  return (keys) => {
    const fields = keys.filter((each) => typeof each === "string");
    if (key === "/Pod" && fields[0] === "spec") return !POD_MUTABLE.includes(fields[1] ?? "");
    return paths.some((path) => path.split(".").every((part, index) => fields[index] === part));
  };
}

/** Kinds without a namespace that the vendor knows offline; asked only while the server cannot be. */
const CLUSTER_SCOPED = new Set(
  (
    "APIService CertificateSigningRequest ClusterIssuer ClusterRole ClusterRoleBinding CSIDriver CSINode " +
    "CustomResourceDefinition GatewayClass IngressClass MutatingWebhookConfiguration Namespace Node PersistentVolume " +
    "PriorityClass RuntimeClass StorageClass ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding " +
    "ValidatingWebhookConfiguration VolumeAttachment"
  ).split(" "),
);
export const isClusterScoped = (kind: string): boolean => CLUSTER_SCOPED.has(kind);
