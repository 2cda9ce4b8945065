import { KubeClient, type KubeObject } from "../../kube/client.ts";
import { isProps, type Props, type Value } from "../base/wire.ts";
import { text } from "./metadata.ts";
import type { Mutability } from "./replace.ts";

/** The provider's configuration, with the cluster behind it. */
export interface Cluster {
  /** The client; throws the reason why there is none. */
  readonly kube: () => KubeClient;
  readonly mutable: Mutability;
  readonly force: boolean;
  readonly upsert: boolean;
  readonly deleteUnreachable: boolean;
}

/** Arguments come as text or values; the environment stands in for those not given. */
function flag(config: Props, name: string, variable: string): boolean {
  const value: Value | undefined = config[name] ?? process.env[variable];
  return value === true || value === "true";
}

/**
 * Reads the provider's arguments. A bad kubeconfig is reported by the first operation that needs the cluster,
 * as the vendor does: a provider that nothing uses must not fail the program.
 */
export function configure(config: Props): Cluster {
  let client: KubeClient | undefined;
  const given = config.kubeconfig;
  const kubeconfig = isProps(given) ? JSON.stringify(given) : text(given);
  const [context, namespace] = [text(config.context), text(config.namespace)];
  return {
    kube: () => {
      try {
        client ??= KubeClient.from({
          ...(kubeconfig === undefined ? {} : { kubeconfig }),
          ...(context === undefined ? {} : { context }),
          ...(namespace === undefined ? {} : { namespace }),
        });
        return client;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`configured Kubernetes cluster is unreachable: ${reason}`, { cause: error });
      }
    },
    mutable: {
      configMaps: flag(config, "enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
      secrets: flag(config, "enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    },
    force: flag(config, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    upsert: flag(config, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    deleteUnreachable: flag(config, "deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
  };
}

/** Properties and objects are the same data under two types. */
export const asObject = (props: Props): KubeObject => props as unknown as KubeObject;
export const asProps = (object: KubeObject): Props => object as unknown as Props;
