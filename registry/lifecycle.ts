/**
 * The states of a tenant and the steps between them, as data. A registry entry is never removed: it ends as
 * `deleted`, a tombstone that keeps its id and its hosts reserved for ever.
 */

/** From first to last. past_due has no effect on the service; suspended keeps data and backups but serves nobody. */
export const STATES = [
  "trial",
  "active",
  "past_due",
  "suspended",
  "offboarding",
  "archived",
  "deleted",
] as const;
export type TenantState = (typeof STATES)[number];

/** States in which the tenant's environment may serve. */
export const LIVE_STATES = ["trial", "active", "past_due", "suspended"] as const;
export type LiveState = (typeof LIVE_STATES)[number];

export const isState = (text: string): text is TenantState => (STATES as readonly string[]).includes(text);
/** States in which the tenant's environment, or what is left of it, exists. */
export const PROVISIONED_STATES = [...LIVE_STATES, "offboarding", "archived"] as const;
export type ProvisionedState = (typeof PROVISIONED_STATES)[number];

export const isProvisioned = (state: TenantState): state is ProvisionedState =>
  (PROVISIONED_STATES as readonly TenantState[]).includes(state);
export const isLive = (state: TenantState): state is LiveState =>
  (LIVE_STATES as readonly TenantState[]).includes(state);

/** Whether the price is due. A suspension pauses the subscription, offboarding ends it. */
export function isBillable(state: TenantState): boolean {
  switch (state) {
    case "active":
    case "past_due":
      return true;
    case "trial":
    case "suspended":
    case "offboarding":
    case "archived":
    case "deleted":
      return false;
    default:
      return state satisfies never;
  }
}

/** Why a tenant is suspended. */
export const SUSPENSION_REASONS = [
  "unpaid",
  "trial_expired",
  "customer_request",
  "abuse",
  "security",
  "legal",
] as const;

/** What a suspended tenant's hosts answer: maintenance 503, payment_required 402. */
export const SUSPENSION_MODES = ["maintenance", "payment_required"] as const;

/** Why a tenant leaves. */
export const OFFBOARDING_REASONS = ["customer_request", "unpaid", "trial_expired", "abuse", "legal"] as const;

/** Whether the customer gets the data: return makes an export bundle, none does not. */
export const EXPORTS = ["return", "none"] as const;

/** Evidence that a tenant can be restored from its final backup. */
export interface FinalBackup {
  /** acme-20260131T020000Z */
  readonly id: string;
  /** Of its manifest, which holds the checksums of everything else; hexadecimal. */
  readonly sha256: string;
  /** When it was restored and compared, RFC 3339 UTC. */
  readonly verifiedAt: string;
}

/** The least number of days between the start of offboarding and the deletion of data. */
export const GRACE_DAYS = 30;

/** States that a new entry may start in; `deleted` reserves an id of an earlier system. */
export const INITIAL_STATES: readonly TenantState[] = ["trial", "active", "deleted"];

/**
 * Where each state may lead in one edit. What an archived tenant shared with others is emptied, so it comes back
 * suspended, is restored from its final backup, and serves only then.
 */
export const TRANSITIONS: Readonly<Record<TenantState, readonly TenantState[]>> = {
  trial: ["active", "suspended", "offboarding"],
  active: ["past_due", "suspended", "offboarding"],
  past_due: ["active", "suspended", "offboarding"],
  suspended: ["active", "offboarding"],
  offboarding: ["active", "archived"],
  archived: ["suspended", "deleted"],
  deleted: [],
};

/**
 * Whether a state can lead to another in any number of edits that pass through live states only. Between two runs of
 * the program several edits may have been merged; what prepares the deletion of data, and the restore of an archived
 * tenant, are never skipped.
 */
export function isReachable(from: TenantState, to: TenantState): boolean {
  if (from === "archived") return from === to || TRANSITIONS[from].includes(to);
  const seen = new Set<TenantState>([from]);
  for (const state of seen) {
    if (state !== from && !isLive(state)) continue;
    for (const next of TRANSITIONS[state]) seen.add(next);
  }
  return seen.has(to);
}
