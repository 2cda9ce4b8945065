import type { Props } from "../../base/wire.ts";
import { asProps } from "../cluster.ts";
import { at, nameOf, namespaceOf, text } from "../metadata.ts";
import {
  condition,
  count,
  describe,
  failed,
  isStale,
  list,
  type Progress,
  type Readiness,
  ready,
  type Surroundings,
  waiting,
} from "./poll.ts";
import { podProblems, warnings, workloadReasons } from "./pods.ts";

const TEN_MINUTES = 600;
const wanted = (object: Props): number => {
  const replicas = at(object, "spec", "replicas");
  return typeof replicas === "number" ? replicas : 1;
};
const status = (object: Props, field: string): number => count(at(object, "status", field));

function deployment(object: Props, { since }: Surroundings): Progress {
  if (at(object, "spec", "paused") === true) return ready();
  const replicas = wanted(object);
  const available = status(object, "availableReplicas");
  const progress = `[1/2] Waiting for app ReplicaSet to be available (${available}/${replicas} Pods available)`;
  if (isStale(object)) return waiting(progress);
  const progressing = condition(object, "Progressing");
  // A verdict from before this update may be overtaken: what stood in the way can be gone.
  if (progressing?.status === "False" && updatedAt(progressing) >= since)
    return failed(`Deployment is not progressing: ${describe(progressing)}`);
  const refused = condition(object, "ReplicaFailure");
  if (refused?.status === "True") return waiting(`${progress}: ${describe(refused)}`);
  const updated = status(object, "updatedReplicas");
  if (updated < replicas || available < updated) return waiting(progress);
  const old = status(object, "replicas") - updated;
  if (old > 0) return waiting(`[2/2] Waiting for ${old} Pods of the old ReplicaSet to end`);
  return ready("Deployment initialization complete");
}

/** When a condition was last set, to the end of its second: the API server's times have no fraction. */
const updatedAt = ({ lastUpdateTime }: Props): number => Date.parse(text(lastUpdateTime) ?? "") + 999;

function statefulSet(object: Props): Progress {
  const replicas = wanted(object);
  const [updated, living] = [status(object, "updatedReplicas"), status(object, "readyReplicas")];
  const progress = `Waiting for StatefulSet to be ready (${living}/${replicas} Pods ready, ${updated} updated)`;
  if (isStale(object) || living < replicas) return waiting(progress);
  if (at(object, "spec", "updateStrategy", "type") === "OnDelete") return ready();
  return updated < replicas ? waiting(progress) : ready("StatefulSet initialization complete");
}

function daemonSet(object: Props): Progress {
  const replicas = status(object, "desiredNumberScheduled");
  const [updated, available] = [status(object, "updatedNumberScheduled"), status(object, "numberAvailable")];
  return isStale(object) || updated < replicas || available < replicas
    ? waiting(`Waiting for DaemonSet to be available (${available}/${replicas} Pods available)`)
    : ready();
}

function job(object: Props): Progress {
  if (at(object, "spec", "suspend") === true) return ready();
  const broken = condition(object, "Failed");
  if (broken?.status === "True") return failed(`Job failed: ${describe(broken)}`);
  if (condition(object, "Complete")?.status === "True") return ready("Job completed");
  const [active, succeeded, lost] = ["active", "succeeded", "failed"].map((field) => status(object, field));
  if (at(object, "status", "startTime") === undefined) return waiting("[1/2] Waiting for Job to start");
  return waiting(
    `[2/2] Waiting for Job to succeed (Active: ${active ?? 0} | Succeeded: ${succeeded ?? 0} | Failed: ${lost ?? 0})`,
  );
}

function pod(object: Props): Progress {
  const phase = at(object, "status", "phase");
  if (phase === "Succeeded" || condition(object, "Ready")?.status === "True") return ready();
  const once = at(object, "spec", "restartPolicy") === "Never";
  if (phase === "Failed" && once) return failed(`Pod failed: ${podProblems(object).join("; ")}`);
  return waiting(podProblems(object)[0] ?? "Waiting for Pod to be ready");
}

/** Claims of a class that binds with the first Pod stay unbound until there is one. */
const claim: Readiness["check"] = async (object, { kube }) => {
  if (at(object, "status", "phase") === "Bound") return ready();
  const named = text(at(object, "spec", "storageClassName"));
  const { items } = await kube.list({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass" });
  const isDefault = "storageclass.kubernetes.io/is-default-class";
  const used = items.find(({ metadata }) =>
    named === undefined ? metadata.annotations?.[isDefault] === "true" : metadata.name === named,
  );
  return used?.volumeBindingMode === "WaitForFirstConsumer"
    ? ready()
    : waiting(`Waiting for PersistentVolumeClaim to be bound (storage class ${named ?? "default"})`);
};

const balanced = (object: Props): boolean => list(at(object, "status", "loadBalancer", "ingress")).length > 0;

/** As the vendor: a Service waits for Pods behind it, ready or not, unless it is headless or external. */
const service: Readiness["check"] = async (object, { kube }) => {
  const type = at(object, "spec", "type");
  if (type !== "ExternalName" && at(object, "spec", "clusterIP") !== "None") {
    const { items } = await kube.list(
      { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
      {
        namespace: namespaceOf(object) ?? "default",
        labelSelector: `kubernetes.io/service-name=${nameOf(object) ?? ""}`,
      },
    );
    if (!items.some((slice) => list(asProps(slice).endpoints).length > 0)) {
      return waiting("[1/3] Finding Pods to direct traffic to");
    }
  }
  return type === "LoadBalancer" && !balanced(object)
    ? waiting("[2/3] Attempting to allocate IP address to Service")
    : ready("Service initialization complete");
};

const serviceReasons: Readiness["reasons"] = (object) =>
  Promise.resolve(
    at(object, "spec", "type") === "LoadBalancer" && !balanced(object)
      ? ["Service was not allocated an IP address; does your cloud provider support this?"]
      : [
          "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not " +
            "match labels on any Pods",
        ],
  );

const ingress = (object: Props): Progress =>
  balanced(object) ? ready() : waiting("[2/3] Waiting for update of .status.loadBalancer with hostname/IP");

const workload = (check: Readiness["check"]): Readiness => ({
  timeout: TEN_MINUTES,
  check,
  reasons: workloadReasons,
});

/** Kinds the vendor awaits; all others are ready as soon as they exist. */
const RULES: Readonly<Record<string, Readiness>> = {
  "apps/v1/Deployment": workload(deployment),
  "apps/v1/StatefulSet": workload(statefulSet),
  "apps/v1/DaemonSet": workload(daemonSet),
  "batch/v1/Job": workload(job),
  "v1/Pod": {
    timeout: TEN_MINUTES,
    check: pod,
    reasons: async (object, around) => [...podProblems(object), ...(await warnings(object, around))],
  },
  "v1/PersistentVolumeClaim": { timeout: 300, check: claim, reasons: warnings },
  "v1/Service": { timeout: TEN_MINUTES, check: service, reasons: serviceReasons },
  "networking.k8s.io/v1/Ingress": {
    timeout: TEN_MINUTES,
    check: ingress,
    reasons: () =>
      Promise.resolve(["Ingress .status.loadBalancer field was not updated with a hostname/IP address"]),
  },
};

/** `pulumi.com/waitFor: condition=Ready` or `jsonpath={.status.phase}=Bound`, or a JSON list of such. */
export function waitForRule(expression: string): Readiness {
  const terms = expression.startsWith("[") ? (JSON.parse(expression) as readonly string[]) : [expression];
  const unmet = (object: Props): string | undefined =>
    terms.find((term) => {
      const [, type = "", value = "True"] = /^condition=([^=]+)(?:=(.*))?$/.exec(term) ?? [];
      if (type !== "") return condition(object, type)?.status !== value;
      const [, path, expected] = /^jsonpath=\{?\.?([^}=]+)\}?(?:=(.*))?$/.exec(term) ?? [];
      if (path === undefined)
        throw new Error(`pulumi.com/waitFor: "${term}" is neither condition=… nor jsonpath=…`);
      const found = at(object, ...path.split("."));
      return expected === undefined
        ? found === undefined
        : text(found) !== expected && JSON.stringify(found) !== expected;
    });
  return {
    timeout: TEN_MINUTES,
    check: (object) => {
      const term = unmet(object);
      return term === undefined ? ready() : waiting(`Waiting for ${term}`);
    },
  };
}

export const ruleOf = (object: Props): Readiness | undefined =>
  RULES[`${text(object.apiVersion) ?? ""}/${text(object.kind) ?? ""}`];
