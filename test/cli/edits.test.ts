import { REGISTRY_FILE } from "../../registry/files.ts";
import { GAMMA, inProject, REGISTRY } from "./support.ts";

const NOW = "2026-11-23T12:00:00Z";
const WRITTEN = `${REGISTRY_FILE} is written`;

describe("tenant add", () => {
  it("writes the entry below the others", () =>
    inProject(async ({ tenant, read }) => {
      expect(
        await tenant(["add", "delta", "--plan", "ai_enhanced", "--trial-ends", "2026-12-31", "--ring", "1"]),
      ).toEqual({
        code: 0,
        out: [
          "delta is added: ai_enhanced, trial until 2026-12-31T00:00:00Z, on delta.yourwarehousesaas.com",
          WRITTEN,
        ],
        err: [],
      });
      expect(read()).toBe(
        `${REGISTRY}\n  - id: delta\n    plan: ai_enhanced\n    state: trial\n    since: "${NOW}"\n    trial: { endsAt: "2026-12-31T00:00:00Z" }\n    ring: 1\n`,
      );
    }));

  it("writes a file of its own", () =>
    inProject(async ({ tenant, read }) => {
      const args = [
        "add",
        "delta",
        "--plan",
        "enterprise",
        "--own-file",
        "--subscription-ref",
        "sub_1",
        "--display-name",
        "Delta: East",
      ];
      expect((await tenant(args)).code).toBe(0);
      expect(read("tenants/delta.yaml")).toBe(
        `# yaml-language-server: $schema=./tenant.schema.json\nid: delta\ndisplayName: "Delta: East"\nplan: enterprise\nsince: "${NOW}"\nbilling: { subscriptionRef: sub_1 }\n`,
      );
      expect(read()).toBe(REGISTRY);
    }));

  it("warns of what it brings about", () =>
    inProject(async ({ tenant }) => {
      expect((await tenant(["add", "delta", "--plan", "enterprise"])).err).toEqual([
        "warning: tenants/tenants.yaml:26:5 delta.billing: names no subscriptionRef, so the tenant is not charged",
      ]);
    }));

  it.each([
    [
      ["acme", "--plan", "enterprise"],
      '"acme" is already the id of the entry at tenants/tenants.yaml:13; ids are unique and never reused',
    ],
    [["www", "--plan", "enterprise"], '  www.id: "www" is reserved for the platform; choose another id'],
    [
      ["delta", "--plan", "enterprise", "--since", "soon"],
      '  delta.since: "soon" is no UTC time; write "2026-01-31T00:00:00Z"',
    ],
  ])("refuses %j and writes nothing", (args, message) =>
    inProject(async ({ tenant, read }) => {
      const { code, err } = await tenant(["add", ...args]);
      expect(code).toBe(1);
      expect(err).toContain(message);
      expect(read()).toBe(REGISTRY);
    }),
  );
});

describe("tenant plan", () => {
  it("tells what the change does a month", () =>
    inProject(async ({ tenant, read }) => {
      expect((await tenant(["plan", "beta", "enterprise"])).out).toEqual([
        `beta changes from ai_enhanced to enterprise from ${NOW} on; a month:`,
        "  price   $399.00 → $699.00  +$300.00",
        "  cost    $75.00 → $150.00   +$75.00",
        "  margin  $324.00 → $549.00  +$225.00  81.2 % → 78.5 %",
        WRITTEN,
      ]);
      expect(read()).toBe(
        REGISTRY.replace("plan: ai_enhanced", "plan: enterprise").replace("2025-11-01T00:00:00Z", NOW),
      );
    }));

  it("refuses another placement and says what to do", () =>
    inProject(async ({ tenant, read }) => {
      expect(await tenant(["plan", "acme", "starter", "--yes"])).toEqual({
        code: 1,
        out: [],
        err: [
          "acme cannot go from enterprise (placement silo) to starter (placement pool): a change of plan does not move its data.",
          "It can change to: ai_enhanced. For starter, add a new tenant under a new id, move the data and then end acme.",
        ],
      });
      expect(read()).toBe(REGISTRY);
    }));

  it("asks before a downgrade", () =>
    inProject(async ({ tenant, read }) => {
      const questions: string[] = [];
      const { code, err } = await tenant(["plan", "acme", "ai_enhanced"], (question) => {
        questions.push(question);
        return false;
      });
      expect(questions).toEqual(["Lower acme to ai_enhanced?"]);
      expect(code).toBe(1);
      expect(err).toContain("  the uploads volume stays at 100Gi: a volume never shrinks");
      expect(read()).toBe(REGISTRY);
    }));

  it("keeps the volume of a larger plan, until a plan is as large", () =>
    inProject(async ({ tenant, read }) => {
      const change = async (plan: string, since: string): Promise<void> => {
        expect(await tenant(["plan", "beta", plan, "--since", since, "--yes"])).toMatchObject({ code: 0 });
      };
      await change("enterprise", "2026-01-01T00:00:00Z");
      expect(read()).not.toContain("uploadsVolume");
      await change("ai_enhanced", "2026-02-01T00:00:00Z");
      expect(read()).toContain('    uploadsVolume: "100Gi"\n');
      await change("enterprise", "2026-03-01T00:00:00Z");
      expect(read()).not.toContain("uploadsVolume");
    }));
});

describe("tenant suspend and resume", () => {
  it("write state, since and reason, and take the reason back", () =>
    inProject(async ({ tenant, read }) => {
      const later = "2026-11-24T00:00:00Z";
      expect(
        (await tenant(["suspend", "beta", "--reason", "unpaid", "--mode", "payment_required", "--yes"])).code,
      ).toBe(0);
      const suspended = REGISTRY.replace(
        '    plan: ai_enhanced\n    since: "2025-11-01T00:00:00Z"\n',
        `    plan: ai_enhanced\n    state: suspended\n    since: "${NOW}"\n    suspension: { reason: unpaid, mode: payment_required }\n`,
      );
      expect(read()).toBe(suspended);
      expect(await tenant(["resume", "beta", "--since", later])).toMatchObject({
        code: 0,
        out: [`beta is active from ${later} on`, WRITTEN],
      });
      expect(read()).toBe(
        suspended
          .replace("state: suspended", "state: active")
          .replace("    suspension: { reason: unpaid, mode: payment_required }\n", "")
          .replace(NOW, later),
      );
    }));

  it("edit a tenant's own file", () =>
    inProject(
      async ({ tenant, read }) => {
        expect((await tenant(["suspend", "gamma", "--reason", "abuse", "--yes"])).out.at(-1)).toBe(
          "tenants/gamma.yaml is written",
        );
        expect(read("tenants/gamma.yaml")).toBe(
          GAMMA.replace(
            'since: "2026-01-01T00:00:00Z"\n',
            `state: suspended\nsince: "${NOW}"\nsuspension: { reason: abuse }\n`,
          ),
        );
        expect(read()).toBe(REGISTRY);
      },
      { "tenants/gamma.yaml": GAMMA },
    ));

  it("need a confirmation, which a script gives with --yes", () =>
    inProject(async ({ tenant, read }) => {
      expect(await tenant(["suspend", "acme", "--reason", "abuse"])).toEqual({
        code: 2,
        out: [],
        err: ["this needs a confirmation: --yes gives it, --dry-run shows the change"],
      });
      expect(read()).toBe(REGISTRY);
      expect((await tenant(["suspend", "acme", "--reason", "abuse"], () => true)).code).toBe(0);
    }));

  it("refuse a step that the lifecycle does not know", () =>
    inProject(async ({ tenant }) => {
      expect((await tenant(["resume", "acme"])).err).toEqual([
        "acme is active already, since 2025-10-01T00:00:00Z",
      ]);
    }));
});

describe("tenant offboard", () => {
  it("says what the rules say while they refuse it", () =>
    inProject(async ({ tenant, read }) => {
      expect(await tenant(["offboard", "acme", "--reason", "unpaid", "--yes"])).toEqual({
        code: 1,
        out: [],
        err: [
          "refused; nothing was written:",
          '  acme.state: "offboarding" is a state that this version cannot bring about yet; suspend the tenant instead',
        ],
      });
      expect(read()).toBe(REGISTRY);
    }));
});

describe("tenant promote", () => {
  it("changes the ring's line and names whom it reaches", () =>
    inProject(async ({ tenant, read }) => {
      expect(await tenant(["promote", "v2.2.0", "--ring", "1"])).toEqual({
        code: 0,
        out: ["ring 1 (early) goes from v2.1.0 to v2.2.0", "  no tenant changes its version", WRITTEN],
        err: [],
      });
      expect(read()).toBe(
        REGISTRY.replace('"1": { name: early, version: v2.1.0 }', '"1": { name: early, version: v2.2.0 }'),
      );
    }));

  it("refuses a ring that would be ahead of the one before it", () =>
    inProject(async ({ tenant, read }) => {
      expect((await tenant(["promote", "v2.2.0", "--ring", "2", "--yes"])).err).toEqual([
        "refused; nothing was written:",
        '  releases.rings.2.version: "v2.2.0" is newer than v2.1.0 of ring 1; promote ring 1 first',
      ]);
      expect(read()).toBe(REGISTRY);
    }));

  it("asks before ring 2", () =>
    inProject(async ({ tenant }) => {
      expect((await tenant(["promote", "v2.0.5", "--ring", "2"])).code).toBe(2);
      expect((await tenant(["promote", "v2.0.5", "--ring", "2", "--yes"])).out).toContain("  1 tenant: acme");
    }));
});

describe("tenant promote with a rollout under way", () => {
  const partWay = REGISTRY.replace(
    '"2": { name: general, version: v2.1.0 }',
    '"2": { name: general, version: v2.1.0, percent: 10, previous: v2.0.5 }',
  );

  it("waits for its end", () =>
    inProject(
      async ({ tenant }) => {
        expect((await tenant(["promote", "v2.0.5", "--ring", "2", "--yes"])).err).toEqual([
          "ring 2 is part-way: 10 % run v2.1.0; end that rollout first (remove percent and previous in tenants/tenants.yaml)",
        ]);
      },
      { [REGISTRY_FILE]: partWay },
    ));
});

describe("tenant pin and unpin", () => {
  it("write and remove the pin alone", () =>
    inProject(async ({ tenant, read }) => {
      expect(
        (await tenant(["pin", "acme", "v2.0.5", "--until", "2027-01-31", "--reason", "audit: Q1"])).code,
      ).toBe(0);
      const pinned = REGISTRY.replace(
        "    billing: { subscriptionRef: sub_acme }",
        '    pin: { version: v2.0.5, until: "2027-01-31", reason: "audit: Q1" }\n    billing: { subscriptionRef: sub_acme }',
      );
      expect(read()).toBe(pinned);
      expect((await tenant(["unpin", "acme"])).out).toEqual([
        "acme follows its ring again",
        "  v2.0.5 → v2.1.0",
        WRITTEN,
      ]);
      expect(read()).toBe(REGISTRY);
    }));

  it("change a pin that is there", () =>
    inProject(async ({ tenant, read }) => {
      await tenant(["pin", "beta", "v2.0.5", "--until", "2027-06-30", "--reason", "ERP freeze"]);
      expect(read()).toBe(REGISTRY.replace("2027-03-31", "2027-06-30"));
    }));
});

describe("tenant domain", () => {
  it("adds, verifies and removes a host", () =>
    inProject(async ({ tenant, read }) => {
      const host = "wms.acme.com";
      await tenant(["domain", "acme", "add", host]);
      const line = "    billing: { subscriptionRef: sub_acme }\n";
      const added = REGISTRY.replace(
        line,
        `    domains:\n      - { host: ${host}, verification: pending }\n${line}`,
      );
      expect(read()).toBe(added);
      await tenant(["domain", "acme", "verify", host]);
      expect(read()).toBe(added.replace("pending", "verified"));
      expect((await tenant(["domain", "acme", "remove", host])).code).toBe(2);
      await tenant(["domain", "acme", "remove", host, "--yes"]);
      expect(read()).toBe(REGISTRY);
    }));

  it("names the likely host", () =>
    inProject(async ({ tenant }) => {
      await tenant(["domain", "acme", "add", "wms.acme.com"]);
      expect((await tenant(["domain", "acme", "verify", "wms.acme.co"])).err).toEqual([
        'acme has no domain wms.acme.co; did you mean "wms.acme.com"?',
      ]);
    }));
});

describe("every edit", () => {
  it("prints the change and writes nothing on a dry run", () =>
    inProject(async ({ tenant, read }) => {
      expect((await tenant(["unpin", "beta", "--dry-run"])).out).toEqual([
        "--- a/tenants/tenants.yaml",
        "+++ b/tenants/tenants.yaml",
        "@@ -20,5 +20,4 @@",
        "     plan: ai_enhanced",
        '     since: "2025-11-01T00:00:00Z"',
        "     ring: 1",
        '-    pin: { version: v2.0.5, until: "2027-03-31", reason: ERP freeze }',
        "     billing: { subscriptionRef: sub_beta }",
      ]);
      expect(read()).toBe(REGISTRY);
    }));

  it("leaves a file alone that changed meanwhile", () =>
    inProject(async ({ tenant, read, write }) => {
      const { code, err } = await tenant(["suspend", "acme", "--reason", "abuse"], () => {
        write(`${REGISTRY}# somebody else\n`);
        return true;
      });
      expect(code).toBe(1);
      expect(err.at(-1)).toBe(
        "tenants.yaml was changed by somebody else meanwhile; nothing was written, run the command again",
      );
      expect(read()).toBe(`${REGISTRY}# somebody else\n`);
    }));

  it("keeps line endings and the byte order mark", () =>
    inProject(
      async ({ tenant, read }) => {
        expect((await tenant(["unpin", "beta"])).code).toBe(0);
        const line = '    pin: { version: v2.0.5, until: "2027-03-31", reason: ERP freeze }\n';
        expect(read()).toBe(`\ufeff${REGISTRY.replace(line, "").replaceAll("\n", "\r\n")}`);
      },
      { [REGISTRY_FILE]: `\ufeff${REGISTRY.replaceAll("\n", "\r\n")}` },
    ));

  it("keeps to the style of an entry written as JSON", () =>
    inProject(
      async ({ tenant, read }) => {
        expect((await tenant(["suspend", "acme", "--reason", "abuse", "--yes"])).code).toBe(0);
        expect(read()).toContain(
          `  - {"id":"acme","plan":"enterprise","state": "suspended", "since":"${NOW}", "suspension": {"reason":"abuse"}}\n`,
        );
      },
      {
        [REGISTRY_FILE]: `${REGISTRY.slice(0, REGISTRY.indexOf("  - id: acme"))}  - {"id":"acme","plan":"enterprise","since":"2026-01-01T00:00:00Z"}\n`,
      },
    ));

  it("names the likely tenant", () =>
    inProject(async ({ tenant }) => {
      expect(await tenant(["unpin", "betta"])).toEqual({
        code: 1,
        out: [],
        err: ['no tenant "betta" in the registry; did you mean "beta"?'],
      });
    }));

  it("does not begin with a registry that is wrong already", () =>
    inProject(
      async ({ tenant }) => {
        expect((await tenant(["unpin", "beta"])).err).toEqual([
          "1 problem in the input; nothing was changed:",
          '  tenants/tenants.yaml:15:11 acme.plan: "enterprize" is not allowed here; did you mean "enterprise"?',
        ]);
      },
      { [REGISTRY_FILE]: REGISTRY.replace("plan: enterprise", "plan: enterprize") },
    ));
});
