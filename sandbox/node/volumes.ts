import { chmodSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import type { KubeClient } from "../kube/client.ts";
import { fieldValue } from "./environment.ts";
import { MissingReference, type References } from "./references.ts";
import {
  type Container,
  type DownwardItem,
  type Pod,
  podKey,
  type Projection,
  type SecretSource,
  type Volume,
} from "./types.ts";

/** What laying out a pod's volumes needs. */
export interface VolumeContext {
  readonly client: KubeClient;
  readonly references: Pick<References, "data">;
  readonly pod: Pod;
  readonly podIP: string;
  /** Folder of this pod's own files. */
  readonly folder: string;
  /** Folder of the persistent volumes. */
  readonly claims: string;
  /** False: only check that everything is there, and leave no secret on the disk. */
  readonly write: boolean;
}

/** One file of a volume. */
interface VolumeFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

const DEFAULT_MODE = 0o644;

/** A path that stays below its folder; anything else is refused as the API server would. */
export function below(folder: string, path: string): string {
  const full = join(folder, path);
  if (full !== folder && !full.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    throw new MissingReference(`the path "${path}" leaves its volume`);
  }
  return normalize(full);
}

async function keyed(
  context: VolumeContext,
  kind: "Secret" | "ConfigMap",
  source: SecretSource,
  defaultMode: number,
): Promise<VolumeFile[]> {
  const name = source.secretName ?? source.name ?? "";
  const data = await context.references.data(kind, name, source.optional === true);
  if (data === undefined) return [];
  const items = source.items ?? [...data.keys()].map((key) => ({ key, path: key }));
  return items.flatMap((item) => {
    const content = data.get(item.key);
    if (content === undefined) {
      if (source.optional === true) return [];
      throw new MissingReference(`references non-existent ${kind.toLowerCase()} key: ${name}/${item.key}`);
    }
    return [{ path: item.path, content, mode: ("mode" in item ? item.mode : undefined) ?? defaultMode }];
  });
}

const downward = (
  context: VolumeContext,
  items: readonly DownwardItem[],
  defaultMode: number,
): VolumeFile[] =>
  items.map(({ path, mode, fieldRef }) => ({
    path,
    content: Buffer.from(fieldValue(context.pod, fieldRef?.fieldPath ?? "", context.podIP) ?? ""),
    mode: mode ?? defaultMode,
  }));

async function projection(context: VolumeContext, source: Projection, mode: number): Promise<VolumeFile[]> {
  if (source.secret !== undefined) return keyed(context, "Secret", source.secret, mode);
  if (source.configMap !== undefined) return keyed(context, "ConfigMap", source.configMap, mode);
  if (source.downwardAPI !== undefined) return downward(context, source.downwardAPI.items ?? [], mode);
  const token = source.serviceAccountToken;
  if (token === undefined || !context.write) return [];
  const { name, namespace, uid } = podKey(context.pod);
  const answer = (await context.client.createSubresource(
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      name: context.pod.spec.serviceAccountName ?? "default",
      namespace,
    },
    "token",
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        audiences: token.audience === undefined ? [] : [token.audience],
        expirationSeconds: token.expirationSeconds ?? 3600,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      },
    },
  )) as { readonly status?: { readonly token?: string } };
  return [{ path: token.path, content: Buffer.from(answer.status?.token ?? ""), mode: 0o600 }];
}

async function filesOf(context: VolumeContext, volume: Volume): Promise<VolumeFile[]> {
  if (volume.secret !== undefined) {
    return keyed(context, "Secret", volume.secret, volume.secret.defaultMode ?? DEFAULT_MODE);
  }
  if (volume.configMap !== undefined) {
    return keyed(context, "ConfigMap", volume.configMap, volume.configMap.defaultMode ?? DEFAULT_MODE);
  }
  if (volume.downwardAPI !== undefined) {
    return downward(context, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? DEFAULT_MODE);
  }
  const mode = volume.projected?.defaultMode ?? DEFAULT_MODE;
  const parts = await Promise.all(
    (volume.projected?.sources ?? []).map((source) => projection(context, source, mode)),
  );
  return parts.flat();
}

async function claimFolder(context: VolumeContext, claimName: string): Promise<string> {
  const { namespace } = podKey(context.pod);
  const claim = await context.client.get({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    name: claimName,
    namespace,
  });
  if (claim === undefined) throw new MissingReference(`persistentvolumeclaim "${claimName}" not found`);
  if ((claim.status as { readonly phase?: string } | undefined)?.phase !== "Bound") {
    throw new MissingReference(`persistentvolumeclaim "${claimName}" is not bound`);
  }
  return join(context.claims, namespace, claimName);
}

/** Lays out the pod's volumes and returns the folder of each. Made anew each time, except claims. */
export async function prepareVolumes(context: VolumeContext): Promise<ReadonlyMap<string, string>> {
  const folders = new Map<string, string>();
  for (const volume of context.pod.spec.volumes ?? []) {
    if (volume.persistentVolumeClaim !== undefined) {
      const folder = await claimFolder(context, volume.persistentVolumeClaim.claimName);
      mkdirSync(folder, { recursive: true });
      folders.set(volume.name, folder);
      continue;
    }
    const files = volume.emptyDir === undefined ? await filesOf(context, volume) : [];
    if (!context.write) continue;
    const folder = join(context.folder, "volumes", volume.name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const file of files) {
      const target = below(folder, file.path);
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
      writeFileSync(target, file.content, { mode: 0o600 });
      chmodSync(target, file.mode);
    }
    folders.set(volume.name, folder);
  }
  return folders;
}

/** What is mounted of a volume; a folder that is missing is made, a path that leads elsewhere is refused. */
function partOf(volume: string, subPath: string): string {
  if (subPath.split("/").includes("..")) throw new MissingReference(`the path "${subPath}" contains ".."`);
  const part = below(volume, subPath);
  if (!existsSync(part)) mkdirSync(part, { recursive: true });
  const real = realpathSync(part);
  if (real !== join(realpathSync(volume), subPath))
    throw new MissingReference(`the path "${subPath}" leads through a symbolic link`);
  return part;
}

/** The container's root folder, with its volumes at their mount paths. */
export function containerRoot(
  folder: string,
  container: Container,
  volumes: ReadonlyMap<string, string>,
): string {
  const root = join(folder, "root", container.name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true, mode: 0o700 });
  // Outer mounts first: a mount below another one goes into it.
  const mounts = [...(container.volumeMounts ?? [])].sort(
    (left, right) => left.mountPath.length - right.mountPath.length,
  );
  for (const mount of mounts) {
    const volume = volumes.get(mount.name);
    if (volume === undefined) throw new MissingReference(`volume "${mount.name}" is not defined`);
    const source = mount.subPath === undefined ? volume : partOf(volume, mount.subPath);
    const target = below(root, mount.mountPath);
    mkdirSync(dirname(target), { recursive: true });
    rmSync(target, { recursive: true, force: true });
    symlinkSync(source, target);
  }
  return root;
}
