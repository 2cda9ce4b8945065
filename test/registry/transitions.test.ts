import { tenantOutputs } from "../../components/cell/outputs.ts";
import { buildBilling } from "../../billing/build.ts";
import { formatIssue } from "../../registry/issues.ts";
import { isReachable, STATES, TRANSITIONS } from "../../registry/lifecycle.ts";
import {
  appliedTenants,
  forbiddenChanges,
  forbiddenTransitions,
  shrinkingTenants,
} from "../../registry/transitions.ts";
import { CONTEXT, loadValid, registryOf } from "../support/registry.ts";

type Entries = readonly object[];

/** The issues of a change between two revisions. */
const change = (before: Entries, after: Entries): string[] =>
  forbiddenChanges(loadValid(registryOf(...before)), loadValid(registryOf(...after))).map(formatIssue);

/** The issues of an `up` after another. */
function up(before: Entries, after: Entries, context = CONTEXT): string[] {
  const last = loadValid(registryOf(...before), context);
  const outputs: unknown = JSON.parse(
    JSON.stringify({ tenants: tenantOutputs(last.tenants), billing: buildBilling(last, "test") }),
  );
  return forbiddenTransitions(
    appliedTenants(outputs as Record<string, unknown>),
    loadValid(registryOf(...after), context),
  ).map(formatIssue);
}

const acme = { id: "acme" };
const later = { since: "2026-06-01T00:00:00Z" };
const tombstone = (id: string) => ({
  id,
  state: "deleted",
  ...later,
  offboarding: {
    reason: "unpaid",
    purgeAfter: "2026-05-01T00:00:00Z",
    finalBackup: { id: `${id}-20260401T000000Z`, sha256: "4".repeat(64), verifiedAt: "2026-04-01T01:00:00Z" },
    confirm: `${id}.yourwarehousesaas.com`,
  },
});
const many = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, n) => ({ id: `tenant-${n}`, ...more }));

const REMOVED =
  "tenants/tenants.yaml beta: is live but no longer in the registry: removing or renaming an entry would destroy the tenant's data; put it back, ids never change (another name is a displayName)";

describe.each([
  ["between two runs", up],
  ["between two revisions", change],
])("a change %s", (_name, check) => {
  it("may add tenants, reorder them and do nothing", () => {
    expect(check([acme], [acme])).toEqual([]);
    expect(check([acme, { id: "beta" }], [{ id: "beta" }, { id: "gamma" }, acme])).toEqual([]);
  });

  it("may suspend and resume a tenant", () => {
    const suspended = { ...acme, ...later, state: "suspended" };
    expect(check([acme], [suspended])).toEqual([]);
    expect(check([suspended], [{ ...acme, since: "2026-07-01T00:00:00Z" }])).toEqual([]);
  });

  it("shrinks no volume, and keeps it where the registry says so", () => {
    const lower = { ...acme, ...later, plan: "ai_enhanced" };
    expect(check([acme], [lower])).toEqual([
      "tenants/tenants.yaml:18:44 acme.plan: would shrink the uploads volume from 100Gi to 50Gi, which no volume can; write uploadsVolume: 100Gi to keep it at its size",
    ]);
    const kept = { ...lower, uploadsVolume: "100Gi" };
    expect(check([acme], [kept])).toEqual([]);
    expect(check([kept], [{ ...kept, uploadsVolume: "80Gi" }])).toEqual([
      "tenants/tenants.yaml:18:86 acme.uploadsVolume: would shrink the uploads volume from 100Gi to 80Gi, which no volume can; write uploadsVolume: 100Gi to keep it at its size",
    ]);
    expect(check([acme], [{ ...acme, overrides: { storage: "60Gi" } }])).toEqual([
      "tenants/tenants.yaml:18:92 acme.overrides.storage: would shrink the uploads volume from 100Gi to 60Gi, which no volume can; write uploadsVolume: 100Gi to keep it at its size",
    ]);
    expect(check([{ ...acme, plan: "ai_enhanced" }], [{ ...acme, ...later }])).toEqual([]);
  });

  it("rotates credentials one by one", () => {
    const rotated = (rotation: number) => ({ ...acme, credentials: { rotation } });
    expect(check([acme], [rotated(1)])).toEqual([]);
    expect(check([rotated(1)], [rotated(3)])).toEqual([
      "tenants/tenants.yaml:18:95 acme.credentials.rotation: goes from 1 to 3 at once, which would replace the password that the pods use; write 2, apply it, then go on",
    ]);
    expect(check([rotated(2)], [rotated(1)])).toEqual([
      "tenants/tenants.yaml:18:95 acme.credentials.rotation: goes back from 2, whose passwords are in use; keep 2 or write 3 to rotate again",
    ]);
  });

  it("removes and renames no live tenant", () => {
    expect(check([acme, { id: "beta" }], [acme])).toEqual([REMOVED]);
    expect(check([acme, { id: "beta" }], [acme, { id: "beta-retail" }])).toEqual([REMOVED]);
  });

  it("says what looks like a renaming", () => {
    const billing = { subscriptionRef: "sub_1" };
    expect(check([acme, { id: "beta", billing }], [acme, { id: "beta-retail", billing }])).toEqual([
      'tenants/tenants.yaml beta: is live but no longer in the registry, where "beta-retail" has its subscription: this looks like a renaming, which would destroy the tenant\'s data; put the id back, ids never change (another name is a displayName)',
    ]);
  });

  it("removes no tombstone", () => {
    expect(check([acme, tombstone("gone")], [acme])).toEqual([
      "tenants/tenants.yaml gone: is a tombstone that is no longer in the registry: it keeps the id and its hosts from being given away again; put it back",
    ]);
  });

  it("brings no deleted tenant back", () => {
    expect(
      check([tombstone("gone")], [{ id: "gone", since: "2026-07-01T00:00:00Z", state: "active" }]),
    ).toEqual([
      "tenants/tenants.yaml:18:77 gone.state: a deleted tenant cannot come back as active; give a new tenant a new id",
    ]);
  });

  it("deletes no live tenant", () => {
    expect(check([acme], [tombstone("acme")])).toEqual([
      "tenants/tenants.yaml:18:77 acme.state: cannot go from active to deleted; from active it may become past_due or suspended or offboarding",
    ]);
  });

  it("suspends at most five tenants, or a tenth", () => {
    const suspended = (count: number, of: number) => [
      ...many(count, { state: "suspended", ...later }),
      ...many(of).slice(count),
    ];
    expect(check(many(8), suspended(5, 8))).toEqual([]);
    expect(check(many(8), suspended(6, 8))).toEqual([
      "tenants/tenants.yaml suspends or ends 6 of 8 live tenants at once (tenant-0, tenant-1, tenant-2, tenant-3, tenant-4, …); the most in one change is 5",
    ]);
    expect(check(many(80), suspended(8, 80))).toEqual([]);
    expect(check(many(80), suspended(9, 80))).toHaveLength(1);
  });

  it("does not move a tenant to another region", () => {
    const [west, east] = ["us-west-2", "eu-central-1"].map((region) => ({ ...acme, region }));
    expect(check([west ?? acme], [east ?? acme])).toEqual([
      "tenants/tenants.yaml:18:78 acme.region: would move the tenant from region us-west-2 to eu-central-1, but its data stays behind; keep region us-west-2",
    ]);
  });
});

describe("a change between two runs", () => {
  describe("in a move between placements", () => {
    const SUM = "4".repeat(64);
    const SINCE = "2026-01-01T00:00:00Z";
    const at = (phase: string, plan = "professional", from = "starter") => ({
      ...acme,
      plan,
      since: later.since,
      migration: {
        kind: "placement",
        from,
        phase,
        ...(phase === "soak" || phase === "cleanup" ? { checksum: SUM } : {}),
      },
    });
    const none = (plan: string) => ({ ...acme, plan, since: later.since });
    /** One run or one edit after the other; `since` is no matter here. */
    const step = (before: object, after: object): string[] =>
      up([before], [after]).map((issue) => issue.replace(/^\S+ /, ""));

    it.each([
      ["begins", none("starter"), at("prepare")],
      ["ends before it began", at("prepare"), none("starter")],
      ["goes on to sync", at("prepare"), at("sync")],
      ["goes back to prepare", at("sync"), at("prepare")],
      ["goes on to cutover", at("sync"), at("cutover")],
      ["goes back to sync", at("cutover"), at("sync")],
      ["goes on to soak", at("cutover"), at("soak")],
      ["turns round", at("soak"), at("cutover", "starter", "professional")],
      ["goes on to cleanup", at("soak"), at("cleanup")],
      ["ends", at("cleanup"), none("professional")],
      ["stays", at("soak"), at("soak")],
      ["cuts over again", at("soak"), at("cutover")],
      ["turns round at cutover", at("cutover"), at("cutover", "starter", "professional")],
      ["cleans up what is left", none("professional"), at("cleanup")],
    ])("%s", (_step, before, after) => {
      expect(step(before, after)).toEqual([]);
    });

    it.each([
      [
        "is left out",
        none("starter"),
        none("professional"),
        "acme.plan: would move the tenant from placement pool to bridge, which a change of plan alone does not do; add migration: { kind: placement, from: starter, phase: prepare }",
      ],
      [
        "begins in the middle",
        none("starter"),
        at("sync"),
        "acme.migration.phase: cannot begin with sync; begin with prepare and apply it",
      ],
      [
        "begins elsewhere",
        none("enterprise"),
        at("prepare"),
        "acme.migration.from: is starter, but the tenant's plan is enterprise; write enterprise",
      ],
      [
        "skips sync",
        at("prepare"),
        at("cutover"),
        "acme.migration.phase: cannot go from prepare to cutover; apply sync next",
      ],
      [
        "skips soak",
        at("cutover"),
        at("cleanup"),
        "acme.migration.phase: cannot go from cutover to cleanup; apply soak or sync next",
      ],
      [
        "forgets what was written in soak",
        at("soak"),
        at("sync"),
        "acme.migration.phase: cannot go from soak to sync; apply cleanup or cutover next, or back without loss by plan: starter and migration: { kind: placement, from: professional, phase: cutover }",
      ],
      [
        "goes back to what is deleted",
        at("cleanup"),
        at("soak"),
        "acme.migration.phase: cannot go from cleanup to soak; remove migration to end the move; a way back from professional is a move of its own",
      ],
      [
        "turns round too early",
        at("sync"),
        at("cutover", "starter", "professional"),
        "acme.migration.phase: cannot turn back from sync to cutover; a move turns round from cutover or soak, to cutover",
      ],
      [
        "ends in the middle",
        at("sync"),
        none("professional"),
        "acme.migration: was removed in phase sync, which would leave data behind; put it back: { kind: placement, from: starter, phase: sync }",
      ],
      [
        "ends on the wrong side",
        at("cleanup"),
        none("starter"),
        "acme.migration: ends with the plan starter, but in phase cleanup it ends with professional; write plan: professional",
      ],
      [
        "takes its plan back at the wrong side",
        at("prepare"),
        none("professional"),
        "acme.migration: ends with the plan professional, but in phase prepare it ends with starter; write plan: starter",
      ],
      [
        "changes its target",
        at("sync"),
        at("sync", "enterprise"),
        "acme.plan: changes while the tenant moves from starter to professional; end this move first",
      ],
      [
        "changes its source",
        at("sync", "enterprise"),
        at("sync", "enterprise", "professional"),
        "acme.migration.from: changes while the tenant moves from starter to enterprise; end this move first",
      ],
    ])("is refused when it %s", (_step, before, after, message) => {
      expect(step(before, after)).toEqual([message]);
    });

    it("is nothing for a new tenant", () => {
      expect(change([{ id: "beta" }], [{ id: "beta" }, at("prepare")])).toEqual([
        expect.stringContaining("acme.migration: is of a new tenant, which has nothing to move; remove it"),
      ]);
    });

    it("leaves billing's date alone until cutover, and wants a new one there", () => {
      const start = { ...none("starter"), since: SINCE };
      const dated = (phase: string, since: string) => ({ ...at(phase), since });
      expect(change([start], [dated("prepare", SINCE)])).toEqual([]);
      expect(change([dated("sync", SINCE)], [dated("cutover", later.since)])).toEqual([]);
      expect(change([dated("sync", SINCE)], [dated("cutover", SINCE)])).toEqual([
        expect.stringContaining("acme.since: stays the same although plan changes"),
      ]);
    });
  });

  it("does not move a tenant to another placement", () => {
    const applied = [{ id: "acme", placement: "bridge", plan: "professional" }];
    expect(forbiddenTransitions(applied, loadValid(registryOf(acme))).map(formatIssue)).toEqual([
      "tenants/tenants.yaml:18:44 acme.plan: would move the tenant from placement bridge to silo, which a change of plan alone does not do; add migration: { kind: placement, from: professional, phase: prepare }",
    ]);
  });

  it("does not move a tenant to another cell", () => {
    const context = { ...CONTEXT, cell: "west" };
    expect(up([acme], [{ ...acme, cell: "east" }], context)).toEqual([
      "tenants/tenants.yaml:18:76 acme.cell: would move the tenant from cell west to east, but its data stays behind; keep cell west",
    ]);
  });

  it("may sum up several edits", () => {
    expect(up([{ ...acme, state: "suspended" }], [{ ...acme, state: "past_due" }])).toEqual([]);
    expect(up([{ ...acme, state: "trial" }], [{ ...acme, state: "past_due" }])).toEqual([]);
  });

  it("knows no tenant before the first run, and none in outputs it cannot read", () => {
    expect(appliedTenants({})).toEqual([]);
    expect(appliedTenants({ tenants: "x", billing: [] })).toEqual([]);
    expect(appliedTenants({ tenants: { a: null, b: 1, c: { id: 2 }, d: { id: "d", plan: 3 } } })).toEqual([
      { id: "d" },
    ]);
    expect(forbiddenTransitions([], loadValid(registryOf({ ...acme, state: "suspended" })))).toEqual([]);
  });
});

describe("a change between two revisions", () => {
  it("takes one step of the lifecycle", () => {
    expect(change([{ ...acme, state: "suspended" }], [{ ...acme, ...later, state: "past_due" }])).toEqual([
      "tenants/tenants.yaml:18:77 acme.state: cannot go from suspended to past_due; from suspended it may become active or offboarding",
    ]);
  });

  it("starts tenants at the beginning", () => {
    expect(change([acme], [acme, { id: "beta", state: "suspended" }])).toEqual([
      "tenants/tenants.yaml:19:110 beta.state: a new entry cannot start suspended; start it as trial or active",
    ]);
    expect(change([acme], [acme, { id: "beta", state: "trial" }, tombstone("old")])).toEqual([]);
  });

  it("dates changes of plan and state", () => {
    expect(change([acme], [{ ...acme, state: "past_due" }])).toEqual([
      "tenants/tenants.yaml:18:14 acme.since: stays the same although state changes; write since when past_due holds",
    ]);
    expect(change([{ ...acme, plan: "ai_enhanced" }], [{ ...acme, since: "2025-01-01T00:00:00Z" }])).toEqual([
      "tenants/tenants.yaml:18:14 acme.since: goes back from 2026-01-01T00:00:00Z although plan changes; write since when it holds",
    ]);
    expect(change([acme], [{ ...acme, displayName: "ACME" }])).toEqual([]);
  });

  it("does not move a tenant to another cell", () => {
    expect(change([{ ...acme, cell: "west" }], [{ ...acme, cell: "east" }])).toEqual([
      "tenants/tenants.yaml:18:76 acme.cell: would move the tenant from cell west to east, but its data stays behind; keep cell west",
    ]);
  });
});

describe("shrinkingTenants", () => {
  it("are those whose quota falls in CPU or memory", () => {
    const specs = loadValid(
      registryOf({ id: "lower", plan: "ai_enhanced" }, { id: "higher" }, { id: "same" }, { id: "fresh" }),
    ).tenants;
    const [lower, higher, same] = specs.map(({ id, quota: { requests } }) => ({ id, quota: requests }));
    if (lower === undefined || higher === undefined || same === undefined) throw new Error("no specs");
    const applied = [{ id: "lower", quota: higher.quota }, { id: "higher", quota: lower.quota }, same];
    expect([...shrinkingTenants(applied, specs)]).toEqual(["lower"]);
    expect([...shrinkingTenants([{ id: "lower" }], specs)]).toEqual([]);
  });
});

describe("deletions", () => {
  const archived = (id: string, more: object = {}) => ({ id, state: "archived", ...more });

  it("take one tenant at a time, and none that was under legal hold", () => {
    const next = loadValid(registryOf(acme, tombstone("one"), tombstone("two")));
    expect(forbiddenTransitions([acme, archived("one"), archived("two")], next).map(formatIssue)).toEqual([
      "tenants/tenants.yaml deletes 2 tenants at once (one, two); delete one in a change",
    ]);
    expect(
      forbiddenTransitions([archived("one", { legalHold: true }), archived("two")], next).map(formatIssue),
    ).toContain(
      "tenants/tenants.yaml:19:76 one.state: is under legal hold before this change; lift the hold in a change of its own",
    );
  });
});

describe("the lifecycle", () => {
  it("ends nowhere but in deleted, and reaches deleted through archived alone", () => {
    expect(STATES.filter((state) => TRANSITIONS[state].length === 0)).toEqual(["deleted"]);
    expect(STATES.filter((state) => TRANSITIONS[state].includes("deleted"))).toEqual(["archived"]);
    expect(STATES.filter((state) => TRANSITIONS[state].includes("archived"))).toEqual(["offboarding"]);
  });

  it("skips no step towards deletion, however many edits lie between two runs", () => {
    const skipping = STATES.filter((state) => isReachable(state, "deleted"));
    expect(skipping).toEqual(["archived", "deleted"]);
    expect(STATES.filter((state) => isReachable(state, "archived"))).toEqual(["offboarding", "archived"]);
    expect(STATES.filter((state) => isReachable("deleted", state))).toEqual(["deleted"]);
  });

  it("serves an archived tenant only after a run in which it is suspended and can be restored", () => {
    expect(STATES.filter((state) => isReachable("archived", state))).toEqual([
      "suspended",
      "archived",
      "deleted",
    ]);
  });
});
