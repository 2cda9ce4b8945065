import { PLAN_NAMES } from "./catalogue.ts";
import { CELL_SIZE, cellSizes } from "./cells.ts";
import { hasPublicSuffix, registrableDomain } from "./hosts.ts";
import type { Issue } from "./issues.ts";
import { isLive } from "./lifecycle.ts";
import { planMargin } from "./margins.ts";
import { hasOwnApp } from "./placement.ts";
import { compareVersions, ringVersion } from "./rollout.ts";
import { perTenant, type Finding, type RegisteredTenant, type RuleInput } from "./rules/rule.ts";
import type { TenantEntry } from "./tenantSchema.ts";

/** Something that stops nothing but that somebody should look at. Warnings alone may know the time. */
export type Warning = (input: RuleInput, now: Date) => readonly Issue[];

const DAY = 86_400_000;

/** A warning that looks at one entry at a time. */
const aboutTenants =
  (check: (entry: TenantEntry, input: RuleInput, now: Date) => Finding | undefined): Warning =>
  (input, now) =>
    perTenant((entry) => [check(entry, input, now)])(input);

/** A pin is meant to end. */
export const pinHasExpired: Warning = aboutTenants(({ pin, state }, _input, now) =>
  pin !== undefined && isLive(state) && now.getTime() >= Date.parse(pin.until) + DAY
    ? { path: ["pin", "until"], message: `the pin ended on ${pin.until} but still holds; lift or extend it` }
    : undefined,
);

/** A trial does not end by itself. */
export const trialHasEnded: Warning = aboutTenants(({ trial }, _input, now) =>
  trial !== undefined && now.getTime() >= Date.parse(trial.endsAt)
    ? {
        path: ["trial", "endsAt"],
        message: `the trial ended at ${trial.endsAt}; set state active, suspended or offboarding`,
      }
    : undefined,
);

/** A pin to the ring's own version keeps nothing back, until the ring moves on. */
export const pinHasNoEffect: Warning = aboutTenants((entry, { releases, defaults }) => {
  const { version } = ringVersion(entry, releases, defaults);
  return entry.pin?.version === version
    ? { path: ["pin"], message: `has no effect: the ring runs ${version} too; lift it`, at: "key" }
    : undefined;
});

/** A pin ahead of ring 0 runs what nobody has tried. */
export const pinIsAheadOfRings: Warning = aboutTenants(({ pin }, { releases: { rings } }) =>
  pin !== undefined && compareVersions(pin.version, rings["0"].version) > 0
    ? {
        path: ["pin", "version"],
        message: `${pin.version} is newer than ring 0 (${rings["0"].version}): no ring has tried it`,
      }
    : undefined,
);

/** A pool runs one version for all its tenants. */
export const ringHasNoEffect: Warning = aboutTenants(({ ring, plan }, { catalogue }) => {
  const { placement, displayName } = catalogue.plans[plan];
  return ring !== undefined && !hasOwnApp(placement)
    ? {
        path: ["ring"],
        message: `has no effect: all tenants of ${displayName} run what ring 2 runs; remove it`,
        at: "key",
      }
    : undefined;
});

/** Billing's effectiveAt lies ahead. */
export const sinceIsAhead: Warning = aboutTenants(({ since }, _input, now) =>
  Date.parse(since) > now.getTime()
    ? { path: ["since"], message: `${since} is in the future; plan and state hold at once all the same` }
    : undefined,
);

/** Somebody is served for nothing. */
export const tenantIsNotBilled: Warning = aboutTenants(({ state, billing }) =>
  (state === "active" || state === "past_due") && billing.subscriptionRef === undefined
    ? { path: ["billing"], message: "names no subscriptionRef, so the tenant is not charged", at: "key" }
    : undefined,
);

/** No certificate is issued for a host outside public suffixes. */
export const domainHasNoSuffix: Warning = ({ tenants }) =>
  eachDomain(tenants, ({ tenant, host, path }) =>
    hasPublicSuffix(host)
      ? undefined
      : tenant.issue(
          path,
          `"${host}" is below no public suffix: no public certificate will be issued for it`,
        ),
  );

/** Two tenants under one registered domain can set cookies for each other. */
export const domainsShareOwner: Warning = ({ tenants }) => {
  const owners = new Map<string, RegisteredTenant>();
  return eachDomain(tenants, ({ tenant, host, path }) => {
    const domain = registrableDomain(host);
    const first = owners.get(domain) ?? tenant;
    owners.set(domain, first);
    return first === tenant
      ? undefined
      : tenant.issue(
          path,
          `"${host}" shares the domain ${domain} with "${first.entry.id}" at ${first.place}: each could set cookies for the other`,
        );
  });
};

function eachDomain(
  tenants: readonly RegisteredTenant[],
  check: (domain: { tenant: RegisteredTenant; host: string; path: PropertyKey[] }) => Issue | undefined,
): Issue[] {
  return tenants.flatMap((tenant) =>
    tenant.entry.domains.flatMap(
      ({ host }, at) => check({ tenant, host, path: ["domains", at, "host"] }) ?? [],
    ),
  );
}

/** A plan costs more than it brings. */
export const planLosesMoney: Warning = ({ catalogue, catalogueSource }) =>
  PLAN_NAMES.flatMap((name) => {
    const { displayName, priceMinor, cost } = catalogue.plans[name];
    return planMargin(catalogue.plans[name]).marginMinor < 0
      ? [
          catalogueSource.issue(
            ["plans", name, "cost", "totalMinor"],
            `${displayName} costs ${cost.totalMinor} and brings ${priceMinor}: it loses money`,
          ),
        ]
      : [];
  });

/** A cell grows too large to update at once. */
export const cellIsCrowded: Warning = ({ tenants, defaults, source }) => {
  const { byCell, unassigned } = cellSizes(tenants, defaults);
  const sizes = byCell.size === 0 ? new Map([["", 0]]) : byCell;
  return [...sizes]
    .map(([cell, own]) => [cell, own + unassigned] as const)
    .filter(([, size]) => size > CELL_SIZE.preferred)
    .map(([cell, size]) =>
      source.issue(
        ["tenants"],
        `${cell === "" ? "the cell" : `cell ${cell}`} has ${size} tenants; beyond ${CELL_SIZE.preferred}, new ones are better in another cell`,
        "key",
      ),
    );
};

/** Every warning by its name. */
export const warningRules = {
  pinHasExpired,
  trialHasEnded,
  pinHasNoEffect,
  pinIsAheadOfRings,
  ringHasNoEffect,
  sinceIsAhead,
  tenantIsNotBilled,
  domainHasNoSuffix,
  domainsShareOwner,
  planLosesMoney,
  cellIsCrowded,
} as const satisfies Readonly<Record<string, Warning>>;

export const warnings: Warning = (input, now) =>
  Object.values(warningRules)
    .flatMap((warning) => warning(input, now))
    .map((issue) => ({ ...issue, severity: "warning" }));
