import { arch, platform } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient } from "../kube/client.ts";
import { messageOf } from "../lib/errors.ts";
import { kubernetes } from "../versions.ts";
import { HOST_IP, NODE_NAME } from "./types.ts";

const RENEW_MS = 10_000;
const FIELD_MANAGER = "sandbox-node";

const goArch = (): string => (arch() === "x64" ? "amd64" : arch());

/** The node's status: ample room, since quotas and limits are the API server's business. */
function nodeStatus(kubeletPort: number): unknown {
  const now = new Date().toISOString();
  const condition = (type: string, status: string, reason: string): unknown => ({
    type,
    status,
    reason,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  const room = { cpu: "1000", memory: "4Ti", pods: "10000", "ephemeral-storage": "10Ti" };
  return {
    capacity: room,
    allocatable: room,
    conditions: [
      condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
      condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID"),
      condition("Ready", "True", "KubeletReady"),
    ],
    addresses: [
      { type: "InternalIP", address: HOST_IP },
      { type: "Hostname", address: NODE_NAME },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo: {
      machineID: "",
      systemUUID: "",
      bootID: "",
      kernelVersion: "",
      osImage: "warehouse sandbox",
      containerRuntimeVersion: "sandbox://1",
      kubeletVersion: `v${kubernetes}`,
      kubeProxyVersion: "",
      operatingSystem: platform(),
      architecture: goArch(),
    },
  };
}

/** Registers the node, then renews its lease for as long as the signal allows: without it pods become unready. */
export async function keepRegistered(
  client: KubeClient,
  kubeletPort: number,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  const labels = {
    "kubernetes.io/hostname": NODE_NAME,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": goArch(),
    "topology.kubernetes.io/zone": "sandbox",
  };
  let registered = false;
  while (!signal.aborted) {
    try {
      if (!registered) {
        await client.apply(
          { apiVersion: "v1", kind: "Node", metadata: { name: NODE_NAME, labels } },
          { fieldManager: FIELD_MANAGER, force: true },
        );
        await client.patchStatus(
          { apiVersion: "v1", kind: "Node", name: NODE_NAME },
          nodeStatus(kubeletPort),
        );
        registered = true;
      }
      await client.apply(
        {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          metadata: { name: NODE_NAME, namespace: "kube-node-lease" },
          spec: {
            holderIdentity: NODE_NAME,
            leaseDurationSeconds: 40,
            renewTime: new Date().toISOString().replace("Z", "000Z"),
          },
        },
        { fieldManager: FIELD_MANAGER, force: true },
      );
    } catch (error) {
      log(`node: ${messageOf(error)}`);
      registered = false;
    }
    await sleep(registered ? RENEW_MS : 1_000, undefined, { signal }).catch(() => undefined);
  }
}
