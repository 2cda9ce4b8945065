import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, parseAllDocuments } from "yaml";
import type { KubeClient, KubeObject } from "./kube/client.ts";
import { projectRoot } from "./layout.ts";
import { messageOf, SandboxError } from "./lib/errors.ts";
import { crdFiles } from "./toolchain/crds.ts";

const FIELD_MANAGER = "warehouse-sandbox";
const ESTABLISH_MS = 30_000;
const record = {
  apiVersion: "v1",
  kind: "ConfigMap",
  name: "sandbox-crds",
  namespace: "kube-system",
} as const;

interface CrdStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

/** The objects of the platform, in the order they are applied. */
export function platformObjects(folder = join(projectRoot, "sandbox", "manifests")): KubeObject[] {
  const order = ["namespaces.yaml"];
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort((left, right) => order.indexOf(right) - order.indexOf(left) || left.localeCompare(right));
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), "utf8"))
      .map((document) => document.toJS() as KubeObject | null)
      .filter((object) => object !== null),
  );
}

/** Installs the custom resource definitions and waits until the server serves them. True if it had to. */
export async function installCrds(client: KubeClient, folder: string): Promise<boolean> {
  const texts = crdFiles.map((file) => readFileSync(join(folder, file), "utf8"));
  const digest = createHash("sha256").update(texts.join("\n")).digest("hex");
  // Parsing and applying megabytes of schema takes longer than all the rest: do it when they changed.
  const installed = await client.get(record);
  if ((installed?.data as { readonly digest?: string } | undefined)?.digest === digest) return false;
  const crds = texts.map((text) => parse(text) as KubeObject);
  await Promise.all(
    crds.map(async (crd) => {
      await client.apply(crd, { fieldManager: FIELD_MANAGER, force: true, fieldValidation: "Ignore" });
      await established(client, crd);
    }),
  );
  const { name, namespace, ...type } = record;
  await client.apply(
    { ...type, metadata: { name, namespace }, data: { digest } },
    { fieldManager: FIELD_MANAGER, force: true },
  );
  return true;
}

async function established(client: KubeClient, crd: KubeObject): Promise<void> {
  const name = crd.metadata.name ?? "";
  const deadline = Date.now() + ESTABLISH_MS;
  while (Date.now() < deadline) {
    const live = await client.get({ apiVersion: crd.apiVersion, kind: crd.kind, name });
    const conditions = (live?.status as CrdStatus | undefined)?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === "Established" && status === "True")) return;
    await sleep(100);
  }
  throw new SandboxError(
    `The API server did not accept the definition ${name} within ${ESTABLISH_MS / 1000} s.`,
  );
}

/** Applies what the platform provides. A type that is served since a moment ago is tried again. */
export async function applyPlatform(client: KubeClient): Promise<number> {
  const objects = platformObjects();
  for (const object of objects) {
    for (let attempt = 1; ; attempt++) {
      try {
        await client.apply(object, { fieldManager: FIELD_MANAGER, force: true });
        break;
      } catch (error) {
        if (attempt === 20) {
          throw new SandboxError(
            `${object.kind} ${object.metadata.name ?? ""} was refused: ${messageOf(error)}`,
          );
        }
        await sleep(250);
      }
    }
  }
  return objects.length;
}
