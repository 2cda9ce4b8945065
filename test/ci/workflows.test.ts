import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { plainReport } from "../../sandbox/lib/report.ts";
import { run } from "../../sandbox/lib/run.ts";
import { toolchainContext } from "../../sandbox/toolchain/context.ts";
import { obtainGoTool } from "../../sandbox/toolchain/goTools.ts";
import { buildCi } from "../../ci/program.ts";
import { processIo } from "../../cli/io.ts";
import { PROJECT } from "../support/registry.ts";

const FOLDER = ".github/workflows";
const texts = new Map(
  [
    ...readdirSync(join(PROJECT, FOLDER)).map((name) => `${FOLDER}/${name}`),
    ".github/actions/cell/action.yml",
  ].map((file) => [file, readFileSync(join(PROJECT, file), "utf8")]),
);

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "runs-on": string;
  readonly if?: string;
  readonly steps: readonly {
    readonly run?: string;
    readonly uses?: string;
    readonly with?: Readonly<Record<string, unknown>>;
  }[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, Job>>;
}
const workflows = [...texts]
  .filter(([file]) => file.startsWith(FOLDER))
  .map(([file, text]) => ({ file, ...(parse(text) as Workflow) }));
const jobs = workflows.flatMap(({ file, jobs: all }) =>
  Object.entries(all).map(([name, job]) => ({ file, name, job })),
);

describe("the workflows", () => {
  it("are accepted by actionlint", async () => {
    const { bin } = await obtainGoTool(
      toolchainContext(
        process.env,
        plainReport(() => undefined),
      ),
      "actionlint",
      () => undefined,
    );
    const files = [...texts.keys()].filter((file) => file.startsWith(FOLDER));
    const { code, stdout, stderr } = await run(
      join(bin, "actionlint"),
      ["-no-color", "-shellcheck=", "-pyflakes=", ...files],
      { cwd: PROJECT },
    );
    expect(stdout + stderr).toBe("");
    expect(code).toBe(0);
  }, 600_000);

  it("take no action but by its commit, and name its version", () => {
    const uses = [...texts.values()].flatMap((text) =>
      text.split("\n").filter((line) => /^\s*(?:- )?uses:/.test(line)),
    );
    expect(uses.length).toBeGreaterThan(10);
    for (const line of uses)
      expect(line).toMatch(/uses: (?:\.\/|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/);
  });

  it("run no code of a pull request with the rights of the base", () => {
    for (const workflow of workflows) {
      expect(Object.keys(workflow.on)).not.toContain("pull_request_target");
      expect(Object.keys(workflow.on)).not.toContain("workflow_run");
      expect(workflow.permissions).toEqual({});
    }
  });

  it("give a fork's pull request neither credentials nor a token that writes", () => {
    const writing = jobs.filter(
      ({ file, job }) =>
        file.endsWith("review.yml") && Object.values(job.permissions ?? {}).includes("write"),
    );
    expect(writing.map(({ name }) => name)).toEqual(["preview", "comment"]);
    for (const { job } of writing)
      expect(job.if).toContain("github.event.pull_request.head.repo.full_name == github.repository");
  });

  it("put nothing that people write into a script", () => {
    for (const { job } of jobs)
      for (const { run: script = "" } of job.steps) expect(script).not.toContain("${{");
  });

  it("leave no credentials of Git behind", () => {
    for (const { job } of jobs)
      for (const { uses, with: options } of job.steps)
        if (uses?.startsWith("actions/checkout") === true)
          expect(options?.["persist-credentials"]).toBe(false);
  });

  it("call only commands that there are", () => {
    const commands = new Set(buildCi(processIo(PROJECT)).commands.map((command) => command.name()));
    const called = [...texts.values()].flatMap((text) =>
      [...text.matchAll(/ ci -- (\S+)/g)].map(([, name]) => name ?? ""),
    );
    expect(new Set(called)).toEqual(new Set(["cells", "preview", "review", "up", "drift", "watch", "tools"]));
    for (const name of called) expect(commands).toContain(name);
  });
});
