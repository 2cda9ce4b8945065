/**
 * A small raw-JSON client of the Kubernetes API. Typed clients drop the fields they do not know; this one
 * sends and returns objects as they are, for every kind the server knows, built-in or from a CRD.
 */
import { isNotFound, KubeError, KubeTransport, readAll, refusal, type RequestOptions } from "./http.ts";
import { type ClusterAccess, type KubeconfigOptions, loadKubeconfig } from "./kubeconfig.ts";

import type {
  KubeObject,
  KindRef,
  ObjectRef,
  ApiResource,
  WriteOptions,
  ApplyOptions,
  DeleteOptions,
  SelectOptions,
  KubeList,
  WatchEvent,
} from "./types.ts";

export { isNotFound, KubeError } from "./http.ts";
export type * from "./types.ts";
export { type ClusterAccess, type KubeconfigOptions, loadKubeconfig } from "./kubeconfig.ts";

const segment = encodeURIComponent;

export class KubeClient {
  readonly access: ClusterAccess;
  readonly #http: KubeTransport;
  readonly #discovered = new Map<string, Promise<readonly ApiResource[]>>();

  constructor(access: ClusterAccess) {
    this.access = access;
    this.#http = new KubeTransport(access);
  }

  /** A client for a kubeconfig given by path, content or environment. */
  static from(options: KubeconfigOptions = {}): KubeClient {
    return new KubeClient(loadKubeconfig(options));
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.close();
  }

  /** Any other call: `/readyz`, `/version`, sub-resources. Refusals are thrown as `KubeError`. */
  request(method: string, path: string, options: RequestOptions = {}): Promise<unknown> {
    return this.#http.json(method, path, options);
  }

  /**
   * The API resource of a kind. Answers are cached; a kind that is not in the cache is looked up again, so
   * that a CRD installed a moment ago is found. Unknown kinds throw a `KubeError` with reason `NoMatch`.
   */
  async resource({ apiVersion, kind }: KindRef): Promise<ApiResource> {
    for (const fresh of [false, true]) {
      if (fresh) this.#discovered.delete(apiVersion);
      let listing = this.#discovered.get(apiVersion);
      if (listing === undefined) {
        listing = this.#discover(apiVersion);
        this.#discovered.set(apiVersion, listing);
        // A failed look-up must not be remembered: the server may be starting, or the CRD on its way.
        listing.catch(() => this.#discovered.delete(apiVersion));
      }
      const found = (await listing).find((resource) => resource.kind === kind);
      if (found !== undefined) return found;
    }
    throw new KubeError(404, "NoMatch", `no matches for kind "${kind}" in version "${apiVersion}"`);
  }

  async #discover(apiVersion: string): Promise<readonly ApiResource[]> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    try {
      const body = (await this.request("GET", root)) as { readonly resources?: readonly ApiResource[] };
      return (body.resources ?? []).filter((resource) => !resource.name.includes("/"));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  async #collection(ref: KindRef, namespace: string | undefined): Promise<string> {
    const resource = await this.resource(ref);
    const root = ref.apiVersion.includes("/") ? `/apis/${ref.apiVersion}` : `/api/${ref.apiVersion}`;
    const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${segment(namespace)}` : "";
    return `${root}${scope}/${resource.name}`;
  }

  async #path(ref: ObjectRef, subresource?: string): Promise<string> {
    const collection = await this.#collection(ref, ref.namespace ?? this.access.namespace);
    return `${collection}/${segment(ref.name)}${subresource === undefined ? "" : `/${subresource}`}`;
  }

  /** The live object, or undefined when there is none (or its kind is unknown). */
  async get(ref: ObjectRef, signal?: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return (await this.request("GET", await this.#path(ref), { signal })) as KubeObject;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** All objects of a kind that match; each carries its apiVersion and kind. */
  async list(ref: KindRef, options: SelectOptions = {}): Promise<KubeList> {
    const { namespace, signal, ...query } = options;
    const body = (await this.request("GET", await this.#collection(ref, namespace), { query, signal })) as {
      readonly metadata?: { readonly resourceVersion?: string };
      readonly items?: readonly KubeObject[] | null;
    };
    const items = (body.items ?? []).map((item) => ({ ...item, apiVersion: ref.apiVersion, kind: ref.kind }));
    return { resourceVersion: body.metadata?.resourceVersion ?? "", items };
  }

  async create(object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const path = await this.#collection(object, object.metadata.namespace ?? this.access.namespace);
    return (await this.request("POST", path, { ...write(options), body: object })) as KubeObject;
  }

  /** Server-side apply: creates the object, or sets the given fields and drops those the manager left out. */
  async apply(object: KubeObject, options: ApplyOptions): Promise<KubeObject> {
    const { query, signal } = write(options);
    return (await this.request("PATCH", await this.#path(refOf(object)), {
      query: { ...query, force: options.force },
      contentType: "application/apply-patch+yaml",
      body: object,
      signal,
    })) as KubeObject;
  }

  /** JSON merge patch: null deletes a field, lists are replaced whole. */
  async mergePatch(
    ref: ObjectRef,
    patch: unknown,
    options: WriteOptions & { readonly subresource?: string } = {},
  ): Promise<KubeObject> {
    return (await this.request("PATCH", await this.#path(ref, options.subresource), {
      ...write(options),
      contentType: "application/merge-patch+json",
      body: patch,
    })) as KubeObject;
  }

  /** Merges into the status sub-resource. */
  patchStatus(ref: ObjectRef, status: unknown, options: WriteOptions = {}): Promise<KubeObject> {
    return this.mergePatch(ref, { status }, { ...options, subresource: "status" });
  }

  /** POST to a sub-resource, e.g. `binding` or `eviction` of a Pod, `token` of a ServiceAccount. */
  async createSubresource(ref: ObjectRef, subresource: string, body: unknown): Promise<unknown> {
    return this.request("POST", await this.#path(ref, subresource), { body });
  }

  /** Asks for deletion and returns at once; false when there was nothing to delete. */
  async delete(ref: ObjectRef, options: DeleteOptions = {}): Promise<boolean> {
    const { signal, dryRun, ...rest } = options;
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...rest, ...(dryRun ? { dryRun: ["All"] } : {}) };
    try {
      await this.request("DELETE", await this.#path(ref), { body, signal });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /**
   * Events from a resource version on. Ends when the server closes the stream; throws a `KubeError` of status
   * 410 when the version is too old.
   */
  async *watch(
    ref: KindRef,
    options: SelectOptions & { readonly resourceVersion?: string } = {},
  ): AsyncGenerator<WatchEvent, void, undefined> {
    const { namespace, signal, ...query } = options;
    const response = await this.#http.open("GET", await this.#collection(ref, namespace), {
      query: { ...query, watch: true, allowWatchBookmarks: true },
      signal,
    });
    const status = response.statusCode ?? 0;
    if (status >= 400) throw refusal(status, await readAll(response));
    response.setEncoding("utf8");
    let rest = "";
    try {
      for await (const chunk of response) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (line === "") continue;
          const event = JSON.parse(line) as WatchEvent | { readonly type: "ERROR"; readonly object: unknown };
          if (event.type === "ERROR") {
            const code = (event.object as { readonly code?: number }).code ?? 500;
            throw refusal(code, JSON.stringify(event.object));
          }
          yield event;
        }
      }
    } finally {
      response.destroy();
    }
  }

  /**
   * The objects that match, then their changes, for as long as the signal allows: every object as ADDED, then
   * events. After a lost connection or an expired version it lists again, and reports what vanished meanwhile
   * as DELETED; an object may be reported as ADDED more than once.
   */
  async *follow(ref: KindRef, options: SelectOptions = {}): AsyncGenerator<WatchEvent, void, undefined> {
    const known = new Map<string, KubeObject>();
    const stopped = (): boolean => options.signal?.aborted ?? false;
    while (!stopped()) {
      try {
        const { items, resourceVersion } = await this.list(ref, options);
        const present = new Set(items.map(identity));
        for (const [key, object] of known) if (!present.has(key)) yield { type: "DELETED", object };
        known.clear();
        for (const object of items) {
          known.set(identity(object), object);
          yield { type: "ADDED", object };
        }
        for (let from = resourceVersion; ;) {
          let last: string | undefined;
          for await (const event of this.watch(ref, { ...options, resourceVersion: from })) {
            last = event.object.metadata.resourceVersion ?? last;
            if (event.type === "BOOKMARK") continue;
            if (event.type === "DELETED") known.delete(identity(event.object));
            else known.set(identity(event.object), event.object);
            yield event;
          }
          if (last === undefined) break;
          from = last;
        }
      } catch (error) {
        if (stopped()) return;
        if (isFinal(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** Refusals that listing again cannot mend; an expired version (410) and throttling (429) can be. */
const isFinal = (error: unknown): boolean =>
  error instanceof KubeError &&
  error.status >= 400 &&
  error.status < 500 &&
  ![410, 429].includes(error.status);

const identity = (object: KubeObject): string =>
  object.metadata.uid ?? `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;

function write(
  options: WriteOptions,
): Required<Pick<RequestOptions, "query">> & Pick<RequestOptions, "signal"> {
  const query = {
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation ?? "Strict",
    dryRun: options.dryRun === true ? "All" : undefined,
  };
  return { query, ...(options.signal === undefined ? {} : { signal: options.signal }) };
}

/** The reference of an object that has a name. */
export function refOf(object: KubeObject): ObjectRef {
  const { name, namespace } = object.metadata;
  if (name === undefined) throw new Error(`a ${object.kind} without metadata.name has no reference`);
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
}
