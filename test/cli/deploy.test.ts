import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Call, Play } from "../support/fakePulumi.ts";
import { PROJECT } from "../support/registry.ts";
import { inProject, REGISTRY, type Project } from "./support.ts";

const stack = (cell: string): string =>
  `config:\n  warehouse:cell: ${cell}\n  warehouse:baseDomain: yourwarehousesaas.com\n`;

const FILES = {
  "Pulumi.yaml": "name: warehouse\n",
  "Pulumi.prod.yaml": stack("east"),
  "Pulumi.west.yaml": stack("west"),
  "tenants/tenants.yaml": REGISTRY.replace(
    "  - id: acme # the first",
    "  - id: acme # the first\n    cell: east",
  ).replace("  - id: beta", "  - id: beta\n    cell: west"),
};

const event = (more: object): string => JSON.stringify({ sequence: 1, timestamp: 1, ...more });
const step = (op: string): string => event({ resOutputsEvent: { metadata: { op, urn: "urn:x" } } });
const failure = (urn: string, message: string): string =>
  event({ diagnosticEvent: { urn, message: `error: ${message}\n`, severity: "error" } });

/** A project in Git with a stand-in for pulumi. */
async function inCells(
  plays: Readonly<Record<string, Play>>,
  test: (
    project: Project & {
      readonly run: (
        args: readonly string[],
        more?: Parameters<Project["tenant"]>[2],
        answer?: Parameters<Project["tenant"]>[1],
      ) => ReturnType<Project["tenant"]>;
      readonly calls: () => readonly Call[];
    },
  ) => Promise<void>,
): Promise<void> {
  await inProject(async (project) => {
    const folder = join(project.dir, ".fake");
    mkdirSync(folder);
    writeFileSync(join(folder, "plan.json"), JSON.stringify(plays));
    const script = join(PROJECT, "test/support/fakePulumi.ts");
    writeFileSync(
      join(folder, "pulumi"),
      `#!/bin/sh\nexec '${process.execPath}' '${script}' '${folder}' "$@"\n`,
    );
    chmodSync(join(folder, "pulumi"), 0o755);
    const git = (...args: readonly string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: project.dir });
    writeFileSync(join(project.dir, ".gitignore"), ".fake\n");
    git("init", "-q");
    git("add", ".");
    git("commit", "-qm", "all");
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"] ?? ""}` };
    await test({
      ...project,
      run: (args, more, answer) => project.tenant(args, answer, { env, ...more }),
      calls: () => {
        const file = join(folder, "calls");
        if (!existsSync(file)) return [];
        return readFileSync(file, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Call);
      },
    });
  }, FILES);
}

/** Stacks in the order in which their runs began. */
const begun = (calls: readonly Call[]): string[] =>
  calls.filter((call) => call.event === "begin").map((call) => call.stack);

const edit = ({ read, write }: Project, from: string, to: string): void => {
  expect(read()).toContain(from);
  write(read().replace(from, to));
};

describe("tenant up", () => {
  it("runs nothing where nothing changed, and says so", async () => {
    await inCells({}, async ({ run, calls }) => {
      const { code, err } = await run(["up", "--yes"]);
      expect([code, calls()]).toEqual([0, []]);
      expect(err.join("\n")).toMatch(
        /^no cell is touched since [0-9a-f]{12}, the merge base with HEAD; --all/,
      );
    });
  });

  it("limits the run to a tenant that stands alone, and runs the cells of others whole", async () => {
    await inCells({}, async (project) => {
      edit(project, "plan: ai_enhanced", "plan: ai_enhanced\n    displayName: Beta Retail");
      expect((await project.run(["up", "--yes"])).code).toBe(0);
      const [first] = project.calls();
      expect(first?.limit).toBe("beta");
      expect(first?.argv.slice(first.argv.indexOf("--target"))).toEqual([
        "--target",
        "urn:pulumi:west::warehouse::warehouse:tenancy:TenantStack::beta",
        "--target-dependents",
      ]);
      expect(begun(project.calls())).toEqual(["west"]);

      // A pool's directory names all its tenants.
      project.write(
        'id: gamma\nplan: starter\nsince: "2026-01-01T00:00:00Z"\ncell: east\n',
        "tenants/gamma.yaml",
      );
      expect((await project.run(["up", "--yes", "--parallel", "1"])).code).toBe(0);
      const later = project
        .calls()
        .slice(2)
        .filter((call) => call.event === "begin");
      expect(later.map((call) => [call.stack, call.limit])).toEqual([
        ["west", "beta"],
        ["prod", null],
      ]);
      expect((await project.run(["up", "--yes", "--whole"])).code).toBe(0);
      expect(
        project
          .calls()
          .slice(6)
          .map((call) => call.limit),
      ).toEqual([null, null, null, null]);
    });
  });

  it("runs cells at once, and what is done by each is summed up", async () => {
    const plays = {
      west: { meets: 2 },
      prod: { meets: 2, lines: [step("create"), step("create"), step("same"), step("update")] },
    };
    await inCells(plays, async ({ run, calls }) => {
      const { code, out, err } = await run(["up", "--all", "--yes"]);
      expect(code).toBe(0);
      expect(begun(calls()).sort()).toEqual(["prod", "west"]);
      expect([...err].sort()).toEqual([
        expect.stringMatching(/^east: 2 created, 1 updated, \d s$/),
        "east: up",
        expect.stringMatching(/^west: nothing changed, \d s$/),
        "west: up",
      ]);
      expect(out).toEqual([
        "CELL  STACK  RESULT  CREATED  UPDATED  REPLACED  DELETED  TIME",
        expect.stringMatching(/^west  west   done    0        0        0         0        \d s$/),
        expect.stringMatching(/^east  prod   done    2        1        0         0        \d s$/),
      ]);
    });
  });

  it("lets a cell's failure stop no other, and tells what failed without the values of Secrets", async () => {
    const urn = (type: string, name: string): string => `urn:pulumi:west::warehouse::${type}::${name}`;
    const west = {
      exitCode: 255,
      lines: [
        failure(urn("kubernetes:core/v1:Secret", "beta-secret"), "refused: password=hunter2"),
        failure(urn("kubernetes:apps/v1:Deployment", "beta-app"), "timed out"),
      ],
    };
    await inCells({ west }, async ({ run, calls }) => {
      const { code, out, err } = await run(["up", "--all", "--yes", "--parallel", "1"]);
      expect(code).toBe(1);
      expect(begun(calls())).toEqual(["west", "prod"]);
      expect(out.slice(1).map((line) => line.split(/ +/)[2])).toEqual(["failed", "done"]);
      expect(err).toContain("west: beta-app: timed out");
      expect(err).toContain("west: mend it, and run it whole: npx tenant up --cell west");
      expect([...out, ...err].join("\n")).not.toContain("hunter2");

      const hasty = await run(["up", "--all", "--yes", "--parallel", "1", "--fail-fast", "--json"]);
      expect(hasty.code).toBe(1);
      expect(begun(calls()).slice(2)).toEqual(["west"]);
      expect(JSON.parse(hasty.out.join("\n"))).toMatchObject([
        {
          cell: "west",
          result: "failed",
          limitedTo: null,
          errors: [expect.anything(), "beta-app: timed out"],
        },
        { cell: "east", result: "skipped", seconds: 0, errors: [] },
      ]);
    });
  });

  it("passes on what the backend says of a lock", async () => {
    const error =
      "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end";
    await inCells({ prod: { exitCode: 255, error } }, async ({ run }) => {
      const { code, err } = await run(["up", "--cell", "east", "--yes"]);
      expect(code).toBe(1);
      expect(err.join("\n")).toContain(`east: ${error.replace("error: ", "")}`);
    });
  });

  it("hands Ctrl-C to what runs, begins no further cell and ends with 130", async () => {
    await inCells({ west: { hangs: 1 } }, async ({ run, calls }) => {
      let interrupt: (() => void) | undefined;
      const ended = run(["up", "--all", "--yes", "--parallel", "1"], {
        onInterrupt: (action) => {
          interrupt = action;
          return () => undefined;
        },
      });
      while (begun(calls()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      // The stand-in has begun, and listens a moment later.
      await new Promise((resolve) => setTimeout(resolve, 300));
      interrupt?.();
      const { code, out } = await ended;
      expect(code).toBe(130);
      expect(calls().map((call) => `${call.stack} ${call.event}`)).toEqual(["west begin", "west end"]);
      expect(out.slice(1).map((line) => line.split(/ +/)[2])).toEqual(["interrupted", "skipped"]);
    });
  });

  it("asks after the review, and deploys nothing without a yes", async () => {
    const preview = JSON.stringify({ steps: [] });
    await inCells({ prod: { lines: [preview] } }, async ({ run, calls }) => {
      expect((await run(["up", "--cell", "east"])).err).toEqual([
        "this needs a confirmation: --yes gives it, `npx tenant preview` shows the change",
      ]);
      expect((await run(["up", "--cell", "east"], {}, () => false)).err.at(-1)).toBe("nothing was deployed");
      expect(calls().map((call) => call.argv[0])).toEqual(["preview", "preview"]);
      expect((await run(["up", "--cell", "east"], {}, () => true)).code).toBe(0);
      expect(
        calls()
          .slice(2)
          .map((call) => call.argv[0]),
      ).toEqual(["preview", "preview", "up", "up"]);
    });
  });

  it("refuses cells that there are not and options that contradict each other", async () => {
    await inCells({}, async ({ run }) => {
      expect(await run(["up", "--yes", "--cell", "south"])).toMatchObject({
        code: 2,
        err: ["no complete Pulumi.<stack>.yaml is the cell south; there are east, west"],
      });
      expect((await run(["up", "--yes", "--all", "--cell", "east"])).code).toBe(2);
      expect((await run(["up", "--yes", "--parallel", "0"])).code).toBe(2);
    });
  });
});

describe("tenant preview", () => {
  it("merges the previews of cells into one review, and fails with one that failed", async () => {
    const urn =
      "urn:pulumi:west::warehouse::warehouse:tenancy:TenantStack$kubernetes:apps/v1:Deployment::beta-app";
    const state = { type: "kubernetes:apps/v1:Deployment", custom: true, inputs: {} };
    const west = {
      lines: [JSON.stringify({ steps: [{ op: "update", urn, oldState: state, newState: state }] })],
    };
    const prod = { exitCode: 1, error: "error: no stack named 'prod' found" };
    await inCells({ west, prod }, async ({ run }) => {
      const { code, out } = await run(["preview", "--all", "--json"]);
      expect(code).toBe(1);
      expect(JSON.parse(out.join("\n"))).toMatchObject({
        verdict: "blocked",
        problems: [{ cell: "east", message: "no stack named 'prod' found" }],
        tenants: [{ id: "beta", cells: ["west"], counts: { update: 1 } }],
      });
      expect((await run(["preview", "--cell", "west"])).code).toBe(0);
    });
  });
});
