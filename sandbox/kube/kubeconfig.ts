import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";

/** What a client needs to reach one cluster, with every file of the kubeconfig already read. */
export interface ClusterAccess {
  /** Base URL of the API server, without a trailing slash. */
  readonly server: string;
  /** Namespace of namespaced objects that name none. Default: `default`. */
  readonly namespace: string;
  /** Name of the kubeconfig's cluster entry; it outlives a change of port. */
  readonly cluster: string;
  readonly ca?: string;
  readonly token?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly insecure?: boolean;
}

export interface KubeconfigOptions {
  /** Path of a kubeconfig file, or its content. Default: `$KUBECONFIG`, else `~/.kube/config`. */
  readonly kubeconfig?: string;
  /** Default: the kubeconfig's current context. */
  readonly context?: string;
  /** Default: the context's namespace, else `default`. */
  readonly namespace?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

type Fields = Readonly<Record<string, unknown>>;
interface Entry {
  readonly name: string;
  readonly value: Fields;
  /** Folder that relative paths in the entry start from. */
  readonly folder: string;
}

const record = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Documents in order of precedence, each with the folder its relative paths start from. */
function documents(options: KubeconfigOptions): { readonly document: Fields; readonly folder: string }[] {
  const env = options.env ?? process.env;
  const given = options.kubeconfig?.trim();
  if (given !== undefined && given !== "" && (given.includes("\n") || given.startsWith("{"))) {
    return [{ document: record(parse(given)), folder: process.cwd() }];
  }
  const home = env.HOME ?? homedir();
  const listed = given ?? text(env.KUBECONFIG) ?? join(home, ".kube", "config");
  const files = listed
    .split(delimiter)
    .filter((file) => file !== "")
    .map((file) => resolve(file.replace(/^~(?=\/)/, home)));
  const present = files.filter((file) => existsSync(file));
  if (present.length === 0) {
    throw new Error(`no kubeconfig at ${files.join(" or ")}: set KUBECONFIG or the provider's "kubeconfig"`);
  }
  return present.map((file) => ({
    document: record(parse(readFileSync(file, "utf8"))),
    folder: dirname(file),
  }));
}

/** Reads a kubeconfig as kubectl does: files of a list are merged, the first one to name a thing wins. */
export function loadKubeconfig(options: KubeconfigOptions = {}): ClusterAccess {
  const sources = documents(options);
  const pick = (section: string, key: string, name: string): Entry => {
    for (const { document, folder } of sources) {
      const list = document[section];
      for (const item of Array.isArray(list) ? list : []) {
        const entry = record(item);
        if (entry.name === name) return { name, value: record(entry[key]), folder };
      }
    }
    throw new Error(`the kubeconfig has no ${key} "${name}"`);
  };
  const current = sources.map(({ document }) => text(document["current-context"])).find((name) => name);
  const contextName = text(options.context) ?? current;
  if (contextName === undefined) throw new Error("the kubeconfig has no current context: name one");
  const context = pick("contexts", "context", contextName).value;
  const cluster = pick("clusters", "cluster", text(context.cluster) ?? contextName);
  const userName = text(context.user);
  const user = userName === undefined ? undefined : pick("users", "user", userName);
  if (user?.value.exec !== undefined || user?.value["auth-provider"] !== undefined) {
    throw new Error(`user "${user.name}" signs in through an external command, which this client cannot run`);
  }
  const pem = (entry: Entry | undefined, key: string): string | undefined => {
    const inline = text(entry?.value[`${key}-data`]);
    if (inline !== undefined) return Buffer.from(inline, "base64").toString("utf8");
    const file = text(entry?.value[key]);
    return file === undefined || entry === undefined
      ? undefined
      : readFileSync(resolve(entry.folder, file), "utf8");
  };
  const server = text(cluster.value.server);
  if (server === undefined) throw new Error(`the kubeconfig's cluster "${cluster.name}" has no server`);
  const tokenFile = text(user?.value.tokenFile);
  const token = tokenFile === undefined ? text(user?.value.token) : readFileSync(tokenFile, "utf8").trim();
  const ca = pem(cluster, "certificate-authority");
  const clientCertificate = pem(user, "client-certificate");
  const clientKey = pem(user, "client-key");
  return {
    server: server.replace(/\/+$/, ""),
    cluster: cluster.name,
    namespace: text(options.namespace) ?? text(context.namespace) ?? "default",
    ...(ca === undefined ? {} : { ca }),
    ...(token === undefined ? {} : { token }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(cluster.value["insecure-skip-tls-verify"] === true ? { insecure: true } : {}),
  };
}
