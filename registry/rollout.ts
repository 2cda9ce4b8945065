import { createHash } from "node:crypto";
import type { Defaults, Releases } from "./schema.ts";
import type { Ring, TenantEntry } from "./tenantSchema.ts";

/** The version a tenant runs and what decided it. */
export interface EffectiveVersion {
  readonly version: string;
  /** pin: its own pin; ring: its ring's version; previous: the ring's percentage has not reached it yet. */
  readonly from: "pin" | "ring" | "previous";
}

/** Ring of an entry: its own, else the registry's default, else 2. */
export const ringOf = (entry: Pick<TenantEntry, "ring">, defaults: Defaults): Ring =>
  entry.ring ?? defaults.ring ?? 2;

/** The version an entry runs: a pin wins, expired or not, because no result may depend on the clock. */
export function effectiveVersion(
  entry: Pick<TenantEntry, "id" | "ring" | "pin">,
  releases: Releases,
  defaults: Defaults,
): EffectiveVersion {
  return entry.pin === undefined
    ? ringVersion(entry, releases, defaults)
    : { version: entry.pin.version, from: "pin" };
}

/** The version an entry would run without its pin. */
export function ringVersion(
  entry: Pick<TenantEntry, "id" | "ring">,
  { rings }: Releases,
  defaults: Defaults,
): EffectiveVersion {
  const ring = ringOf(entry, defaults);
  if (ring !== 2) return { version: rings[ring].version, from: "ring" };
  const { version, percent, previous } = rings[2];
  return previous === undefined || rolloutTurn(entry.id) < (percent ?? 100)
    ? { version, from: "ring" }
    : { version: previous, from: "previous" };
}

/** A tenant's turn in a rollout by percentage, 0–99: stable, so that a growing percentage never takes a tenant back. */
export const rolloutTurn = (id: string): number =>
  createHash("sha256").update(`rollout:${id}`).digest().readUInt32BE(0) % 100;

/** Negative where `a` is older than `b`, 0 where they are the same. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.slice(1).split(".").map(Number));
  for (const part of [0, 1, 2]) {
    const difference = (left?.[part] ?? 0) - (right?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
