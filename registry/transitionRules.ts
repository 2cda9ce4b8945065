import { REGISTRY_FILE } from "./files.ts";
import type { Issue } from "./issues.ts";
import { INITIAL_STATES, isLive, isReachable, isState, TRANSITIONS } from "./lifecycle.ts";
import { MOVE_PHASES, type MovePhase, type MoveRecord } from "./placement.ts";
import { formatBytes } from "./quantities.ts";
import type { TenantRecord } from "./records.ts";
import { missingMessage } from "./renames.ts";
import type { RegisteredTenant } from "./rules/rule.ts";

/** One tenant that is there before and after. */
interface Step {
  readonly before: TenantRecord;
  readonly after: TenantRecord;
  readonly tenant: RegisteredTenant;
}

/** A change of the whole registry. */
export interface Change {
  readonly before: readonly TenantRecord[];
  readonly steps: readonly Step[];
  readonly missing: readonly TenantRecord[];
  readonly added: readonly { readonly record: TenantRecord; readonly tenant: RegisteredTenant }[];
  /** Several edits may lie between two runs of the program; a change of the registry in Git is one edit. */
  readonly isOneEdit: boolean;
}

/** A rule about a change; returns every forbidden step. */
type TransitionRule = (change: Change) => readonly Issue[];

/** An entry stays for ever: removing or renaming it would destroy data or free its id. */
export const entriesStay: TransitionRule = ({ missing, added }) =>
  missing.map((record) => ({
    file: REGISTRY_FILE,
    subject: record.id,
    message: missingMessage(
      record,
      added.map((other) => other.record),
    ),
  }));

/** Data moves between placements by a migration, never by a bare edit of the plan. */
export const placementStays: TransitionRule = ({ steps }) =>
  steps.flatMap(({ before, after, tenant }) =>
    before.move === undefined &&
    after.move === undefined &&
    isKnownChange(before.placement, after.placement) &&
    keepsData(before)
      ? [
          tenant.issue(
            ["plan"],
            `would move the tenant from placement ${before.placement} to ${after.placement}, which a change of plan alone does not do; add migration: { kind: placement, from: ${before.plan ?? "…"}, phase: prepare }`,
          ),
        ]
      : [],
  );

/**
 * Phases that may follow each other. The last outputs tell what was asked for, which a failed run may not have done: what
 * would overwrite newer data is refused by the Jobs themselves, which keep a record of what was done (ops/move/record.ts).
 */
const NEXT_PHASES: Readonly<Record<MovePhase, readonly MovePhase[]>> = {
  prepare: ["sync"],
  sync: ["cutover", "prepare"],
  cutover: ["soak", "sync"],
  soak: ["cleanup", "cutover"],
  cleanup: [],
};

/** A move goes through its phases one by one, forwards or back, and never leaves the newer data behind. */
export const movesGoStepByStep: TransitionRule = ({ steps, added }) => [
  ...added.flatMap(({ record, tenant }) =>
    record.move === undefined
      ? []
      : [tenant.issue(["migration"], "is of a new tenant, which has nothing to move; remove it", "key")],
  ),
  ...steps.flatMap(({ before, after, tenant }) => {
    const fault = keepsData(before) ? faultOfMove(before, after) : undefined;
    return fault === undefined ? [] : [tenant.issue(...fault)];
  }),
];

function faultOfMove(
  { move: was, plan: servedBy, placement: place }: TenantRecord,
  { move: is, plan, placement }: TenantRecord,
): [path: string[], message: string] | undefined {
  if (was === undefined) {
    if (is === undefined || servedBy === undefined) return undefined;
    // What a cleanup has left that did not run to its end.
    if (is.phase === "cleanup" && is.to === servedBy) return undefined;
    if (is.from !== servedBy)
      return [
        ["migration", "from"],
        `is ${is.from}, but the tenant's plan is ${servedBy}; write ${servedBy}`,
      ];
    return is.phase === "prepare"
      ? undefined
      : [["migration", "phase"], `cannot begin with ${is.phase}; begin with prepare and apply it`];
  }
  if (is === undefined) {
    if (was.phase === "cleanup" && plan === was.to) return undefined;
    if (was.phase === "prepare" && plan === was.from) return undefined;
    return [
      ["migration"],
      was.phase === "cleanup" || was.phase === "prepare"
        ? `ends with the plan ${plan ?? ""}, but in phase ${was.phase} it ends with ${was.phase === "cleanup" ? was.to : was.from}; write plan: ${was.phase === "cleanup" ? was.to : was.from}`
        : `was removed in phase ${was.phase}, which would leave data behind; put it back: { kind: placement, from: ${was.from}, phase: ${was.phase} }`,
    ];
  }
  if (is.from === was.to && is.to === was.from) {
    return (was.phase === "soak" || was.phase === "cutover") && is.phase === "cutover"
      ? undefined
      : [
          ["migration", "phase"],
          `cannot turn back from ${was.phase} to ${is.phase}; a move turns round from cutover or soak, to cutover`,
        ];
  }
  if (is.from !== was.from || is.to !== was.to) {
    return [
      [is.from === was.from ? "plan" : "migration", ...(is.from === was.from ? [] : ["from"])],
      `changes while the tenant moves from ${was.from} to ${was.to}; end this move first`,
    ];
  }
  const next = isMovePhase(was.phase) ? NEXT_PHASES[was.phase] : [];
  if (is.phase === was.phase)
    return isKnownChange(place, placement)
      ? [
          ["plan"],
          `changes from placement ${place} to ${placement} while the tenant moves; put the catalogue back`,
        ]
      : undefined;
  if ((next as readonly string[]).includes(is.phase)) return undefined;
  return [["migration", "phase"], `cannot go from ${was.phase} to ${is.phase}; ${wayFrom(was, next)}`];
}

/** What may be written instead. */
function wayFrom({ from, to, phase }: MoveRecord, next: readonly MovePhase[]): string {
  if (phase === "cleanup")
    return `remove migration to end the move; a way back from ${to} is a move of its own`;
  const back =
    phase === "soak"
      ? `, or back without loss by plan: ${from} and migration: { kind: placement, from: ${to}, phase: cutover }`
      : "";
  return `apply ${next.join(" or ")} next${back}`;
}

const isMovePhase = (text: string): text is MovePhase => (MOVE_PHASES as readonly string[]).includes(text);

/** Data moves between regions and cells by a migration, never by a bare edit. */
export const regionAndCellStay: TransitionRule = ({ steps }) =>
  steps.flatMap(({ before, after, tenant }) =>
    (["region", "cell"] as const).flatMap((field) =>
      isKnownChange(before[field], after[field]) && keepsData(before)
        ? [
            tenant.issue(
              [field],
              `would move the tenant from ${field} ${before[field]} to ${after[field]}, but its data stays behind; keep ${field} ${before[field]}`,
            ),
          ]
        : [],
    ),
  );

/** A volume cannot shrink: after a downgrade it is kept at its size, and the registry says so. */
export const volumesNeverShrink: TransitionRule = ({ steps }) =>
  steps.flatMap(({ before, after, tenant }) => {
    const [was, is] = [before.uploadsBytes, after.uploadsBytes];
    // None of its own any more: it was moved to a pool.
    if (was === undefined || is === undefined || is === 0 || is >= was || !keepsData(before)) return [];
    const size = formatBytes(was);
    return [
      tenant.issue(
        sizedBy(tenant.entry),
        `would shrink the uploads volume from ${size} to ${formatBytes(is)}, which no volume can; write uploadsVolume: ${size} to keep it at its size`,
      ),
    ];
  });

/** The field that decides the size of an entry's uploads volume. */
function sizedBy({ uploadsVolume, overrides }: RegisteredTenant["entry"]): readonly string[] {
  if (uploadsVolume !== undefined) return ["uploadsVolume"];
  return overrides.storage === undefined ? ["plan"] : ["overrides", "storage"];
}

/** Of two logins one stays as it is at each rotation; two rotations at once would lock the running pods out. */
export const rotationsComeOneByOne: TransitionRule = ({ steps }) =>
  steps.flatMap(({ before: { rotation: was }, after: { rotation: is }, tenant }) => {
    if (was === undefined || is === undefined || is === was || is === was + 1) return [];
    const message =
      is < was
        ? `goes back from ${was}, whose passwords are in use; keep ${was} or write ${was + 1} to rotate again`
        : `goes from ${was} to ${is} at once, which would replace the password that the pods use; write ${was + 1}, apply it, then go on`;
    return [tenant.issue(["credentials", "rotation"], message)];
  });

/** States follow each other as the lifecycle's table says. */
export const statesFollow: TransitionRule = ({ steps, isOneEdit }) =>
  steps.flatMap(({ before: { state: from }, after: { state: to }, tenant }) => {
    if (from === undefined || to === undefined || from === to || !isState(from) || !isState(to)) return [];
    if (isOneEdit ? TRANSITIONS[from].includes(to) : isReachable(from, to)) return [];
    if (from === "deleted")
      return [
        tenant.issue(["state"], `a deleted tenant cannot come back as ${to}; give a new tenant a new id`),
      ];
    const next = TRANSITIONS[from].join(" or ");
    return [tenant.issue(["state"], `cannot go from ${from} to ${to}; from ${from} it may become ${next}`)];
  });

/** A tenant begins as a trial or as a customer. */
export const entriesStartAtTheBeginning: TransitionRule = ({ added, isOneEdit }) =>
  added.flatMap(({ record: { state }, tenant }) =>
    !isOneEdit || state === undefined || !isState(state) || INITIAL_STATES.includes(state)
      ? []
      : [tenant.issue(["state"], `a new entry cannot start ${state}; start it as trial or active`)],
  );

/** Billing charges from `since` on. */
export const sinceFollowsChanges: TransitionRule = ({ steps, isOneEdit }) =>
  steps.flatMap(({ before, after, tenant }) => {
    if (!isOneEdit || before.since === undefined || after.since === undefined) return [];
    const changed = (["plan", "state"] as const).find((field) => before[field] !== after[field]);
    if (Date.parse(after.since) < Date.parse(before.since) && changed !== undefined)
      return [
        tenant.issue(
          ["since"],
          `goes back from ${before.since} although ${changed} changes; write since when it holds`,
        ),
      ];
    return changed !== undefined && before.since === after.since
      ? [
          tenant.issue(
            ["since"],
            `stays the same although ${changed} changes; write since when ${after[changed] ?? ""} holds`,
          ),
        ]
      : [];
  });

/** A legal hold is lifted by one change and the data deleted by another. */
export const holdsEndBeforeDeletion: TransitionRule = ({ steps }) =>
  steps.flatMap(({ before, after, tenant }) =>
    before.legalHold === true && before.state !== "deleted" && after.state === "deleted"
      ? [
          tenant.issue(
            ["state"],
            "is under legal hold before this change; lift the hold in a change of its own",
          ),
        ]
      : [],
  );

/** A slip must not put many customers out of service: at most 5, or a tenth of the live ones. */
export const fewStopAtOnce: TransitionRule = ({ before, steps }) => {
  const live = before.filter(isServed).length;
  const most = Math.max(5, Math.floor(live / 10));
  const stopped = steps.filter((step) => isServed(step.before) && !isServed(step.after));
  return stopped.length > most
    ? [
        {
          file: REGISTRY_FILE,
          subject: "",
          message: `suspends or ends ${stopped.length} of ${live} live tenants at once (${names(stopped)}); the most in one change is ${most}`,
        },
      ]
    : [];
};

/** Data is deleted one tenant at a time. */
export const oneIsDeletedAtOnce: TransitionRule = ({ steps }) => {
  const deleted = steps.filter(
    ({ before, after }) => before.state !== "deleted" && after.state === "deleted",
  );
  return deleted.length > 1
    ? [
        {
          file: REGISTRY_FILE,
          subject: "",
          message: `deletes ${deleted.length} tenants at once (${names(deleted)}); delete one in a change`,
        },
      ]
    : [];
};

/** Every rule about changes by its name. */
export const transitionRules = {
  entriesStay,
  statesFollow,
  entriesStartAtTheBeginning,
  placementStays,
  movesGoStepByStep,
  regionAndCellStay,
  volumesNeverShrink,
  rotationsComeOneByOne,
  sinceFollowsChanges,
  holdsEndBeforeDeletion,
  fewStopAtOnce,
  oneIsDeletedAtOnce,
} as const satisfies Readonly<Record<string, TransitionRule>>;

const isKnownChange = (before: string | undefined, after: string | undefined): boolean =>
  before !== undefined && after !== undefined && before !== after;

/** A tombstone has no data that could be left behind. */
const keepsData = ({ state }: TenantRecord): boolean => state !== "deleted";

/** Whether a tenant is in service. */
const isServed = ({ state }: TenantRecord): boolean =>
  state !== undefined && isState(state) && isLive(state) && state !== "suspended";

/** The first few ids. */
function names(steps: readonly Step[]): string {
  const ids = steps.map(({ after }) => after.id);
  return ids.length > 5 ? `${ids.slice(0, 5).join(", ")}, …` : ids.join(", ");
}
