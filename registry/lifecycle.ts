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

/** States in which the tenant's environment exists and may serve. */
export const LIVE_STATES = ["trial", "active", "past_due", "suspended"] as const;
export type LiveState = (typeof LIVE_STATES)[number];

export const isState = (text: string): text is TenantState => (STATES as readonly string[]).includes(text);
export const isLive = (state: TenantState): state is LiveState =>
  (LIVE_STATES as readonly TenantState[]).includes(state);

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

/** The least number of days between the start of offboarding and the deletion of data. */
export const GRACE_DAYS = 30;

/** States that a new entry may start in; `deleted` reserves an id of an earlier system. */
export const INITIAL_STATES: readonly TenantState[] = ["trial", "active", "deleted"];

/** Where each state may lead in one edit. */
export const TRANSITIONS: Readonly<Record<TenantState, readonly TenantState[]>> = {
  trial: ["active", "suspended", "offboarding"],
  active: ["past_due", "suspended", "offboarding"],
  past_due: ["active", "suspended", "offboarding"],
  suspended: ["active", "offboarding"],
  offboarding: ["active", "archived"],
  archived: ["active", "deleted"],
  deleted: [],
};

/**
 * Whether a state can lead to another in any number of edits that pass through live states only. Between two runs of
 * the program several edits may have been merged; what prepares the deletion of data is never skipped.
 */
export function isReachable(from: TenantState, to: TenantState): boolean {
  const seen = new Set<TenantState>([from]);
  for (const state of seen) {
    if (state !== from && !isLive(state)) continue;
    for (const next of TRANSITIONS[state]) seen.add(next);
  }
  return seen.has(to);
}
