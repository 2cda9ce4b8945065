import { join } from "node:path";
import type { Layout } from "../layout.ts";
import type { Ports } from "../lib/ports.ts";
import type { Pki } from "../pki/pki.ts";
import type { ServerSpec } from "./spec.ts";

const SERVICE_RANGE = "10.96.0.0/16";

const base = (paths: Layout, name: string): Pick<ServerSpec, "name" | "env" | "cwd" | "log"> => ({
  name,
  env: { PATH: process.env.PATH ?? "", HOME: paths.root },
  cwd: paths.root,
  log: join(paths.logs, `${name}.log`),
});

/** etcd for one API server: loopback, and only clients with a certificate of this sandbox. */
export function etcdSpec(bin: string, paths: Layout, ports: Ports, pki: Pki): ServerSpec {
  const { certificate, key } = pki.pair("etcd");
  const client = `https://127.0.0.1:${ports.etcd}`;
  const peer = `https://127.0.0.1:${ports.etcdPeer}`;
  return {
    ...base(paths, "etcd"),
    argv: [
      join(bin, "etcd"),
      "--name=sandbox",
      `--data-dir=${paths.etcd}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=sandbox=${peer}`,
      "--client-cert-auth",
      `--trusted-ca-file=${pki.ca}`,
      `--cert-file=${certificate}`,
      `--key-file=${key}`,
      "--peer-client-cert-auth",
      `--peer-trusted-ca-file=${pki.ca}`,
      `--peer-cert-file=${certificate}`,
      `--peer-key-file=${key}`,
      // Survives the death of every process; only a power loss may cost the last seconds.
      "--unsafe-no-fsync",
      "--log-level=warn",
    ],
    stopSignal: "TERM",
    stopSeconds: 5,
  };
}

/** The API server with its default admission plugins and RBAC. */
export function apiserverSpec(bin: string, paths: Layout, ports: Ports, pki: Pki): ServerSpec {
  const serving = pki.pair("apiserver");
  const etcdClient = pki.pair("etcd-client");
  const kubeletClient = pki.pair("kubelet-client");
  return {
    ...base(paths, "kube-apiserver"),
    argv: [
      join(bin, "kube-apiserver"),
      `--etcd-servers=https://127.0.0.1:${ports.etcd}`,
      `--etcd-cafile=${pki.ca}`,
      `--etcd-certfile=${etcdClient.certificate}`,
      `--etcd-keyfile=${etcdClient.key}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${ports.apiserver}`,
      `--tls-cert-file=${serving.certificate}`,
      `--tls-private-key-file=${serving.key}`,
      `--client-ca-file=${pki.ca}`,
      `--token-auth-file=${pki.tokens}`,
      "--anonymous-auth=false",
      "--authorization-mode=Node,RBAC",
      // As managed clusters have it: what keeps privileged pods out is Pod Security, as there.
      "--allow-privileged=true",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${pki.serviceAccountPublicKey}`,
      `--service-account-signing-key-file=${pki.serviceAccountKey}`,
      `--service-cluster-ip-range=${SERVICE_RANGE}`,
      `--kubelet-certificate-authority=${pki.ca}`,
      `--kubelet-client-certificate=${kubeletClient.certificate}`,
      `--kubelet-client-key=${kubeletClient.key}`,
      "--kubelet-preferred-address-types=InternalIP",
      // No endpoint of the service `kubernetes`: a loopback address is not allowed there.
      "--endpoint-reconciler-type=none",
      "--profiling=false",
    ],
    stopSignal: "TERM",
    // It keeps nothing of its own, and waits for watchers longer than people do.
    stopSeconds: 3,
  };
}

/** The controllers: Deployments, Jobs, CronJobs, quotas, garbage collection, namespaces, volumes. */
export function controllerManagerSpec(bin: string, paths: Layout, ports: Ports, pki: Pki): ServerSpec {
  const kubeconfig = join(paths.secrets, "controller-manager.kubeconfig");
  return {
    ...base(paths, "kube-controller-manager"),
    argv: [
      join(bin, "kube-controller-manager"),
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${ports.controllerManager}`,
      `--cert-dir=${join(paths.run, "controller-manager")}`,
      "--leader-elect=false",
      "--use-service-account-credentials=true",
      `--service-account-private-key-file=${pki.serviceAccountKey}`,
      `--root-ca-file=${pki.ca}`,
      // A cell holds up to a hundred tenants: the defaults (20 a second) would make them wait.
      "--kube-api-qps=200",
      "--kube-api-burst=400",
      "--profiling=false",
    ],
    stopSignal: "TERM",
    stopSeconds: 3,
  };
}

/** The sandbox's node and scheduler. */
export function nodeSpec(paths: Layout, script: string, env: Readonly<Record<string, string>>): ServerSpec {
  return {
    ...base(paths, "node"),
    argv: [process.execPath, script, paths.root, paths.project],
    env,
    stopSignal: "TERM",
    stopSeconds: 10,
  };
}

/** The AWS endpoint. */
export function awsSpec(
  paths: Layout,
  ports: Ports,
  moto: { readonly python: string; readonly packages: string },
  script: string,
): ServerSpec {
  const common = base(paths, "aws");
  return {
    ...common,
    env: { ...common.env, PYTHONPATH: moto.packages },
    argv: [moto.python, script, String(ports.aws), join(paths.aws, "journal")],
    stopSignal: "TERM",
    stopSeconds: 3,
  };
}
