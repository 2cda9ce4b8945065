/** Server-side apply, for real and in previews, with the server's refusals put into sentences. */
import { setTimeout as sleep } from "node:timers/promises";
import { KubeError } from "../../kube/client.ts";
import type { Operation } from "../base/spec.ts";
import { containsUnknown, type Props } from "../base/wire.ts";
import { asObject, asProps, type Cluster } from "./cluster.ts";
import { checkpoint } from "./live.ts";
import { idOf, isAnnotated, text, withoutServerFields } from "./metadata.ts";

type Op = Operation<Cluster>;

/** The error in terms of the object it is about. */
export function explain(error: unknown, verb: string, object: Props, manager: string): Error {
  if (!(error instanceof KubeError)) return error instanceof Error ? error : new Error(String(error));
  const what = `${verb} of ${text(object.kind) ?? "object"} ${idOf(object)}`;
  if (error.reason === "NoMatch") {
    return new Error(
      `${what} failed because the API server does not know ${error.message.replace("no matches for ", "")}: ` +
        `verify that any required CRDs have been created`,
      { cause: error },
    );
  }
  if (error.reason === "Conflict") {
    return new Error(
      `${what} failed: Server-Side Apply field conflict detected for field manager "${manager}": ${error.message}; ` +
        `set the annotation pulumi.com/patchForce to "true" to take the fields over`,
      { cause: error },
    );
  }
  return new Error(`${what} failed: ${error.message}`, { cause: error });
}

/** Objects may be declared before the namespace or the CRD they need exists: those errors are waited out. */
const SOON = [500, 1000, 2000, 4000, 8000, 16000];

/** Applies an object as a field manager. In a preview nothing is stored. */
export async function apply(
  op: Op,
  object: Props,
  manager: string,
  verb: "creation" | "update",
): Promise<Props> {
  const force = op.client.force || isAnnotated(object, "patchForce");
  for (let attempt = 0; ; attempt++) {
    try {
      const applied = await op.client.kube().apply(asObject(withoutServerFields(object)), {
        fieldManager: manager,
        force,
        dryRun: op.preview,
        // What was sent may have been stored: its answer is waited for, or nobody would know of the object.
        ...(op.preview ? { signal: op.signal } : {}),
      });
      return asProps(applied);
    } catch (error) {
      const wait = SOON[attempt];
      const early = error instanceof KubeError && error.status === 404 && verb === "creation";
      if (!early || op.preview || wait === undefined) throw error;
      op.log.status(`Retry #${attempt + 1}; creation failed: ${error.message}`);
      await sleep(wait, undefined, { signal: op.signal });
    }
  }
}

/** Refusals of a dry run that say nothing about the update itself. */
function isInconclusive(error: unknown, verb: "creation" | "update"): boolean {
  if (!(error instanceof KubeError)) return false;
  // The namespace or the CRD may be part of the same update; the user may lack the right to dry-run, or the quota
  // that leaves no room now grows in the same update.
  if (error.status === 404 || error.status === 0 || error.status === 403) return true;
  // The predecessor is still there under the same name, and will be gone by then.
  return verb === "creation" && (error.status === 409 || error.message.includes("is immutable"));
}

/** What a dry run foretells; the inputs themselves where it can say nothing. */
export async function preview(
  op: Op,
  inputs: Props,
  manager: string,
  verb: "creation" | "update",
): Promise<Props> {
  if (containsUnknown(inputs)) return inputs;
  try {
    const live = await apply(op, inputs, manager, verb);
    const state = checkpoint(live, inputs, manager, inputs.apiVersion ?? null);
    // What the server would say of a new object's status is not what it will be.
    return verb === "update"
      ? state
      : Object.fromEntries(Object.entries(state).filter(([key]) => key !== "status"));
  } catch (error) {
    if (isInconclusive(error, verb)) return inputs;
    throw explain(error, verb, inputs, manager);
  }
}
