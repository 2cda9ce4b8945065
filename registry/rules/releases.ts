import { suggest } from "../issues.ts";
import { effectivePlan } from "../placement.ts";
import { compareVersions } from "../rollout.ts";
import { perTenant, type Finding, type Rule, type RuleInput } from "./rule.ts";

const RING_KEYS = ["0", "1", "2"] as const;

/** The version fields of all rings, with their paths. */
function ringVersions({ releases: { rings } }: RuleInput): { path: PropertyKey[]; version: string }[] {
  const previous = rings["2"].previous;
  return [
    ...RING_KEYS.map((ring) => ({
      path: ["releases", "rings", ring, "version"],
      version: rings[ring].version,
    })),
    ...(previous === undefined ? [] : [{ path: ["releases", "rings", "2", "previous"], version: previous }]),
  ];
}

const unreleased = (version: string, versions: readonly string[]): string =>
  `"${version}" is not in releases.versions; ${suggest(version, versions)}`;

/** Rings run versions that have been released. */
export const ringVersionsExist: Rule = (input) => {
  const { versions } = input.releases;
  return ringVersions(input)
    .filter(({ version }) => !Object.hasOwn(versions, version))
    .map(({ path, version }) => input.source.issue(path, unreleased(version, Object.keys(versions))));
};

/** Pins name versions that have been released. */
export const pinnedVersionsExist: Rule = perTenant(({ pin }, { releases: { versions } }) => [
  pin !== undefined && !Object.hasOwn(versions, pin.version)
    ? { path: ["pin", "version"], message: unreleased(pin.version, Object.keys(versions)) }
    : undefined,
]);

/** A version proves itself in one ring before it reaches the next. */
export const ringsAreOrdered: Rule = ({ releases: { rings }, source }) =>
  ([1, 2] as const).flatMap((ring) => {
    const [before, own] = [rings[`${ring === 1 ? 0 : 1}`], rings[`${ring}`]];
    const candidates = [
      { field: "version", version: own.version },
      ...(ring === 2 ? [{ field: "previous", version: rings["2"].previous }] : []),
    ];
    return candidates.flatMap(({ field, version }) =>
      version !== undefined && compareVersions(version, before.version) > 0
        ? [
            source.issue(
              ["releases", "rings", String(ring), field],
              `"${version}" is newer than ${before.version} of ring ${ring - 1}; promote ring ${ring - 1} first`,
            ),
          ]
        : [],
    );
  });

/** A percentage says what it divides between. */
export const percentHasPrevious: Rule = ({ releases: { rings }, source }) => {
  const { percent, previous, version } = rings["2"];
  const at = (field: string, message: string) => [
    source.issue(["releases", "rings", "2", field], message, "key"),
  ];
  if (percent !== undefined && previous === undefined)
    return at("percent", "needs previous, the version of the tenants outside it; add previous");
  if (percent === undefined && previous !== undefined)
    return at("previous", "has no effect without percent; remove it or add percent");
  if (previous === version)
    return at("previous", `is the same as version (${version}); remove previous and percent`);
  return [];
};

/** Only some plans let a customer stay on a version. */
export const pinsWithinPlan: Rule = perTenant((entry, { catalogue }): (Finding | undefined)[] => {
  const { pin } = entry;
  const { entitlements, displayName } = catalogue.plans[effectivePlan(entry)];
  return [
    pin !== undefined && !entitlements.versionPin
      ? { path: ["pin"], message: `${displayName} includes no pins; remove it or raise the plan`, at: "key" }
      : undefined,
  ];
});
