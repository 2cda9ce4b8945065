import type { KubeClient } from "../kube/client.ts";

/** A reference of a pod that cannot be satisfied now; the pod waits and the node tries again. */
export class MissingReference extends Error {
  override readonly name = "MissingReference";
}

/** The Secrets and ConfigMaps of one namespace, read once per preparation of a pod. */
export class References {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #known = new Map<string, Promise<ReadonlyMap<string, Buffer> | undefined>>();

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** The keys of an object; undefined when it does not exist and may be missing. */
  async data(
    kind: "Secret" | "ConfigMap",
    name: string,
    optional: boolean,
  ): Promise<ReadonlyMap<string, Buffer> | undefined> {
    const id = `${kind}/${name}`;
    let read = this.#known.get(id);
    if (read === undefined) {
      read = this.#read(kind, name);
      this.#known.set(id, read);
    }
    const data = await read;
    if (data === undefined && !optional)
      throw new MissingReference(`${kind.toLowerCase()} "${name}" not found`);
    return data;
  }

  /** One key of an object. */
  async key(
    kind: "Secret" | "ConfigMap",
    name: string,
    key: string,
    optional: boolean,
  ): Promise<Buffer | undefined> {
    const value = (await this.data(kind, name, optional))?.get(key);
    if (value === undefined && !optional) {
      throw new MissingReference(`couldn't find key ${key} in ${kind} ${this.#namespace}/${name}`);
    }
    return value;
  }

  async #read(kind: "Secret" | "ConfigMap", name: string): Promise<ReadonlyMap<string, Buffer> | undefined> {
    const object = await this.#client.get({ apiVersion: "v1", kind, name, namespace: this.#namespace });
    if (object === undefined) return undefined;
    const decode = (values: unknown, encoding: BufferEncoding): [string, Buffer][] =>
      Object.entries((values ?? {}) as Readonly<Record<string, string>>).map(([key, value]) => [
        key,
        Buffer.from(value, encoding),
      ]);
    return new Map(
      kind === "Secret"
        ? decode(object.data, "base64")
        : [...decode(object.data, "utf8"), ...decode(object.binaryData, "base64")],
    );
  }
}
