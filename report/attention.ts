import { formatIssue, type Issue } from "../registry/issues.ts";
import { ageOf, hoursBetween } from "./spans.ts";
import type { TenantReport } from "./report.ts";

/** Something that somebody should look at. */
export interface Attention {
  readonly severity: "critical" | "warning";
  /** Empty where it concerns the registry. */
  readonly tenant: string;
  readonly message: string;
}

/** Certificates are renewed a month before they end; what is left in less time is late. */
const [CERTIFICATE_WARNING_DAYS, CERTIFICATE_CRITICAL_DAYS] = [21, 7];
const QUOTA_SHARE = 0.9;

type Check = (tenant: TenantReport, now: Date, drillDays: number) => Attention[];

const backupIsFresh: Check = ({ id, state, backup, objective }, now) => {
  if (backup === undefined || state === "archived") return [];
  if (backup === null) return [{ severity: "critical", tenant: id, message: "has no verified backup" }];
  const limit = objective.backupMaxAgeMinutes / 60;
  return hoursBetween(backup.at, now) <= limit
    ? []
    : [
        {
          severity: "critical",
          tenant: id,
          message: `newest verified backup is ${ageOf(backup.at, now)} old; its plan allows ${limit} h`,
        },
      ];
};

const restoreIsProven: Check = ({ id, state, drill }, now, drillDays) => {
  if (drill === undefined || state === "archived") return [];
  if (drill === null)
    return [{ severity: "warning", tenant: id, message: "no restore was tried with success yet" }];
  return hoursBetween(drill.at, now) <= drillDays * 24
    ? []
    : [{ severity: "warning", tenant: id, message: `last restore drill was ${ageOf(drill.at, now)} ago` }];
};

const certificatesHold: Check = ({ id, certificates = [] }, now) =>
  certificates.flatMap(({ name, endsAt }): Attention[] => {
    if (endsAt === null) return [{ severity: "warning", tenant: id, message: `${name} is not issued yet` }];
    const days = -hoursBetween(endsAt, now) / 24;
    if (days > CERTIFICATE_WARNING_DAYS) return [];
    const message = days < 0 ? `${name} has ended` : `${name} ends in ${Math.floor(days)} days`;
    return [{ severity: days <= CERTIFICATE_CRITICAL_DAYS ? "critical" : "warning", tenant: id, message }];
  });

const quotaHasRoom: Check = ({ id, quota }) =>
  quota === undefined || quota === null || quota.share <= QUOTA_SHARE
    ? []
    : [
        {
          severity: "warning",
          tenant: id,
          message: `${quota.resource}: ${quota.used} of ${quota.hard} in use`,
        },
      ];

const nothingDrifted: Check = ({ id, drifted = 0 }) =>
  drifted === 0
    ? []
    : [
        {
          severity: "warning",
          tenant: id,
          message: `${drifted} ${drifted === 1 ? "resource differs" : "resources differ"} from the last up`,
        },
      ];

const registryIsApplied: Check = ({ id, plan, state, version, applied }) => {
  if (applied === undefined) return [];
  if (applied === null) return [{ severity: "warning", tenant: id, message: "is not deployed yet" }];
  const pending = [
    [applied.plan, plan],
    [applied.state, state],
    [applied.release, version],
  ].filter(([was, is]) => was !== is);
  return pending.length === 0
    ? []
    : [
        {
          severity: "warning",
          tenant: id,
          message: `waits for an up: ${pending.map(([was, is]) => `${was ?? ""} → ${is ?? ""}`).join(", ")}`,
        },
      ];
};

const objectiveIsMet: Check = ({ id, service, objective }) => {
  if (service === undefined || service === null || service.availability >= objective.availability) return [];
  const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
  return [
    {
      severity: "critical",
      tenant: id,
      message: `availability ${percent(service.availability)} over 30 days; its plan promises ${percent(objective.availability)}`,
    },
  ];
};

const checks: readonly Check[] = [
  backupIsFresh,
  restoreIsProven,
  certificatesHold,
  quotaHasRoom,
  nothingDrifted,
  registryIsApplied,
  objectiveIsMet,
];

/** What somebody should look at, the worst first. @param drillDays a restore is to be tried at least so often */
export function attentionOf(
  tenants: readonly TenantReport[],
  warnings: readonly Issue[],
  now: Date,
  drillDays: number,
): Attention[] {
  const found = [
    ...tenants.flatMap((tenant) => checks.flatMap((check) => check(tenant, now, drillDays))),
    ...warnings.map((issue): Attention => ({ severity: "warning", tenant: "", message: formatIssue(issue) })),
  ];
  return found.sort((a, b) => Number(b.severity === "critical") - Number(a.severity === "critical"));
}
