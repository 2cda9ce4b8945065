import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Call, Play } from "../support/fakePulumi.ts";
import { PROJECT } from "../support/registry.ts";
import { DENIED, startBucket, type SmallBucket } from "../support/smallBucket.ts";
import { stackFile } from "../support/stackFile.ts";
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
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  await inProject(
    async (project) => {
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
      const path = `${folder}${delimiter}${process.env["PATH"] ?? ""}`;
      const env = { ...process.env, PATH: path, PULUMI_STACK: undefined };
      await test({
        ...project,
        run: (args, more, answer) => project.tenant(args, answer, { env, ...more }),
        calls: () => {
          const file = join(folder, "calls");
          if (!existsSync(file)) return [];
          // Complete lines: one may be being written.
          const lines = readFileSync(file, "utf8").match(/.+(?=\n)/g) ?? [];
          return lines.map((line) => JSON.parse(line) as Call);
        },
      });
    },
    { ...FILES, ...files },
  );
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

  it("tries once more what fails by chance, and nothing else", async () => {
    const chance = failure(
      "urn:pulumi:west::warehouse::k:Job::beta",
      "resourcequotas: the object has been modified; try again",
    );
    const lines = [step("create"), chance, failure("", "update failed")];
    await inCells({ west: { exitCode: 1, lines } }, async (project) => {
      edit(project, "plan: ai_enhanced", "plan: ai_enhanced\n    displayName: Beta Retail");
      const { code, out, err } = await project.run(["up", "--yes"]);
      expect(code).toBe(1);
      const runs = project.calls().filter((call) => call.event === "begin");
      expect(runs.map(({ limit }) => limit)).toEqual(["beta", "beta"]);
      expect(out[1]).toMatch(/^west  west   failed  2 /);
      expect(err.join("\n")).toContain("west: tried again after: beta: resourcequotas: the object has been");
    });
    const other = failure("urn:pulumi:west::warehouse::p:Role::beta", "permission denied");
    await inCells({ west: { exitCode: 1, lines: [...lines, other] } }, async ({ run, calls }) => {
      expect((await run(["up", "--yes", "--cell", "west"])).code).toBe(1);
      expect(begun(calls())).toEqual(["west"]);
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

const MANY = Array.from({ length: 10 }, (_, n) => `new-${n}`);
const entries = (ids: readonly string[], cell = "west"): string =>
  ids
    .map(
      (id) =>
        `\n  - id: ${id}\n    plan: ai_enhanced\n    cell: ${cell}\n    since: "2026-01-01T00:00:00Z"\n    billing: { subscriptionRef: sub_${id} }\n`,
    )
    .join("");

/** What a run prints once it has begun. */
const BEGUN = '{"sequence":0,"timestamp":1}';

/** With a bucket that holds some objects, and a registry that brings tenants. */
async function withBucket(
  objects: Readonly<Record<string, string>>,
  play: Play,
  test: (
    project: Parameters<Parameters<typeof inCells>[1]>[0] & { readonly bucket: SmallBucket["objects"] },
  ) => Promise<void>,
  { identity = "{ kind: staticKeys, secret: { namespace: ops, name: keys } }", ids = ["new-0"] } = {},
): Promise<void> {
  const bucket = await startBucket(objects);
  const backup = (/backup: (.*)/.exec(stackFile())?.[1] ?? "").replace(
    /identity: \{.*?\}/,
    `identity: ${identity}`,
  );
  const aws = `{ endpoint: "http://127.0.0.1:${bucket.port}" }`;
  try {
    await inCells(
      { west: { outputs: { tenants: {} }, ...play } },
      async (project) => {
        project.write(project.read() + entries(ids));
        await test({ ...project, bucket: bucket.objects });
      },
      { "Pulumi.west.yaml": stackFile({ cell: "west", backup, aws }) },
    );
  } finally {
    await bucket.close();
  }
}

const before = { ...process.env };
beforeAll(() => {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });
});
afterAll(() => {
  process.env = before;
});

/** What each of the notes holds. */
const notes = (bucket: SmallBucket["objects"]): unknown[] =>
  Object.entries(bucket).flatMap(([key, content]) =>
    key.startsWith("arrivals/west/")
      ? [
          (JSON.parse(content) as { readonly tenants: readonly { readonly id: string }[] }).tenants.map(
            ({ id }) => id,
          ),
        ]
      : [],
  );

describe("tenant up of many new tenants", () => {
  const beta = { id: "beta", plan: "ai_enhanced", state: "active", rotation: 0 };
  const passes = (calls: readonly Call[]) =>
    calls
      .filter(({ event }) => event === "begin")
      .map(({ argv, limit, unsaved }) => [argv.includes("--exclude-dependents"), limit, unsaved]);

  const POD_IDENTITY = { identity: "{ kind: podIdentity, cluster: prod }", ids: MANY };

  it("makes what cannot be taken over first, and the rest without writing the state at each step", async () => {
    const play = { outputs: { tenants: { beta } }, lines: [step("create"), step("create")] };
    await withBucket(
      {},
      play,
      async ({ run, calls, bucket }) => {
        const { code, out, err } = await run(["up", "--yes"]);
        // Two passes take less time than one that is limited to them: the run is whole from the start.
        expect([err[0], code, passes(calls())]).toEqual([
          "west: up",
          0,
          [
            [true, null, null],
            [false, null, "true"],
          ],
        ]);
        expect(out[1]).toMatch(/^west  west   done    4        0 /);
        const [first] = calls();
        expect(first?.argv).toContain(
          "urn:pulumi:west::warehouse::warehouse:tenancy:TenantStack$kubernetes:core/v1:Secret::**",
        );
        expect(bucket).toEqual({});
      },
      POD_IDENTITY,
    );
  });

  it("notes them for the second pass, whatever the identity", async () => {
    await withBucket(
      {},
      { lines: [BEGUN], writesNothing: true, exitCode: 1, firstPassCode: 0 },
      async ({ run, bucket }) => {
        expect((await run(["up", "--yes"])).code).toBe(1);
        // Of beta the state has no record that all was brought about.
        expect(notes(bucket)).toEqual([["beta", ...MANY]]);
      },
      POD_IDENTITY,
    );
  });

  it("is limited to them with access keys", async () => {
    await withBucket(
      {},
      {},
      async ({ run, calls }) => {
        expect((await run(["up", "--yes"])).code).toBe(0);
        expect(passes(calls())).toEqual([[false, MANY.join(","), "true"]]);
      },
      { ids: MANY },
    );
  });

  it("writes the state at each step of the second pass where the first could not make something", async () => {
    await withBucket(
      {},
      { exitCode: 1 },
      async ({ run, calls }) => {
        expect((await run(["up", "--yes"])).code).toBe(1);
        expect(passes(calls())).toEqual([
          [true, null, null],
          [false, null, null],
        ]);
      },
      POD_IDENTITY,
    );
  });

  it.each([1, 0])("begins no second pass after Ctrl-C in the first, which ends with %i", async (hangs) => {
    await withBucket(
      {},
      { hangs },
      async ({ run, calls }) => {
        const { code } = await run(["up", "--yes"], {
          onInterrupt: (interrupt) => {
            const timer = setInterval(() => {
              if (calls().length === 0) return;
              clearInterval(timer);
              interrupt();
            }, 50);
            return () => undefined;
          },
        });
        expect([code, passes(calls())]).toEqual([130, [[true, null, null]]]);
      },
      POD_IDENTITY,
    );
  });
});

describe("tenant up of a tenant that is new", () => {
  const urn = "urn:pulumi:west::warehouse::warehouse:tenancy:TenantStack::new-0";
  const role = {
    op: "create",
    urn: `${urn}-ro`,
    newState: {
      ...{ urn: `${urn}-ro`, type: "postgresql:index/role:Role", parent: urn },
      inputs: { name: "warehouse_new_0_ro", password: "[secret]" },
    },
  };
  const digest = JSON.stringify({
    steps: [{ op: "create", urn, newState: { urn, type: "warehouse:tenancy:TenantStack" } }, role],
  });
  const noted = (...ids: string[]) => ({
    "arrivals/west/1.json": JSON.stringify({ tenants: ids.map((id) => ({ id, plan: "ai_enhanced" })) }),
  });
  const TAKEN_OVER = "west: the run that brought a tenant was killed: took over what it had made";

  const runs = (calls: readonly Call[]) =>
    calls
      .filter(({ event }) => event === "begin")
      .map(({ argv, limit, unsaved }) => [argv.slice(0, 2).join(" "), limit, unsaved]);
  const once = ["up --yes", "new-0", "true"];

  it("writes the state once, and leaves no note", async () => {
    await withBucket({}, {}, async ({ run, calls, bucket }) => {
      expect((await run(["up", "--yes"])).code).toBe(0);
      expect(runs(calls())).toEqual([once]);
      expect(bucket).toEqual({});
    });
  });

  it("notes it while the run is under way", async () => {
    await withBucket({}, { hangs: 1 }, async ({ run, calls, bucket }) => {
      let during: unknown;
      const { code } = await run(["up", "--yes"], {
        onInterrupt: (interrupt) => {
          const timer = setInterval(() => {
            if (calls().length === 0) return;
            clearInterval(timer);
            during = notes(bucket);
            interrupt();
          }, 50);
          return () => undefined;
        },
      });
      expect([code, during]).toEqual([130, [["new-0"]]]);
      expect(bucket).toEqual({});
    });
  });

  it("keeps the note where the engine ended without writing the state, and only there", async () => {
    for (const writesNothing of [true, false]) {
      const play = { exitCode: 1, writesNothing, lines: [BEGUN] };
      await withBucket({}, play, async ({ run, bucket }) => {
        expect((await run(["up", "--yes"])).code).toBe(1);
        expect(notes(bucket)).toEqual(writesNothing ? [["new-0"]] : []);
      });
    }
  });

  it("keeps no note where the engine did not begin, as for a lock", async () => {
    const play = { exitCode: 255, writesNothing: true, error: "error: the stack is currently locked" };
    await withBucket({}, play, async ({ run, bucket }) => {
      expect((await run(["up", "--yes"])).code).toBe(1);
      expect(bucket).toEqual({});
    });
  });

  it("deploys nothing for a tenant that is to have another plan than the killed run gave it", async () => {
    const objects = { "arrivals/west/1.json": '{ "tenants": [{ "id": "new-0", "plan": "starter" }] }' };
    await withBucket(objects, { lines: [digest] }, async ({ run, calls, bucket }) => {
      const { code, err } = await run(["up", "--yes"]);
      expect([code, err.join("\n")]).toEqual([
        1,
        expect.stringContaining(
          "west: a run was killed that brought new-0 with plan starter: write that plan again, deploy it, and change it then",
        ),
      ]);
      expect(runs(calls()).map(([command]) => command)).toEqual(["preview --json"]);
      expect(bucket).toEqual(objects);
    });
  });

  it("does not touch a note that it cannot read", async () => {
    const objects = { "arrivals/west/1.json": "[" };
    await withBucket(objects, {}, async ({ run, calls, bucket }) => {
      const { code, err } = await run(["up", "--yes"]);
      expect([code, err.join("\n")]).toEqual([
        0,
        expect.stringContaining("arrivals/west/1.json in the bucket is no note of a run"),
      ]);
      expect(runs(calls())).toEqual([["up --yes", "new-0", null]]);
      expect(bucket).toEqual(objects);
    });
  });

  it("takes over what an earlier run made that was killed before it wrote the state", async () => {
    const twice = { ...noted("new-0"), "arrivals/west/2.json": noted("new-0")["arrivals/west/1.json"] };
    await withBucket(twice, { lines: [digest] }, async ({ run, calls, dir, bucket }) => {
      const { code, err } = await run(["up", "--yes"]);
      expect([code, err]).toEqual([0, expect.arrayContaining([TAKEN_OVER])]);
      expect(runs(calls())).toEqual([
        ["preview --json", null, null],
        ["stack import", null, null],
        ["refresh --yes", null, "true"],
        once,
      ]);
      const imported = readFileSync(join(dir, ".fake/imported.json"), "utf8");
      expect(JSON.parse(imported)).toMatchObject({
        deployment: {
          resources: [
            ...[{ type: "pulumi:pulumi:Stack" }, { urn }],
            { id: "warehouse_new_0_ro", inputs: { name: "warehouse_new_0_ro" } },
          ],
        },
      });
      expect(imported).not.toContain("[secret]");
      expect(bucket).toEqual({});
    });
  });

  it("does so in any other run too, and after runs by hand that failed on it", async () => {
    const resources = [{ urn, type: "warehouse:tenancy:TenantStack" }];
    await withBucket(noted("new-0"), { lines: [digest], resources }, async ({ run, calls, bucket }) => {
      expect((await run(["up", "--yes", "--whole"])).code).toBe(0);
      expect(runs(calls()).map(([command, , unsaved]) => [command, unsaved])).toEqual([
        ["preview --json", null],
        ["stack import", null],
        ["refresh --yes", "true"],
        ["up --yes", null],
      ]);
      expect(bucket).toEqual({});
    });
  });

  it("tells of tenants that are no longer in the registry, and keeps them noted", async () => {
    await withBucket(noted("new-0", "gone"), { lines: [digest] }, async ({ run, bucket }) => {
      const { err } = await run(["up", "--yes"]);
      expect(err).toContain(
        "west: gone is not in the registry: what was made for it is left; put it back, deploy, and take it out again",
      );
      expect(notes(bucket)).toEqual([["gone"]]);
    });
  });

  it("keeps the note where not all could be planned, and writes the state at each change", async () => {
    const { steps } = JSON.parse(digest) as { readonly steps: readonly object[] };
    const diagnostics = [{ urn: "urn:x::y::z::beta-app", message: "error: denied", severity: "error" }];
    const play = { previewCode: 255, lines: [JSON.stringify({ steps, diagnostics })] };
    await withBucket(noted("new-0"), play, async ({ run, calls, bucket }) => {
      const { code, err } = await run(["up", "--yes"]);
      expect([code, err]).toEqual([0, expect.arrayContaining([TAKEN_OVER])]);
      expect(runs(calls()).at(-1)).toEqual(["up --yes", "new-0", null]);
      expect(notes(bucket)).toEqual([["new-0"]]);
    });
  });

  it("deploys nothing where that cannot be taken over, and says why", async () => {
    const play = { exitCode: 255, error: "error: the stack is currently locked by 1 lock(s)" };
    await withBucket(noted("new-0"), play, async ({ run, calls, bucket }) => {
      const { code, err } = await run(["up", "--yes"]);
      expect(code).toBe(1);
      expect(err.join("\n")).toContain("west: the stack is currently locked by 1 lock(s)");
      expect(runs(calls()).map(([command]) => command)).toEqual(["preview --json"]);
      expect(notes(bucket)).toEqual([["new-0"]]);
    });
  });

  it("writes the state at each change where the bucket cannot be asked", async () => {
    await withBucket({ [DENIED]: "" }, {}, async ({ run, calls }) => {
      expect((await run(["up", "--yes"])).code).toBe(0);
      expect(runs(calls())).toEqual([["up --yes", "new-0", null]]);
    });
  });
});

describe("tenant up of cells of which one makes what the other uses", () => {
  const FLEET = {
    "Pulumi.prod.yaml": stackFile(),
    "Pulumi.west.yaml": stackFile({
      cell: "west",
      qualifier: "west",
      operations: '"false"',
      backup: (/backup: (.*)/.exec(stackFile())?.[1] ?? "").replace("{ ", "{ manage: false, "),
    }),
  };
  const order = (calls: readonly Call[]): string[] => calls.map(({ stack, event }) => `${stack} ${event}`);
  const up = ["up", "--all", "--yes"];

  it("lets the other wait until it is up for the first time, and not again", async () => {
    await inCells(
      {},
      async ({ run, calls }) => {
        for (const parallel of ["1", "4"]) {
          const before = calls().length;
          expect((await run([...up, "--parallel", parallel])).code).toBe(0);
          expect(order(calls().slice(before))).toEqual(["prod begin", "prod end", "west begin", "west end"]);
        }
      },
      FLEET,
    );
    const outputs = { tenants: {} };
    await inCells(
      { prod: { outputs, meets: 2 }, west: { outputs, meets: 2 } },
      async ({ run, calls }) => {
        expect((await run(up)).code).toBe(0);
        expect(begun(calls()).sort()).toEqual(["prod", "west"]);
        expect(order(calls()).slice(0, 2)).not.toContain("prod end");
      },
      FLEET,
    );
  });

  it("lets the other begin as soon as that is there, while it goes on", async () => {
    const namespace = (component: string): string =>
      event({
        resOutputsEvent: {
          metadata: {
            op: "create",
            urn: `urn:pulumi:prod::warehouse::warehouse:tenancy:${component}$kubernetes:core/v1:Namespace::x`,
          },
        },
      });
    // Each goes on until the other has begun.
    const lines = [namespace("Operations"), namespace("TenantStack")];
    await inCells(
      { prod: { lines, meets: 2 }, west: { meets: 2 } },
      async ({ run, calls }) => {
        expect((await run(up)).code).toBe(0);
        expect(order(calls()).slice(0, 2)).toEqual(["prod begin", "west begin"]);
      },
      FLEET,
    );
  });

  it("begins the other after its failure, unless asked not to", async () => {
    await inCells(
      { prod: { exitCode: 1 } },
      async ({ run, calls }) => {
        expect((await run(up)).code).toBe(1);
        expect((await run([...up, "--fail-fast"])).code).toBe(1);
        expect(begun(calls())).toEqual(["prod", "west", "prod"]);
      },
      FLEET,
    );
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
