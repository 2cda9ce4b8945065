import { createHash } from "node:crypto";
import type { Defaults, Releases } from "./schema.ts";
import { effectivePlacement, hasOwnApp } from "./placement.ts";
import type { Common } from "./resolve.ts";
import type { Ring, TenantEntry } from "./tenantSchema.ts";

/** The version a tenant runs and what decided it. */
export interface EffectiveVersion {
  readonly version: string;
  /** pin: its own pin; ring: its ring's version; previous: the ring's percentage has not reached it yet; pool: its pool's. */
  readonly from: "pin" | "ring" | "previous" | "pool";
}

/** Ring of an entry: its own, else the registry's default, else 2. */
export const ringOf = (entry: Pick<TenantEntry, "ring">, defaults: Defaults): Ring =>
  entry.ring ?? defaults.ring ?? 2;

/** The version that serves an entry: its own, or the pools'. */
export const servingVersion = (
  entry: Pick<TenantEntry, "id" | "ring" | "pin" | "plan" | "migration">,
  { releases, defaults, catalogue }: Common,
): EffectiveVersion =>
  hasOwnApp(effectivePlacement(entry, catalogue))
    ? effectiveVersion(entry, releases, defaults)
    : { version: poolVersion(releases), from: "pool" };

/** The version that all pools of a cell run: that of ring 2, in which they have a turn like a tenant. */
export const poolVersion = (releases: Releases): string =>
  ringVersion({ id: "pool", ring: 2 }, releases, {}).version;

/** The version an entry's own pods run: a pin wins, expired or not, because no result may depend on the clock. */
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
