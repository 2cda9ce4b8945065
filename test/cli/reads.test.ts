import { REGISTRY_FILE } from "../../registry/files.ts";
import { ORIGINS } from "../../cli/origins.ts";
import { GAMMA, inProject, REGISTRY } from "./support.ts";

describe("tenant list", () => {
  it("shows one line a tenant, of all files", () =>
    inProject(
      async ({ tenant }) => {
        expect((await tenant(["list"])).out).toEqual([
          "ID     PLAN         STATE   SINCE       RING  VERSION  HOST",
          "acme   enterprise   active  2025-10-01  2     v2.1.0   acme.yourwarehousesaas.com",
          "beta   ai_enhanced  active  2025-11-01  1     v2.0.5*  beta.yourwarehousesaas.com",
          "gamma  enterprise   active  2026-01-01  0     v2.2.0   gamma.yourwarehousesaas.com",
        ]);
      },
      { "tenants/gamma.yaml": GAMMA },
    ));

  it("filters by plan and state", () =>
    inProject(async ({ tenant }) => {
      expect((await tenant(["list", "--plan", "ai_enhanced", "--ids"])).out).toEqual(["beta"]);
      expect(await tenant(["list", "--state", "suspended"])).toEqual({
        code: 0,
        out: [],
        err: ["no tenant is like that"],
      });
      expect(await tenant(["list", "--state", "suspended", "--json"])).toEqual({
        code: 0,
        out: ["[]"],
        err: [],
      });
    }));

  it("says who serves a tenant that moves, and where it goes", () =>
    inProject(async ({ tenant }) => {
      await tenant(["plan", "acme", "starter"]);
      expect((await tenant(["list"])).out[1]).toMatch(/^acme {2}enterprise → starter: prepare {2}active/);
      expect((await tenant(["list", "--plan", "enterprise", "--ids"])).out).toEqual(["acme"]);
      const [first] = JSON.parse((await tenant(["list", "--json"])).out.join("\n")) as unknown[];
      expect(first).toMatchObject({
        plan: "enterprise",
        move: { from: "enterprise", to: "starter", phase: "prepare" },
      });
      const shown = (await tenant(["show", "acme"])).out.map((line) => line.replaceAll(/ +/g, " "));
      expect(shown).toEqual(
        expect.arrayContaining(["placement plan enterprise silo", "move.other.plan entry starter"]),
      );
    }));

  it("prints JSON for programs", () =>
    inProject(async ({ tenant }) => {
      const [first] = JSON.parse((await tenant(["list", "--json"])).out.join("\n")) as unknown[];
      expect(first).toEqual({
        id: "acme",
        displayName: "ACME Corp",
        plan: "enterprise",
        move: null,
        state: "active",
        since: "2025-10-01T00:00:00Z",
        ring: 2,
        version: "v2.1.0",
        pinned: false,
        host: "acme.yourwarehousesaas.com",
        place: "tenants/tenants.yaml:13",
      });
    }));
});

describe("tenant show", () => {
  it("says where each value comes from", () =>
    inProject(async ({ tenant }) => {
      const { out } = await tenant(["show", "beta"]);
      const lines = out.map((line) => line.replaceAll(/ +/g, " "));
      expect(lines).toEqual(
        expect.arrayContaining([
          "FIELD FROM VALUE FOR beta",
          "displayName built-in beta",
          "placement plan ai_enhanced silo",
          "ring entry 1",
          "release.version pin until 2027-03-31 v2.0.5",
          "uploadsBytes plan ai_enhanced 50Gi",
          "entry: tenants/tenants.yaml:19",
        ]),
      );
      const acme = (await tenant(["show", "acme"])).out.map((line) => line.replaceAll(/ +/g, " "));
      expect(acme).toContain("release.version ring 2 (general) v2.1.0");
    }));

  it("knows the origin of every value", () =>
    inProject(async ({ tenant }) => {
      const shown = JSON.parse((await tenant(["show", "acme", "--json"])).out.join("\n")) as {
        readonly origins: Readonly<Record<string, string>>;
        readonly spec: object;
      };
      expect(shown.spec).toMatchObject({ id: "acme", release: { version: "v2.1.0" } });
      await tenant(["plan", "acme", "starter"]);
      const moving = JSON.parse((await tenant(["show", "acme", "--json"])).out.join("\n")) as typeof shown;
      for (const [path, origin] of Object.entries({ ...shown.origins, ...moving.origins }))
        expect([path, ORIGINS]).toEqual([path, expect.arrayContaining([origin])]);
      expect(Object.keys(shown.origins).length).toBeGreaterThan(30);
    }));
});

describe("tenant lint", () => {
  const broken = REGISTRY.replace("plan: enterprise", "plan: enterprize").replace("id: beta", "id: beta:x");

  it("counts what it found", () =>
    inProject(async ({ tenant }) => {
      expect(await tenant(["lint"])).toEqual({ code: 0, out: ["2 tenants, 0 errors, 0 warnings"], err: [] });
    }));

  it("exits with 1 on errors", () =>
    inProject(
      async ({ tenant }) => {
        const { code, out } = await tenant(["lint"]);
        expect(code).toBe(1);
        expect(out).toEqual([
          'error tenants/tenants.yaml:15:11 acme.plan: "enterprize" is not allowed here; did you mean "enterprise"?',
          expect.stringMatching(/^error tenants\/tenants\.yaml:19:9 beta:x\.id: /),
          "2 errors, 0 warnings",
        ]);
      },
      { [REGISTRY_FILE]: broken },
    ));

  it("annotates for GitHub", () =>
    inProject(
      async ({ tenant }) => {
        expect((await tenant(["lint", "--github"])).out[0]).toBe(
          '::error file=tenants/tenants.yaml,line=15,col=11::acme.plan: "enterprize" is not allowed here; did you mean "enterprise"?',
        );
      },
      { [REGISTRY_FILE]: broken },
    ));

  it("lets warnings pass unless it is strict", () =>
    inProject(
      async ({ tenant }) => {
        const { code, out } = await tenant(["lint"]);
        expect([code, out]).toEqual([
          0,
          [
            "warning tenants/tenants.yaml:23:36 beta.pin.until: the pin ended on 2026-03-31 but still holds; lift or extend it",
            "2 tenants, 0 errors, 1 warning",
          ],
        ]);
        expect((await tenant(["lint", "--strict"])).code).toBe(1);
        expect(JSON.parse((await tenant(["lint", "--json"])).out.join("\n"))).toMatchObject({
          errors: [],
          warnings: [{ file: "tenants/tenants.yaml", line: 23, column: 36, severity: "warning" }],
        });
      },
      { [REGISTRY_FILE]: REGISTRY.replace("2027-03-31", "2026-03-31") },
    ));
});

describe("the base domain", () => {
  it("comes from the stack that is named", () =>
    inProject(
      async ({ tenant }) => {
        const host = async (...args: readonly string[]) =>
          (await tenant(["list", ...args])).out[1]?.split(/ +/).at(-1);
        expect(await host()).toBe("acme.yourwarehousesaas.com");
        expect(await host("--stack", "dev")).toBe("acme.dev.example.com");
        expect(await host("--base-domain", "x.example.com")).toBe("acme.x.example.com");
        expect(await tenant(["list", "--stack", "prd"])).toMatchObject({
          code: 2,
          err: ["Pulumi.prd.yaml has no warehouse:baseDomain; name another --stack or give --base-domain"],
        });
      },
      { "Pulumi.dev.yaml": "config:\n  warehouse:baseDomain: dev.example.com\n" },
    ));
});

describe("a wrong call", () => {
  it.each([
    [["suspnd"], "error: unknown command 'suspnd'"],
    [["add", "delta"], "error: required option '--plan <plan>' not specified"],
    [["show"], "error: missing required argument 'id'"],
    [["suspend", "acme", "--reason", "x"], "error: option '--reason <reason>' argument 'x' is invalid."],
  ])("%j exits with 2", (args, message) =>
    inProject(async ({ tenant }) => {
      const { code, err } = await tenant(args);
      expect(code).toBe(2);
      expect(err.join("\n")).toContain(message);
    }),
  );

  it("is not a call for help", () =>
    inProject(async ({ tenant }) => {
      expect((await tenant(["--help"])).code).toBe(0);
      expect((await tenant(["help", "add"])).code).toBe(0);
      expect((await tenant([])).code).toBe(2);
    }));
});
