import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type KubeClient, KubeError, type KubeObject, refOf } from "../kube/client.ts";
import { messageOf } from "../lib/errors.ts";

const PROVISIONER = "warehouse.example/sandbox";
const STORAGE_CLASS = "uploads";

interface ClaimSpec {
  readonly storageClassName?: string;
  readonly volumeName?: string;
  readonly accessModes?: readonly string[];
  readonly resources?: { readonly requests?: { readonly storage?: string } };
}

/** The volume for a claim: a folder of the sandbox, reserved for that claim. */
export function volumeFor(claim: KubeObject, folder: string): KubeObject {
  const { name = "", namespace = "", uid = "" } = claim.metadata;
  const spec = claim.spec as ClaimSpec;
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `pvc-${uid}`, annotations: { "pv.kubernetes.io/provisioned-by": PROVISIONER } },
    spec: {
      capacity: { storage: spec.resources?.requests?.storage ?? "1Gi" },
      accessModes: spec.accessModes ?? ["ReadWriteMany"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: STORAGE_CLASS,
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", name, namespace, uid },
      hostPath: { path: join(folder, namespace, name), type: "DirectoryOrCreate" },
    },
  };
}

/** True for a claim this provisioner has to serve. */
export function wantsVolume(claim: KubeObject): boolean {
  const spec = claim.spec as ClaimSpec;
  return (
    spec.storageClassName === STORAGE_CLASS &&
    spec.volumeName === undefined &&
    claim.metadata.deletionTimestamp === undefined
  );
}

/** What a bound claim asks for beyond what it has; undefined where it has it. */
export function wantsExpansion(claim: KubeObject): string | undefined {
  const spec = claim.spec as ClaimSpec;
  const status = claim.status as { readonly capacity?: { readonly storage?: string } } | undefined;
  const asked = spec.resources?.requests?.storage;
  const has = status?.capacity?.storage;
  return spec.storageClassName === STORAGE_CLASS && has !== undefined && asked !== has ? asked : undefined;
}

/** A folder has no size: the volume is called larger, and the claim with it. */
async function expand(client: KubeClient, claim: KubeObject, storage: string): Promise<void> {
  const { volumeName } = claim.spec as ClaimSpec;
  const volume = { apiVersion: "v1", kind: "PersistentVolume", name: volumeName ?? "" };
  await client.mergePatch(volume, { spec: { capacity: { storage } } });
  await client.patchStatus(refOf(claim), { capacity: { storage } });
}

/** The files of an earlier claim of that name are retained, and never seen by the new one. */
function setAside(folder: string): void {
  if (existsSync(folder))
    renameSync(folder, `${folder}.released-${new Date().toISOString().replaceAll(":", "-")}`);
}

/** Gives every claim of the class its folder, and room when it asks for more. */
export async function provideVolumes(
  client: KubeClient,
  folder: string,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  for await (const { type, object } of client.follow(
    { apiVersion: "v1", kind: "PersistentVolumeClaim" },
    { signal },
  )) {
    if (type === "DELETED") continue;
    try {
      const larger = wantsExpansion(object);
      if (larger !== undefined) await expand(client, object, larger);
      if (!wantsVolume(object)) continue;
      const { name = "", namespace = "" } = object.metadata;
      const volume = volumeFor(object, folder);
      if ((await client.get(refOf(volume))) !== undefined) continue;
      setAside(join(folder, namespace, name));
      mkdirSync(join(folder, namespace, name), { recursive: true });
      await client.create(volume);
    } catch (error) {
      if (!(error instanceof KubeError && error.reason === "AlreadyExists"))
        log(`claim ${object.metadata.name ?? ""}: ${messageOf(error)}`);
    }
  }
}
