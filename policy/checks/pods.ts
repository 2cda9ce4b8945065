import type { Check } from "../cell.ts";
import { at, fieldsOf, listOf, numberOf, textOf, textsOf } from "../fields.ts";

const DIGEST = /^[^@\s]+@sha256:[0-9a-f]{64}$/;

export const imagesAreDigests: Check = function* ({ workloads }) {
  for (const { manifest, containers } of workloads)
    for (const { image } of containers)
      if (!DIGEST.test(textOf(image))) yield [manifest, `image ${textOf(image)} is not named by its digest`];
};

/** What components/pod.ts gives every pod. */
export const podsAreHardened: Check = function* ({ workloads }) {
  for (const { manifest, spec, containers } of workloads) {
    if (spec["automountServiceAccountToken"] !== false) yield [manifest, "mounts a token of the API server"];
    if (spec["enableServiceLinks"] !== false)
      yield [manifest, "has addresses of Services in its environment"];
    for (const { name, securityContext, resources } of containers) {
      if (at(securityContext, "readOnlyRootFilesystem") !== true)
        yield [manifest, `${textOf(name)} can write to its image`];
      for (const each of ["cpu", "memory", "ephemeral-storage"])
        for (const kind of ["requests", "limits"])
          if (at(resources, kind, each) === undefined)
            yield [manifest, `${textOf(name)} has no ${kind} of ${each}`];
    }
    for (const { name, emptyDir, secret } of listOf(spec["volumes"])) {
      const mode = at(secret, "defaultMode");
      if (secret !== undefined && (mode === undefined || (numberOf(mode) & 0o007) !== 0))
        yield [manifest, `volume ${textOf(name)} lets everybody in the container read secrets`];
      if (emptyDir !== undefined && at(emptyDir, "sizeLimit") === undefined)
        yield [manifest, `volume ${textOf(name)} has no limit`];
    }
  }
};

/** Pod Security "restricted", as far as the program uses it: the admission plug-in and its library look at all of it. */
export const podsAreRestricted: Check = function* ({ workloads }) {
  for (const { manifest, spec, containers } of workloads) {
    const { runAsNonRoot, runAsUser, seccompProfile } = fieldsOf(spec["securityContext"]);
    if (runAsNonRoot !== true || runAsUser === 0) yield [manifest, "may run as root"];
    if (at(seccompProfile, "type") !== "RuntimeDefault") yield [manifest, "has no seccomp profile"];
    for (const field of ["hostNetwork", "hostPID", "hostIPC"])
      if (spec[field] === true) yield [manifest, `shares the node's: ${field}`];
    for (const { name, hostPath } of listOf(spec["volumes"]))
      if (hostPath !== undefined) yield [manifest, `volume ${textOf(name)} is a folder of the node`];
    for (const { name, securityContext } of containers) {
      const { allowPrivilegeEscalation, privileged, capabilities, ...own } = fieldsOf(securityContext);
      if (allowPrivilegeEscalation !== false || privileged === true)
        yield [manifest, `${textOf(name)} may gain privileges`];
      if (!textsOf(at(capabilities, "drop")).includes("ALL") || at(capabilities, "add") !== undefined)
        yield [manifest, `${textOf(name)} keeps capabilities`];
      if (own["runAsNonRoot"] === false || own["runAsUser"] === 0)
        yield [manifest, `${textOf(name)} may run as root`];
    }
  }
};

/** Deployments answer requests: what tells the cluster whether they do, and lets them end in peace. */
export const deploymentsAreProbed: Check = function* ({ workloads }) {
  for (const { manifest, spec, containers } of workloads) {
    if (manifest.kind !== "Deployment") continue;
    const isApp = manifest.metadata.name === "warehouse-app";
    for (const container of containers) {
      const ports = listOf(container["ports"]).map(({ name }) => name);
      // A database that is away must not restart the application: /health does not ask it.
      const paths = {
        livenessProbe: "/health",
        readinessProbe: "/ready",
        ...(isApp ? { startupProbe: "/health" } : {}),
      };
      for (const [probe, path] of Object.entries(paths)) {
        const request = fieldsOf(at(container[probe], "httpGet"));
        if (request["path"] !== path) yield [manifest, `its ${probe} must ask ${path}`];
        if (!ports.includes(request["port"]))
          yield [manifest, `its ${probe} asks a port that it does not have`];
      }
      const pause = numberOf(at(container["lifecycle"], "preStop", "sleep", "seconds"));
      if (isApp && !(pause > 0 && pause < numberOf(spec["terminationGracePeriodSeconds"])))
        yield [
          manifest,
          "must answer for a while after its endpoints are withdrawn, and then have time to end",
        ];
    }
    if (!isApp) continue;
    if (listOf(spec["topologySpreadConstraints"]).length < 2)
      yield [manifest, "must be spread over nodes and zones"];
    if (at(manifest["spec"], "strategy", "rollingUpdate", "maxUnavailable") !== 0)
      yield [manifest, "must keep its pods until new ones are ready"];
  }
};

/** Values that look like credentials come from Secrets. */
export const secretsAreReferences: Check = function* ({ workloads, manifests }) {
  for (const { manifest, containers } of workloads)
    for (const { name, value } of containers.flatMap(({ env }) => listOf(env))) {
      if (value === undefined || value === "") continue;
      if (/PASSWORD|SECRET|TOKEN|PRIVATE|CREDENTIAL|(?<!ENDPOINT)_URL$|_KEY$/.test(textOf(name)))
        yield [manifest, `${textOf(name)} is written down; take it from a Secret`];
      if (/:\/\/[^/\s:]+:[^@\s]+@/.test(textOf(value))) yield [manifest, `${textOf(name)} holds a password`];
    }
  for (const manifest of manifests)
    if (
      manifest.kind === "ConfigMap" &&
      /:\/\/[^/\s:"]+:[^@\s"]+@|BEGIN [A-Z ]*PRIVATE KEY/.test(JSON.stringify(manifest["data"]))
    )
      yield [manifest, "holds a credential"];
};

/** What pods refer to exists in their namespace; a pod whose reference is missing waits for ever. */
export const referencesExist: Check = function* (cell) {
  const classes = cell.ofKind("PriorityClass").map(({ metadata }) => metadata.name);
  for (const { manifest, namespace, spec, containers } of cell.workloads) {
    if (!classes.includes(textOf(spec["priorityClassName"])))
      yield [
        manifest,
        `priority class "${textOf(spec["priorityClassName"])}" does not exist: no pod would be made`,
      ];
    const optional = (reference: unknown): boolean => at(reference, "optional") === true;
    const volumes = listOf(spec["volumes"]);
    const references = [
      ["ServiceAccount", spec["serviceAccountName"]],
      ...volumes.map((each) => ["PersistentVolumeClaim", at(each, "persistentVolumeClaim", "claimName")]),
      ...volumes
        .filter(({ secret }) => !optional(secret))
        .map((each) => ["Secret", at(each, "secret", "secretName")]),
      ...containers
        .flatMap(({ envFrom }) => listOf(envFrom))
        .map((each) => ["ConfigMap", at(each, "configMapRef", "name")]),
    ] as const;
    for (const [kind, name] of references)
      if (name !== undefined && !cell.has(textOf(kind), namespace, name))
        yield [manifest, `${textOf(kind)} ${textOf(name)} does not exist`];
    for (const { name, valueFrom } of containers.flatMap(({ env }) => listOf(env))) {
      const reference = fieldsOf(at(valueFrom, "secretKeyRef"));
      if (reference["name"] === undefined || optional(reference)) continue;
      const secret = cell
        .ofKind("Secret", namespace)
        .find(({ metadata }) => metadata.name === reference["name"]);
      // What a preview does not know yet is a placeholder.
      if (typeof secret?.["stringData"] === "string" || typeof secret?.["data"] === "string") continue;
      const keys = Object.keys({ ...fieldsOf(secret?.["stringData"]), ...fieldsOf(secret?.["data"]) });
      if (!keys.includes(textOf(reference["key"])))
        yield [
          manifest,
          `${textOf(name)} comes from key ${textOf(reference["key"])} of ${textOf(reference["name"])}, which does not exist`,
        ];
    }
  }
};

/** No account gives its pods a token. To those of the `default` account the admission policy for pods gives none. */
export const accountsGiveNoToken: Check = function* (cell) {
  for (const account of cell.ofKind("ServiceAccount"))
    if (account["automountServiceAccountToken"] !== false)
      yield [account, "gives its pods a token of the API server"];
};

const FIELD = /^(?:\*|\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)(?:\/\d+)?$/;
const BOUNDS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

function isSchedule(schedule: string): boolean {
  const fields = schedule.split(" ");
  return (
    fields.length === BOUNDS.length &&
    BOUNDS.every(([low, high], index) => {
      const field = fields[index] ?? "";
      const numbers = (field.split("/")[0] ?? "").match(/\d+/g) ?? [];
      return FIELD.test(field) && numbers.every((each) => low <= Number(each) && Number(each) <= high);
    })
  );
}

/** Jobs end, one at a time, and begin at a time that exists. */
export const jobsEnd: Check = function* ({ workloads }) {
  for (const { manifest, spec } of workloads) {
    if (manifest.kind === "Deployment") continue;
    const job = manifest.kind === "Job" ? manifest["spec"] : at(manifest["spec"], "jobTemplate", "spec");
    if (!(numberOf(at(job, "activeDeadlineSeconds")) > 0)) yield [manifest, "could run for ever"];
    if (!(numberOf(at(job, "backoffLimit")) <= 6)) yield [manifest, "is tried without end"];
    if (spec["restartPolicy"] !== "Never") yield [manifest, "hides failures by restarting in place"];
    if (manifest.kind === "Job") continue;
    const { schedule, timeZone, concurrencyPolicy } = fieldsOf(manifest["spec"]);
    if (!isSchedule(textOf(schedule))) yield [manifest, `schedule "${textOf(schedule)}" is none`];
    if (timeZone !== "Etc/UTC") yield [manifest, "must say that its schedule is in UTC"];
    if (concurrencyPolicy !== "Forbid") yield [manifest, "could run twice at once"];
  }
};
