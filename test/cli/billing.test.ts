import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { billingOf } from "../support/billing.ts";
import { inProject, type Project } from "./support.ts";

const ONE = { id: "one", billing: { subscriptionRef: "sub_1" } };
const west = billingOf("west", ONE);
const east = billingOf("east", { id: "two", plan: "starter", state: "trial" });

const inFolder = (test: (project: Project, file: (name: string) => string) => Promise<void>): Promise<void> =>
  inProject(async (project) => {
    const file = (name: string): string => join(project.dir, name);
    writeFileSync(file("west.json"), JSON.stringify(west));
    writeFileSync(file("east.json"), JSON.stringify(east));
    await test(project, file);
  });

describe("npx tenant billing", () => {
  it("prints revenue, cost and margin of all cells", () =>
    inFolder(async ({ tenant }, file) => {
      expect(await tenant(["billing", file("west.json"), file("east.json")])).toMatchObject({
        code: 0,
        out: [
          "TENANT  CELL  PLAN        STATE   PRICE    COST     MARGIN",
          "one     west  enterprise  active  $699.00  $150.00  78.5 %",
          "two     east  starter     trial   -        $15.00   -",
          "",
          "1 billable: $699.00 a month, estimated cost $165.00, margin $534.00 (76.4 %)",
        ],
      });
    }));

  it("prints the events since earlier outputs, and as requests", () =>
    inFolder(async ({ tenant }, file) => {
      const suspended = billingOf("west", { ...ONE, state: "suspended", since: "2026-02-01T00:00:00Z" });
      writeFileSync(file("now.json"), JSON.stringify(suspended));
      const args = ["billing", file("now.json"), "--since", file("west.json")];
      expect((await tenant(args)).out).toEqual([
        "paused  one  2026-02-01T00:00:00Z  enterprise $699.00 → enterprise $699.00",
      ]);
      const { out } = await tenant([...args, "--for", "stripe"]);
      expect(JSON.parse(out.join("\n"))).toMatchObject([
        { path: "/v1/subscriptions/sub_1", body: { "pause_collection[behavior]": "void" } },
      ]);
    }));

  it("refuses to take a cell that is left out for the end of its tenants", () =>
    inFolder(async ({ tenant }, file) => {
      const { code, err } = await tenant(["billing", file("east.json"), "--since", file("west.json")]);
      expect([code, err]).toEqual([
        1,
        ["one: in the earlier outputs only; was a cell left out? Tombstones stay."],
      ]);
    }));

  it("compares with an export", () =>
    inFolder(async ({ tenant }, file) => {
      const head = "subscription,tenant,status,amount_minor,currency\n";
      writeFileSync(file("good.csv"), `${head}sub_1,,active,69900,usd\n`);
      writeFileSync(file("bad.csv"), `${head}sub_1,,active,69900,usd\nsub_9,one,active,69900,usd\n`);
      expect(await tenant(["billing", "reconcile", file("good.csv"), file("west.json")])).toMatchObject({
        code: 0,
        out: ["1 subscriptions charge what is due"],
      });
      const twice = await tenant(["billing", "reconcile", file("bad.csv"), file("west.json")]);
      expect(twice.code).toBe(1);
      expect(twice.out).toEqual([
        "double charge  one  sub_1, sub_9  2 subscriptions charge: 69900 USD and 69900 USD",
      ]);
      const { out } = await tenant(["billing", "reconcile", file("bad.csv"), file("west.json"), "--json"]);
      expect(JSON.parse(out.join("\n"))).toMatchObject([{ kind: "double_charge" }]);
    }));

  it("says what is missing", () =>
    inFolder(async ({ tenant }, file) => {
      expect(await tenant(["billing"])).toMatchObject({
        code: 2,
        err: ["name files with the output, or --stack"],
      });
      expect((await tenant(["billing", file("none.json")])).code).toBe(2);
      expect((await tenant(["billing", file("west.json"), "--for", "lago"])).err).toEqual([
        "--for maps events: name earlier outputs by --since",
      ]);
    }));
});
