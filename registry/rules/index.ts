import { cellsFit } from "./cells.ts";
import {
  brandingWithinPlan,
  dashboardsFitPlacement,
  domainsWithinPlan,
  featuresWithinPlan,
  integrationsAreDistinct,
  ownServersAreUsed,
  overridesWithinPlan,
  keptVolumeIsLarger,
  regionMatchesCell,
} from "./entitlements.ts";
import { domainsAreForeign, platformHostsFit, uniqueHosts } from "./hosts.ts";
import {
  filesAreNamedAfterIds,
  idsAreNotReserved,
  registryIsNotEmpty,
  uniqueDerivedNames,
  uniqueIds,
  uniqueSubscriptions,
} from "./identity.ts";
import {
  percentHasPrevious,
  pinnedVersionsExist,
  pinsWithinPlan,
  ringsAreOrdered,
  ringVersionsExist,
} from "./releases.ts";
import {
  migrationIsComplete,
  migrationIsDeployable,
  movesKeepVersions,
  sharedPlacementsAreOnePlans,
} from "./moves.ts";
import type { Rule } from "./rule.ts";
import {
  archivedHasFinalBackup,
  blocksFitState,
  deletionIsConfirmed,
  offboardingHasGrace,
  leavingTenantsDoNotMove,
  trialsEndAfterStart,
} from "./states.ts";

/** Every rule by its name, in the order of their issues' importance to a reader. None reads the clock. */
export const rules = {
  registryIsNotEmpty,
  uniqueIds,
  uniqueDerivedNames,
  idsAreNotReserved,
  filesAreNamedAfterIds,
  uniqueHosts,
  domainsAreForeign,
  platformHostsFit,
  uniqueSubscriptions,
  blocksFitState,
  trialsEndAfterStart,
  offboardingHasGrace,
  archivedHasFinalBackup,
  deletionIsConfirmed,
  leavingTenantsDoNotMove,
  migrationIsDeployable,
  migrationIsComplete,
  movesKeepVersions,
  sharedPlacementsAreOnePlans,
  ringVersionsExist,
  pinnedVersionsExist,
  ringsAreOrdered,
  percentHasPrevious,
  pinsWithinPlan,
  featuresWithinPlan,
  integrationsAreDistinct,
  ownServersAreUsed,
  domainsWithinPlan,
  brandingWithinPlan,
  dashboardsFitPlacement,
  overridesWithinPlan,
  keptVolumeIsLarger,
  regionMatchesCell,
  cellsFit,
} as const satisfies Readonly<Record<string, Rule>>;
