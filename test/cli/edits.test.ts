import { REGISTRY_FILE } from "../../registry/files.ts";
import { GAMMA, inProject, REGISTRY, type Outcome } from "./support.ts";

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

  it("begins a move to a plan with another placement, which takes effect later", () =>
    inProject(async ({ tenant, read }) => {
      expect(await tenant(["plan", "acme", "starter", "--since", "2026-01-01"])).toMatchObject({
        code: 2,
        err: [
          "starter has another placement, so it takes effect at cutover: `npx tenant move acme cutover --since …`",
        ],
      });
      expect(await tenant(["plan", "acme", "starter"])).toEqual({
        code: 0,
        out: [
          "acme begins to move from enterprise (silo) to starter (pool), and is served and billed as enterprise until its cutover; a month:",
          "  price   $699.00 → $99.00  -$600.00",
          "  cost    $150.00 → $15.00  -$135.00",
          "  margin  $549.00 → $84.00  -$465.00  78.5 % → 84.8 %",
          "  after `pulumi up`: npx tenant move acme sync (docs/runbooks/move-a-tenant.md)",
          WRITTEN,
        ],
        err: [],
      });
      expect(read()).toBe(
        REGISTRY.replace("    plan: enterprise\n", "    plan: starter\n").replace(
          / {4}billing: \{ subscriptionRef: sub_acme.*\n/,
          (line) => `${line}    migration: { kind: placement, from: enterprise, phase: prepare }\n`,
        ),
      );
      expect(await tenant(["plan", "acme", "professional"])).toMatchObject({
        code: 1,
        err: ["acme moves to starter already; `npx tenant move acme back` takes that back"],
      });
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

describe("tenant move", () => {
  const SUM = "4".repeat(64);
  /** Runs commands one after the other on a tenant that moves; hands over the last outcome and the entry. */
  const inMove = (commands: readonly string[], check: (project: { last: Outcome; entry: string }) => void) =>
    inProject(async ({ tenant, read }) => {
      await tenant(["add", "zoe", "--plan", "starter", "--since", "2026-01-01"]);
      let last = await tenant(["plan", "zoe", "professional"]);
      for (const command of commands) {
        expect(last).toMatchObject({ code: 0 });
        last = await tenant(["move", "zoe", ...command.split(" "), "--yes"]);
      }
      check({ last, entry: /- id: zoe\n(?: {4}.*\n)+/.exec(read())?.[0] ?? "" });
    });
  const migration = (text: string): string | undefined => /migration: (.*)/.exec(text)?.[1];
  const plan = (text: string): string | undefined => /plan: (.*)/.exec(text)?.[1];
  const THERE = ["sync", "cutover", `soak --checksum ${SUM}`];

  it("copies while the old plan serves", () =>
    inMove(["sync"], ({ last, entry }) => {
      expect(last.out).toEqual([
        "zoe is copied to professional while starter serves",
        "  after `pulumi up`: npx tenant move zoe cutover",
        WRITTEN,
      ]);
      expect(entry).toContain("2026-01-01T00:00:00Z");
      expect(migration(entry)).toBe("{ kind: placement, from: starter, phase: sync }");
    }));

  it("records the checksum in soak, and ends", async () => {
    await inMove(["sync", "cutover"], ({ last, entry }) => {
      expect(last.out).toContain(
        "  after `pulumi up`: kubectl logs -n customer-zoe job/warehouse-move   and   npx tenant move zoe soak --checksum <what it prints>",
      );
      expect(entry).toContain(`since: "${NOW}"`);
    });
    await inMove(THERE, ({ entry }) => {
      expect(migration(entry)).toBe(`{ kind: placement, from: starter, phase: soak, checksum: "${SUM}" }`);
    });
    await inMove([...THERE, "cutover"], ({ entry }) => {
      expect(migration(entry)).toBe("{ kind: placement, from: starter, phase: cutover }");
    });
    await inMove([...THERE, "cleanup", "end"], ({ last, entry }) => {
      expect(last.out[0]).toBe("zoe has moved from starter to professional");
      expect([plan(entry), migration(entry)]).toEqual(["professional", undefined]);
    });
  });

  it("goes back from every phase but the last", async () => {
    await inMove(["back"], ({ entry }) => {
      expect([plan(entry), migration(entry)]).toEqual(["starter", undefined]);
    });
    await inMove(["sync", "back"], ({ entry }) => {
      expect(migration(entry)).toContain("phase: prepare");
    });
    await inMove(["sync", "cutover --since 2026-05-01", "back"], ({ entry }) => {
      expect(migration(entry)).toContain("phase: sync");
      expect(entry).toContain(`since: "${NOW}"`);
    });
    await inMove(["sync", "cutover --since 2026-05-01", `soak --checksum ${SUM}`, "back"], ({ entry }) => {
      expect([plan(entry), migration(entry)]).toEqual([
        "starter",
        "{ kind: placement, from: professional, phase: cutover }",
      ]);
    });
    await inMove([...THERE, "cleanup", "back"], ({ last }) => {
      expect(last).toMatchObject({ code: 1 });
      expect(last.err[0]).toContain("zoe has nothing to go back to: what starter held is deleted");
    });
  });

  it("leaves out no phase", () =>
    inMove(["cutover"], ({ last, entry }) => {
      expect(last.code).toBe(1);
      expect(last.err.join("\n")).toContain("cannot go from prepare to cutover; apply sync next");
      expect(migration(entry)).toContain("phase: prepare");
    }));

  it("wants the checksum that the cutover printed", async () => {
    await inMove(["sync", "cutover", "soak"], ({ last }) => {
      expect(last).toMatchObject({
        code: 2,
        err: [
          "soak needs --checksum, which the cutover printed: kubectl logs -n customer-zoe job/warehouse-move",
        ],
      });
    });
    await inMove(["sync", "cutover", "soak --checksum abc"], ({ last }) => {
      expect(last).toMatchObject({ code: 2, err: ["--checksum abc is no SHA-256"] });
    });
  });

  it("asks before nobody is served, and before data is deleted", () =>
    inProject(async ({ tenant }) => {
      const asked: string[] = [];
      const no = (question: string): boolean => {
        asked.push(question);
        return false;
      };
      await tenant(["add", "zoe", "--plan", "starter", "--since", "2026-01-01"]);
      await tenant(["plan", "zoe", "professional"]);
      await tenant(["move", "zoe", "sync"]);
      expect(await tenant(["move", "zoe", "cutover"], no)).toMatchObject({ code: 1 });
      await tenant(["move", "zoe", "cutover", "--yes"]);
      await tenant(["move", "zoe", "soak", "--checksum", SUM]);
      expect(await tenant(["move", "zoe", "cleanup"], no)).toMatchObject({ code: 1 });
      expect(asked).toEqual([
        "Stop serving zoe until its data is moved?",
        "Delete what starter held of zoe? There is no way back after it.",
      ]);
    }));

  it("needs a move", () =>
    inProject(async ({ tenant }) => {
      expect(await tenant(["move", "acme", "sync"])).toMatchObject({
        code: 1,
        err: ["acme does not move; `npx tenant plan acme <plan>` begins a move"],
      });
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
  it("keeps the data for the days of grace unless another day is said", () =>
    inProject(async ({ tenant, read }) => {
      expect(await tenant(["offboard", "acme", "--reason", "unpaid", "--yes"])).toEqual({
        code: 0,
        out: [
          "acme leaves (unpaid) from 2026-11-23T12:00:00Z on: nobody is served, data is kept until 2026-12-23T12:00:00Z",
          WRITTEN,
        ],
        err: [],
      });
      expect(read()).toContain(
        'offboarding: { reason: unpaid, purgeAfter: "2026-12-23T12:00:00Z", export: return }',
      );
    }));

  it("says what the rules say where they refuse it", () =>
    inProject(async ({ tenant, read }) => {
      const early = ["--purge-after", "2026-12-01"];
      expect(await tenant(["offboard", "acme", "--reason", "unpaid", "--yes", ...early])).toEqual({
        code: 1,
        out: [],
        err: [
          "refused; nothing was written:",
          "  acme.offboarding.purgeAfter: is less than 30 days after since (2026-11-23T12:00:00Z); the customer may come back",
        ],
      });
      expect(read()).toBe(REGISTRY);
    }));
});

describe("tenant delete", () => {
  it("takes an archived tenant alone", () =>
    inProject(async ({ tenant, read }) => {
      expect(await tenant(["delete", "acme", "--yes"])).toEqual({
        code: 1,
        out: [],
        err: ["acme is active; this takes a tenant that is archived"],
      });
      expect(read()).toBe(REGISTRY);
    }));

  it("repeats the host, and keeps the evidence", () => {
    const block =
      'offboarding: { reason: unpaid, purgeAfter: "2026-05-01T00:00:00Z", finalBackup: { id: acme-20260401T000000Z, sha256: "4444444444444444444444444444444444444444444444444444444444444444", verifiedAt: "2026-04-01T01:00:00Z" } }';
    return inProject(async ({ tenant, read, write }) => {
      const archived = REGISTRY.replace(
        "  - id: acme # the first\n",
        `  - id: acme # the first\n    state: archived\n    ${block}\n`,
      );
      write(archived);
      const { code, out } = await tenant(["delete", "acme", "--yes"]);
      expect({ code, out }).toEqual({
        code: 0,
        out: ["acme is deleted by the next `pulumi up`: its database, files, backups and exports", WRITTEN],
      });
      expect(read()).toContain(block.replace(" } }", " }, confirm: acme.yourwarehousesaas.com }"));
    });
  });
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
