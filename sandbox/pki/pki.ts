import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readText, secretFile, writeAtomic } from "../lib/files.ts";
import type { Layout } from "../layout.ts";
import { issue, type Leaf, newAuthority } from "./x509.ts";

/** Paths of the keys and certificates of one sandbox. */
export interface Pki {
  readonly ca: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
  readonly tokens: string;
  readonly adminToken: string;
  readonly controllerToken: string;
  /** Certificate and key of a server or client. */
  pair(name: PairName): { readonly certificate: string; readonly key: string };
}

const leaves = {
  apiserver: {
    name: "kube-apiserver",
    hosts: [
      "localhost",
      "127.0.0.1",
      "10.96.0.1",
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
    ],
  },
  etcd: { name: "etcd", hosts: ["localhost", "127.0.0.1"] },
  "etcd-client": { name: "kube-apiserver-etcd-client", hosts: [] },
  kubelet: { name: "system:node:sandbox", group: "system:nodes", hosts: ["127.0.0.1", "sandbox"] },
  "kubelet-client": { name: "kube-apiserver-kubelet-client", group: "system:masters", hosts: [] },
} satisfies Record<string, Leaf>;

type PairName = keyof typeof leaves;

/**
 * Makes the sandbox's certificate authority and all it signs, once. The authority's key is thrown away: what
 * is missing later is a reason to make everything anew, and a stolen folder cannot sign more.
 */
export function ensurePki(paths: Layout): Pki {
  const at = (file: string): string => join(paths.pki, file);
  const complete = at("complete");
  if (!existsSync(complete)) {
    const authority = newAuthority("warehouse sandbox");
    for (const [name, leaf] of Object.entries(leaves)) {
      const pair = issue(authority, leaf);
      writeAtomic(at(`${name}.crt`), pair.certificate);
      writeAtomic(at(`${name}.key`), pair.key, 0o600);
    }
    const serviceAccount = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeAtomic(
      at("sa.key"),
      serviceAccount.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      0o600,
    );
    writeAtomic(at("sa.pub"), serviceAccount.publicKey.export({ type: "spki", format: "pem" }).toString());
    writeAtomic(at("ca.crt"), authority.certificate);
    writeAtomic(complete, "");
  }
  const adminToken = secretFile(at("admin.token"));
  const controllerToken = secretFile(at("controller-manager.token"));
  const tokens = [
    `${adminToken},sandbox-admin,sandbox-admin,"system:masters"`,
    `${controllerToken},system:kube-controller-manager,system:kube-controller-manager`,
  ].join("\n");
  if (readText(at("tokens.csv")) !== `${tokens}\n`) writeAtomic(at("tokens.csv"), `${tokens}\n`, 0o600);
  return {
    ca: at("ca.crt"),
    serviceAccountKey: at("sa.key"),
    serviceAccountPublicKey: at("sa.pub"),
    tokens: at("tokens.csv"),
    adminToken,
    controllerToken,
    pair: (name) => ({ certificate: at(`${name}.crt`), key: at(`${name}.key`) }),
  };
}

/** A kubeconfig with one context, `sandbox`; everything inline, so that it can be copied. */
export function kubeconfig(server: string, ca: string, token: string): string {
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "sandbox",
      clusters: [
        {
          name: "sandbox",
          cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") },
        },
      ],
      contexts: [{ name: "sandbox", context: { cluster: "sandbox", user: "sandbox" } }],
      users: [{ name: "sandbox", user: { token } }],
    },
    null,
    2,
  )}\n`;
}
