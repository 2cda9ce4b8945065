import { GRACE_DAYS, isLive, type TenantState } from "../lifecycle.ts";
import { platformHost } from "../naming.ts";
import type { TenantEntry } from "../tenantSchema.ts";
import { perTenant, type Finding, type Rule } from "./rule.ts";

const DAY = 86_400_000;

/** The states that each block belongs to: required there, out of place elsewhere. */
const BLOCKS = {
  trial: ["trial"],
  suspension: ["suspended"],
  offboarding: ["offboarding", "archived", "deleted"],
} as const satisfies Partial<Record<keyof TenantEntry, readonly TenantState[]>>;

/** What must be filled in in each block. */
const EXAMPLES: Readonly<Record<keyof typeof BLOCKS, string>> = {
  trial: 'trial: { endsAt: "2026-01-31T00:00:00Z" }',
  suspension: "suspension: { reason: unpaid }",
  offboarding: 'offboarding: { reason: customer_request, purgeAfter: "2026-03-31T00:00:00Z" }',
};

/** Each state has the blocks that say what it needs to know. */
export const blocksFitState: Rule = perTenant((entry) =>
  (Object.keys(BLOCKS) as (keyof typeof BLOCKS)[]).map((block): Finding | undefined => {
    const states: readonly TenantState[] = BLOCKS[block];
    const belongs = states.includes(entry.state);
    if (belongs && entry[block] === undefined)
      return {
        path: [block],
        message: `is missing in state ${entry.state}; add e.g. ${EXAMPLES[block]}`,
        at: "key",
      };
    if (!belongs && entry[block] !== undefined)
      return {
        path: [block],
        message: `belongs to state ${states.join(", ")}, not to ${entry.state}; remove it or change state`,
        at: "key",
      };
    return undefined;
  }),
);

/** A trial ends after it began. */
export const trialsEndAfterStart: Rule = perTenant(({ trial, since }) => [
  trial !== undefined && Date.parse(trial.endsAt) <= Date.parse(since)
    ? { path: ["trial", "endsAt"], message: `is not after since (${since})` }
    : undefined,
]);

/** A customer who leaves has time to come back. */
export const offboardingHasGrace: Rule = perTenant(({ state, offboarding, since }) => [
  state === "offboarding" &&
  offboarding !== undefined &&
  Date.parse(offboarding.purgeAfter) < Date.parse(since) + GRACE_DAYS * DAY
    ? {
        path: ["offboarding", "purgeAfter"],
        message: `is less than ${GRACE_DAYS} days after since (${since}); the customer may come back`,
      }
    : undefined,
]);

/** No data goes without a verified final backup. */
export const archivedHasFinalBackup: Rule = perTenant(({ id, state, offboarding }) => {
  if ((state !== "archived" && state !== "deleted") || offboarding === undefined) return [];
  const path = ["offboarding", "finalBackup"];
  if (offboarding.finalBackup === undefined)
    return [
      {
        path,
        message: `is missing in state ${state}; record id, sha256 and verifiedAt of the final backup`,
        at: "key",
      },
    ];
  const backup = offboarding.finalBackup.id;
  return [
    backup.startsWith(`${id}-2`) && backup.length === `${id}-20260131T020000Z`.length
      ? undefined
      : { path: [...path, "id"], message: `"${backup}" is no backup of "${id}"` },
  ];
});

/** Deletion repeats the host, waits for purgeAfter, and stops at a legal hold. */
export const deletionIsConfirmed: Rule = perTenant(
  ({ id, state, since, offboarding, legalHold }, { context: { baseDomain } }) => {
    if (offboarding === undefined) return [];
    const host = platformHost(id, baseDomain);
    const path = ["offboarding", "confirm"];
    const { confirm, purgeAfter } = offboarding;
    const deleted = state === "deleted";
    return [
      deleted && confirm === undefined
        ? { path, message: `is missing in state deleted; write "${host}"`, at: "key" }
        : undefined,
      confirm !== undefined && baseDomain !== "" && confirm !== host
        ? { path, message: `"${confirm}" is not the tenant's host; write "${host}"` }
        : undefined,
      deleted && Date.parse(since) < Date.parse(purgeAfter)
        ? {
            path: ["since"],
            message: `is before offboarding.purgeAfter (${purgeAfter}); the data is kept until then`,
          }
        : undefined,
      deleted && legalHold !== undefined
        ? { path: ["legalHold"], message: "forbids state deleted; the hold must be lifted first", at: "key" }
        : undefined,
    ];
  },
);

/** A tenant leaves from one place: a move is ended first. */
export const leavingTenantsDoNotMove: Rule = perTenant(({ state, migration }) => [
  isLive(state) || migration === undefined
    ? undefined
    : { path: ["migration"], message: `is under way in state ${state}; end the move first`, at: "key" },
]);
