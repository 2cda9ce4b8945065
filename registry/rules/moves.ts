import { PLAN_NAMES, type PlanName } from "../catalogue.ts";
import { moveLog } from "../naming.ts";
import { hasOwnApp, hasOwnDatabase } from "../placement.ts";
import { compareVersions, effectiveVersion, poolVersion } from "../rollout.ts";
import { perTenant, type Rule } from "./rule.ts";

/** Only moves that the program can make. */
export const migrationIsDeployable: Rule = perTenant(({ migration }) => [
  migration === undefined || migration.kind === "placement"
    ? undefined
    : {
        path: ["migration", "kind"],
        message: `"${migration.kind}" is a move that this version cannot make yet; remove migration`,
      },
]);

/** A move leads from one placement to another, and what was moved is on record before the source may go. */
export const migrationIsComplete: Rule = perTenant(({ id, plan, migration }, { catalogue: { plans } }) => {
  if (migration?.kind !== "placement") return [];
  const { from, phase, checksum } = migration;
  const recorded = phase === "soak" || phase === "cleanup";
  return [
    from === undefined
      ? {
          path: ["migration", "from"],
          message: "is missing; write the plan that the tenant moves from",
          at: "key",
        }
      : plans[from].placement === plans[plan].placement
        ? {
            path: ["migration", "from"],
            message: `"${from}" is placed as "${plan}" is (${plans[plan].placement}), so nothing moves; remove migration`,
          }
        : undefined,
    recorded && checksum === undefined
      ? {
          path: ["migration", "checksum"],
          message: `is missing in phase ${phase}; write what the cutover printed: ${moveLog(id)}`,
          at: "key",
        }
      : undefined,
    !recorded && checksum !== undefined
      ? {
          path: ["migration", "checksum"],
          message: `belongs to phases soak and cleanup, not to ${phase}; remove it`,
          at: "key",
        }
      : undefined,
  ];
});

/** Between bridge and silo the database stays, and an older version may not understand what a newer one made of it. */
export const movesKeepVersions: Rule = perTenant((entry, { catalogue: { plans }, releases, defaults }) => {
  const { plan, migration } = entry;
  if (migration?.from === undefined) return [];
  const versionOf = (name: PlanName): string =>
    hasOwnApp(plans[name].placement)
      ? effectiveVersion(entry, releases, defaults).version
      : poolVersion(releases);
  const [before, after] = [versionOf(migration.from), versionOf(plan)];
  const sameDatabase =
    hasOwnDatabase(plans[plan].placement) && hasOwnDatabase(plans[migration.from].placement);
  return [
    sameDatabase && compareVersions(after, before) < 0
      ? {
          path: ["migration"],
          message: `leads from ${before} to ${after}, which is older, on the same database; promote ${before} first`,
          at: "key",
        }
      : undefined,
  ];
});

/** Plans that share something share it with each other only where they are one: a pool has one volume. */
export const sharedPlacementsAreOnePlans: Rule = ({ catalogue: { plans }, catalogueSource }) =>
  PLAN_NAMES.flatMap((name, at) => {
    const { placement } = plans[name];
    const first = PLAN_NAMES.slice(0, at).find((other) => plans[other].placement === placement);
    return hasOwnApp(placement) || first === undefined
      ? []
      : [
          catalogueSource.issue(
            ["plans", name, "placement"],
            `"${placement}" is the placement of ${first} already; each plan with a pool has a placement of its own`,
          ),
        ];
  });
