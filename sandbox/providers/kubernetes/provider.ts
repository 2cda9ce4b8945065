import { KubeError, refOf } from "../../kube/client.ts";
import { type Change, changesBetween, pathOf } from "../base/diff.ts";
import { type Handler, IncompleteError, type Operation, type ProviderSpec } from "../base/spec.ts";
import { sdkVersion } from "../base/version.ts";
import { containsUnknown, isProps, type Props } from "../base/wire.ts";
import { apply, explain, preview } from "./apply.ts";
import { untilGone, untilReady } from "./await/await.ts";
import { condition } from "./await/poll.ts";
import { asObject, asProps, type Cluster, configure } from "./cluster.ts";
import { checkpoint, inputsOf, pruneToInputs } from "./live.ts";
import {
  fieldManagerOf,
  idOf,
  isAnnotated,
  metadataOf,
  named,
  nameOf,
  namespaceOf,
  parseId,
  text,
  withMetadata,
  withoutServerFields,
} from "./metadata.ts";
import { isClusterScoped, replaceRule } from "./replace.ts";

type Op = Operation<Cluster>;

const canonical = (object: Props): Props =>
  namespaceOf(object) === undefined ? withMetadata(object, { namespace: "default" }) : object;

/** The apiVersion and kind a type token stands for. */
function kindOf(type: string): { readonly apiVersion: string; readonly kind: string } {
  const [, group = "", version = "", kind = ""] = /^kubernetes:([^/:]+)\/([^:]+):(\w+)$/.exec(type) ?? [];
  return { apiVersion: group === "core" ? version : `${group}/${version}`, kind };
}

async function isNamespaced(op: Op, object: Props): Promise<boolean> {
  const ref = asObject(object);
  try {
    return (await op.client.kube().resource(ref)).namespaced;
  } catch {
    // An unknown kind may be a CRD yet to be created, and most of those are namespaced.
    return !isClusterScoped(ref.kind);
  }
}

/** As the vendor's does since 4.29: what exists is not taken over, even if it is what an interrupted run left behind. */
async function refuseExisting(op: Op, inputs: Props): Promise<void> {
  if (op.client.upsert) return;
  if ((await op.client.kube().get(refOf(asObject(inputs)), op.signal)) === undefined) return;
  throw new Error(
    `creation of ${text(inputs.kind) ?? "object"} ${idOf(inputs)} failed: it already exists; import it with ` +
      `\`pulumi import\`, or set the provider's upsertExistingObjects to take it over`,
  );
}

async function settle(op: Op, inputs: Props, live: Props, manager: string, initial: Props): Promise<Props> {
  const state = (object: Props): Props =>
    checkpoint(object, inputs, manager, initial.__initialApiVersion ?? inputs.apiVersion ?? null);
  try {
    return state(await untilReady(op, inputs, live, state));
  } catch (error) {
    if (error instanceof IncompleteError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new IncompleteError(idOf(live), state(live), `awaiting ${idOf(live)} failed: ${message}`);
  }
}

/** A Job that has failed stays so: under this annotation it is replaced instead of awaited again. */
async function replaceUnready(op: Op, object: Props): Promise<readonly Change[]> {
  if (!isAnnotated(object, "replaceUnready") || object.kind !== "Job") return [];
  const live = await op.client.kube().get(refOf(asObject(object)), op.signal);
  if (live === undefined || condition(asProps(live), "Complete")?.status === "True") return [];
  const keys = ["metadata", "annotations", "pulumi.com/replaceUnready"];
  return [{ path: pathOf(keys), keys, kind: "update", replace: true }];
}

const handler: Handler<Cluster> = {
  secrets: (state) =>
    state.kind === "Secret" && state.apiVersion === "v1"
      ? [["data"], ["stringData"], ["__inputs", "data"], ["__inputs", "stringData"]]
      : [],

  check: async (op, news, olds) => {
    const typed: Props = { ...kindOf(op.type), ...news };
    const object = containsUnknown(metadataOf(typed).name ?? null) ? typed : named(typed, op.name, olds);
    if (metadataOf(object).namespace !== undefined || !(await isNamespaced(op, object)))
      return { inputs: object };
    return { inputs: withMetadata(object, { namespace: defaultNamespace(op) }) };
  },

  diff: async (op, _id, olds, news) => {
    const before =
      isProps(olds.state.__inputs) && Object.keys(olds.inputs).length === 0
        ? olds.state.__inputs
        : olds.inputs;
    const [old, now] = [canonical(withoutServerFields(before)), canonical(withoutServerFields(news))];
    const same = nameOf(old) === nameOf(now) && namespaceOf(old) === namespaceOf(now);
    return {
      changes: [
        ...changesBetween(old, now, replaceRule(now, op.client.mutable)),
        ...(await replaceUnready(op, now)),
      ],
      deleteBeforeReplace: same && !isAnnotated(now, "autonamed"),
    };
  },

  create: async (op, inputs) => {
    const manager = fieldManagerOf(op.urn, inputs, {});
    if (op.preview) return { id: "", state: await preview(op, inputs, manager, "creation") };
    let live: Props;
    try {
      await refuseExisting(op, inputs);
      live = await apply(op, inputs, manager, "creation");
    } catch (error) {
      throw explain(error, "creation", inputs, manager);
    }
    return { id: idOf(live), state: await settle(op, inputs, live, manager, {}) };
  },

  read: async (op, id, olds) => {
    const { apiVersion, kind } = { ...kindOf(op.type), ...typeOf(olds.state), ...typeOf(olds.inputs) };
    const { name, namespace } = parseId(id);
    const found = await op.client
      .kube()
      .get({ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) }, op.signal);
    if (found === undefined) return undefined;
    const live = asProps(found);
    const inputs = olds.inputs === undefined ? inputsOf(live) : pruneToInputs(live, olds.inputs);
    const manager = fieldManagerOf(op.urn, inputs, olds.state);
    const initial = olds.state.__initialApiVersion ?? apiVersion;
    return { id, state: checkpoint(live, inputs, manager, initial), inputs };
  },

  update: async (op, _id, olds, news) => {
    const manager = fieldManagerOf(op.urn, news, olds.state);
    if (op.preview) return preview(op, news, manager, "update");
    let live: Props;
    try {
      live = await apply(op, news, manager, "update");
    } catch (error) {
      throw explain(error, "update", news, manager);
    }
    return settle(op, news, live, manager, olds.state);
  },

  delete: async (op, id, state) => {
    const { name, namespace } = parseId(id);
    const object = withMetadata(
      { ...kindOf(op.type), ...state },
      { name, ...(namespace === undefined ? {} : { namespace }) },
    );
    try {
      await untilGone(op, object);
    } catch (error) {
      if (error instanceof KubeError && error.status === 0 && op.client.deleteUnreachable) {
        op.log.warn(
          `${error.message}; the resource is dropped from the state because deleteUnreachable is set`,
        );
        return;
      }
      throw explain(error, "deletion", object, "");
    }
  },
};

function typeOf(object: Props | undefined): { readonly apiVersion?: string; readonly kind?: string } {
  const [apiVersion, kind] = [text(object?.apiVersion), text(object?.kind)];
  return apiVersion === undefined || kind === undefined ? {} : { apiVersion, kind };
}

function defaultNamespace(op: Op): string {
  try {
    return op.client.kube().access.namespace;
  } catch {
    return "default";
  }
}

/** Types that are no API objects: charts, and the vendor's lists and patches of objects. */
const isForeign = (type: string): boolean =>
  /^kubernetes:(helm\.sh|kustomize|yaml)|(?:List|Patch)$/.test(type);

/** Stand-in for the vendor's `kubernetes` plugin: objects of every kind, by server-side apply. */
export const kubernetes: ProviderSpec<Cluster> = {
  name: "kubernetes",
  version: sdkVersion("@pulumi/kubernetes"),
  configure,
  handler: (type) => (kindOf(type).kind === "" || isForeign(type) ? undefined : handler),
};
