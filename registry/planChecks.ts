import type { Plan } from "./catalogue.ts";
import { hasOwnApp } from "./placement.ts";

/** A figure of a plan that cannot be. */
interface Impossible {
  readonly path: readonly string[];
  readonly message: string;
}

/** Looks at one plan whose fields are each valid. */
type PlanCheck = (plan: Plan) => Impossible | undefined;

/** Least share of one pod: below it the application does not start. */
const MIN_POD = { cpu: 50, memory: 128 * 2 ** 20 };

const sharesFitCost: PlanCheck = ({ cost }) =>
  cost.aiMinor + cost.supportMinor > cost.totalMinor
    ? { path: ["cost", "totalMinor"], message: "is less than its AI and support shares together" }
    : undefined;

const replicasAreOrdered: PlanCheck = ({ replicas }) =>
  replicas.min > replicas.max
    ? { path: ["replicas", "max"], message: `is below replicas.min (${replicas.min})` }
    : undefined;

const connectionsHoldLogins: PlanCheck = ({ database }) => {
  const logins = database.appConnections + database.migrateConnections + database.backupConnections;
  return database.connections < logins
    ? {
        path: ["database", "connections"],
        message: `is below what its logins may open together (${logins})`,
      }
    : undefined;
};

const poolsAreDescribed: PlanCheck = ({ placement, pool }) => {
  const path = ["placement"];
  if (hasOwnApp(placement))
    return pool === undefined
      ? undefined
      : { path, message: "shares nothing with other tenants; remove pool" };
  return pool === undefined
    ? {
        path,
        message: "says nothing of what is shared; add e.g. pool: { cpu: 500m, memory: 1Gi, storage: 500Gi }",
      }
    : undefined;
};

const poolPodsCanStart: PlanCheck = ({ pool }) => {
  if (pool === undefined) return undefined;
  if (pool.cpu < MIN_POD.cpu)
    return { path: ["pool", "cpu"], message: `is less than the ${MIN_POD.cpu}m that a pod needs` };
  return pool.memory < MIN_POD.memory
    ? { path: ["pool", "memory"], message: `is less than the ${MIN_POD.memory / 2 ** 20}Mi that a pod needs` }
    : undefined;
};

const sharedPodsAreNobodysOwn: PlanCheck = ({ placement, entitlements }) => {
  if (hasOwnApp(placement)) return undefined;
  for (const field of ["customization", "versionPin"] as const) {
    if (entitlements[field])
      return {
        path: ["entitlements", field],
        message: `is for pods of the tenant's own, which placement ${placement} does not have; write false`,
      };
  }
  return undefined;
};

/** One connection holds the snapshot that pg_dump reads on another. */
const backupsCanRead: PlanCheck = ({ database }) =>
  database.backupConnections < 2
    ? { path: ["database", "backupConnections"], message: "is less than the 2 that a backup takes" }
    : undefined;

const podsCanStart: PlanCheck = ({ placement, resources, replicas }) => {
  if (!hasOwnApp(placement)) return undefined;
  if (resources.cpu / replicas.min < MIN_POD.cpu)
    return {
      path: ["resources", "cpu"],
      message: `leaves less than ${MIN_POD.cpu}m for each of ${replicas.min} pods`,
    };
  if (resources.memory / replicas.min < MIN_POD.memory)
    return {
      path: ["resources", "memory"],
      message: `leaves less than ${MIN_POD.memory / 2 ** 20}Mi for each of ${replicas.min} pods`,
    };
  return undefined;
};

const backupsComeBeforeTheirAlert: PlanCheck = ({ backup, slo }) => {
  const minutes = longestGapMinutes(backup.schedule);
  return slo.backupMaxAgeMinutes <= minutes
    ? {
        path: ["slo", "backupMaxAgeMinutes"],
        message: `is not above the ${minutes} minutes between two backups, so its alert would never end`,
      }
    : undefined;
};

/** Longest time between two runs of a schedule of minute and hour. */
function longestGapMinutes(schedule: string): number {
  const hour = schedule.split(" ")[1] ?? "*";
  if (hour === "*") return 60;
  return hour.startsWith("*/") ? Number(hour.slice(2)) * 60 : 24 * 60;
}

const aiIsPaidWhereItIsSold: PlanCheck = ({ entitlements, cost }) =>
  entitlements.aiWorkflows === "none" && entitlements.chatbot === "none" && cost.aiMinor > 0
    ? { path: ["cost", "aiMinor"], message: "is a cost of AI, which the plan does not include" }
    : undefined;

/** Every check of a plan. */
export const planChecks: readonly PlanCheck[] = [
  sharesFitCost,
  replicasAreOrdered,
  connectionsHoldLogins,
  backupsCanRead,
  podsCanStart,
  poolsAreDescribed,
  poolPodsCanStart,
  sharedPodsAreNobodysOwn,
  backupsComeBeforeTheirAlert,
  aiIsPaidWhereItIsSold,
];
