import { MissingReference, type References } from "./references.ts";
import { type Container, type EnvVar, HOST_IP, NODE_NAME, type Pod, podKey } from "./types.ts";

type Lookup = Pick<References, "data" | "key">;

/** The value of a downward-API field; undefined for a field the API does not offer. */
export function fieldValue(pod: Pod, path: string, podIP: string): string | undefined {
  const entry = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (entry !== null) {
    const values = entry[1] === "labels" ? pod.metadata.labels : pod.metadata.annotations;
    return values?.[entry[2] ?? ""] ?? "";
  }
  const { name, namespace, uid } = podKey(pod);
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": name,
    "metadata.namespace": namespace,
    "metadata.uid": uid,
    "spec.nodeName": NODE_NAME,
    "spec.serviceAccountName": pod.spec.serviceAccountName ?? "default",
    "status.hostIP": HOST_IP,
    "status.podIP": podIP,
    "status.podIPs": podIP,
  };
  return fields[path];
}

/** Replaces `$(NAME)` by the variable's value; unknown names stay, `$$(NAME)` gives `$(NAME)`. */
export const expand = (text: string, env: ReadonlyMap<string, string>): string =>
  text.replaceAll(/\$(\$|\(([^()]+)\))/g, (whole, mark: string, name: string | undefined) =>
    mark === "$" ? "$" : (env.get(name ?? "") ?? whole),
  );

async function variable(
  pod: Pod,
  entry: EnvVar,
  references: Lookup,
  podIP: string,
): Promise<string | undefined> {
  const from = entry.valueFrom;
  if (from === undefined) return entry.value ?? "";
  const ref = from.secretKeyRef ?? from.configMapKeyRef;
  if (ref !== undefined) {
    const kind = from.secretKeyRef === undefined ? "ConfigMap" : "Secret";
    return (await references.key(kind, ref.name ?? "", ref.key, ref.optional === true))?.toString("utf8");
  }
  const value = from.fieldRef === undefined ? undefined : fieldValue(pod, from.fieldRef.fieldPath, podIP);
  if (value !== undefined) return value;
  throw new MissingReference(
    `the sandbox's node cannot give ${entry.name} its value from ${JSON.stringify(from)}`,
  );
}

/** A container's environment as the kubelet makes it: `envFrom` first, then `env`, later entries winning. */
export async function containerEnvironment(
  pod: Pod,
  container: Container,
  references: Lookup,
  podIP: string,
): Promise<Map<string, string>> {
  const env = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    const ref = source.secretRef ?? source.configMapRef;
    if (ref === undefined) continue;
    const kind = source.secretRef === undefined ? "ConfigMap" : "Secret";
    const data = await references.data(kind, ref.name ?? "", ref.optional === true);
    for (const [key, value] of data ?? []) env.set(`${source.prefix ?? ""}${key}`, value.toString("utf8"));
  }
  for (const entry of container.env ?? []) {
    const value = await variable(pod, entry, references, podIP);
    if (value !== undefined) env.set(entry.name, entry.valueFrom === undefined ? expand(value, env) : value);
  }
  return env;
}
