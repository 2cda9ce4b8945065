import { registrableDomain } from "./hosts.ts";
import type { Issue } from "./issues.ts";
import { platformHost } from "./naming.ts";
import type { RegisteredTenant } from "./rules/rule.ts";
import type { TenantEntry } from "./tenantSchema.ts";

/** Certificates that Let's Encrypt issues for a registered domain in a week. Renewals of the same names do not count. */
export const WEEKLY_CERTIFICATES = 50;
export const WEEK_MS = 7 * 86_400_000;

/** Share of them from which somebody should look ahead. */
const WARNING_SHARE = 0.8;

/** How hosts of a cell get their certificates. */
export type EdgeMode = "gateway" | "ingress";

export interface CertificateContext {
  /** The platform's domain. */
  readonly baseDomain: string;
  /** The mode of an entry's edge; undefined: its issuer is no public one, or one for trials, which has no such limit. */
  readonly modeOf: (entry: TenantEntry) => EdgeMode | undefined;
}

/** Names of an entry's certificate: through a Gateway only custom domains, as the wildcard covers the platform's. */
function certificateNames(entry: TenantEntry, { baseDomain, modeOf }: CertificateContext): readonly string[] {
  if (entry.state === "archived" || entry.state === "deleted") return [];
  const mode = modeOf(entry);
  if (mode === undefined) return [];
  const custom = entry.domains
    .filter(({ verification }) => verification === "verified")
    .map(({ host }) => host);
  return [...(mode === "ingress" ? [platformHost(entry.id, baseDomain)] : []), ...custom].sort();
}

/** Entries as they were a week ago, or the time from which entries are new where that is not known. */
export type Baseline = { readonly entries: readonly TenantEntry[] } | { readonly newSince: number };

/** Tenants whose certificate is new or changed within the week, by registered domain. */
export function weeklyCertificates(
  tenants: readonly RegisteredTenant[],
  before: Baseline,
  context: CertificateContext,
): ReadonlyMap<string, readonly RegisteredTenant[]> {
  const known =
    "entries" in before
      ? new Map(before.entries.map((entry) => [entry.id, certificateNames(entry, context).join()]))
      : undefined;
  const isNew = ({ entry }: RegisteredTenant, names: readonly string[]): boolean =>
    known !== undefined
      ? known.get(entry.id) !== names.join()
      : "newSince" in before && Date.parse(entry.since) >= before.newSince;
  const byDomain = new Map<string, RegisteredTenant[]>();
  for (const tenant of tenants) {
    const names = certificateNames(tenant.entry, context);
    if (names.length === 0 || !isNew(tenant, names)) continue;
    for (const domain of new Set(names.map(registrableDomain)))
      byDomain.set(domain, [...(byDomain.get(domain) ?? []), tenant]);
  }
  return byDomain;
}

/** A warning for each registered domain whose certificates of the week are nearly spent, or more than there are. */
export function certificateWarnings(
  tenants: readonly RegisteredTenant[],
  before: Baseline,
  context: CertificateContext,
): Issue[] {
  return [...weeklyCertificates(tenants, before, context)].flatMap(([domain, wanted]) => {
    const last = wanted.at(-1);
    if (last === undefined || wanted.length < WEEKLY_CERTIFICATES * WARNING_SHARE) return [];
    const over = wanted.length - WEEKLY_CERTIFICATES;
    const spent = `${wanted.length} tenants get new certificates for ${domain} within a week, of the ${WEEKLY_CERTIFICATES} that Let's Encrypt issues`;
    const message =
      over > 0
        ? `${spent}: ${over} will wait for up to a week; deploy them later, or serve platform hosts through a Gateway, whose wildcard covers them`
        : `${spent}: ${-over} are left`;
    return [{ ...last.issue(["id"], message), severity: "warning" as const }];
  });
}
