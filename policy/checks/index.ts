import { CellView, type Check, findingsOf } from "../cell.ts";
import type { Finding } from "../finding.ts";
import type { Manifest } from "../manifest.ts";
import * as capacity from "./capacity.ts";
import * as isolation from "./isolation.ts";
import * as paths from "./paths.ts";
import * as pods from "./pods.ts";
import * as tenants from "./tenants.ts";

/** The project's own checks over the objects of a cell: what tools for any project cannot know. */
export const CHECKS = {
  namespacesAreMarked: tenants.namespacesAreMarked,
  objectsAreLabelled: tenants.objectsAreLabelled,
  hostsAreTheTenants: tenants.hostsAreTheTenants,
  certificatesFit: tenants.certificatesFit,
  policiesAreInForce: tenants.policiesAreInForce,
  namespacesDenyByDefault: isolation.namespacesDenyByDefault,
  bucketIsLabelled: isolation.bucketIsLabelled,
  openingsAreNarrow: isolation.openingsAreNarrow,
  doorsLeadSomewhere: isolation.doorsLeadSomewhere,
  podsReachNobodyElse: isolation.podsReachNobodyElse,
  podsReachWhatTheyNeed: isolation.podsReachWhatTheyNeed,
  quotasFit: capacity.quotasFit,
  scalingIsSound: capacity.scalingIsSound,
  imagesAreDigests: pods.imagesAreDigests,
  podsAreHardened: pods.podsAreHardened,
  podsAreRestricted: pods.podsAreRestricted,
  deploymentsAreProbed: pods.deploymentsAreProbed,
  secretsAreReferences: pods.secretsAreReferences,
  referencesExist: pods.referencesExist,
  accountsGiveNoToken: pods.accountsGiveNoToken,
  jobsEnd: pods.jobsEnd,
  annotationsArePlain: paths.annotationsArePlain,
  servicesLeadToPods: paths.servicesLeadToPods,
  routesLeadToServices: paths.routesLeadToServices,
  monitorsFindPods: paths.monitorsFindPods,
} as const;

/** @param checks by their names. Default: all. */
export function ownFindings(
  manifests: readonly Manifest[],
  checks: Readonly<Record<string, Check>> = CHECKS,
): Finding[] {
  const cell = new CellView(manifests);
  return Object.entries(checks).flatMap(([name, check]) => findingsOf(name, check, cell));
}
