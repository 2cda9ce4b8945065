import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient } from "../../../kube/client.ts";
import type { Operation } from "../../base/spec.ts";
import { isProps, type Props, type Value } from "../../base/wire.ts";
import type { Cluster } from "../cluster.ts";
import { at, text } from "../metadata.ts";

/** Where an object is on its way to being ready. */
export type Progress =
  | { readonly state: "ready"; readonly message?: string }
  | { readonly state: "waiting"; readonly message: string }
  /** It will not become ready by waiting. */
  | { readonly state: "failed"; readonly message: string };

/** What readiness rules may look at beside the object itself. */
export interface Surroundings {
  readonly kube: KubeClient;
  readonly signal: AbortSignal;
  /** When the waiting began, ms since 1970. */
  readonly since: number;
}

/** One kind's rule. */
export interface Readiness {
  /** Seconds to wait where the program says nothing. */
  readonly timeout: number;
  check(object: Props, around: Surroundings): Progress | Promise<Progress>;
  /** Why it is not ready, in as much detail as can be had. */
  reasons?(object: Props, around: Surroundings): Promise<readonly string[]>;
}

export const ready = (message?: string): Progress =>
  message === undefined ? { state: "ready" } : { state: "ready", message };
export const waiting = (message: string): Progress => ({ state: "waiting", message });
export const failed = (message: string): Progress => ({ state: "failed", message });

export const count = (value: Value | undefined): number => (typeof value === "number" ? value : 0);
export const list = (value: Value | undefined): readonly Props[] =>
  Array.isArray(value) ? (value as readonly Value[]).filter((item): item is Props => isProps(item)) : [];

/** A condition of the status by its type. */
export const condition = (object: Props, type: string): Props | undefined =>
  list(at(object, "status", "conditions")).find((each) => each.type === type);

export const describe = (each: Props): string =>
  [text(each.reason), text(each.message)].filter((part) => part !== undefined).join(": ");

/** The controller has not yet seen the newest spec: its status is about an older one. */
export const isStale = (object: Props): boolean =>
  count(at(object, "status", "observedGeneration")) < count(at(object, "metadata", "generation"));

/** Pauses that grow from a quarter of a second to a full one; throws when the update is cancelled. */
export async function pause(attempt: number, op: Operation<Cluster>): Promise<void> {
  await sleep(Math.min(1000, 250 * (attempt + 1)), undefined, { signal: op.signal });
}
