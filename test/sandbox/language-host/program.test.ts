import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installedPackages, requiredPlugins } from "../../../sandbox/language-host/packages.ts";
import {
  commandLine,
  environment,
  type ProgramRun,
  runProgram,
  splitArgs,
} from "../../../sandbox/language-host/program.ts";

const run: ProgramRun = {
  monitor: "127.0.0.1:1",
  engine: "127.0.0.1:2",
  project: "p",
  stack: "dev",
  organization: "",
  pwd: "/work",
  dryRun: true,
  parallel: 8,
  folder: "/work",
  entryPoint: "index.ts",
  args: [],
  config: { "aws:region": "us-west-2", "p:nested": "{}" },
  secretKeys: ["p:nested"],
  options: { typescript: false, nodeargs: '--stack-trace-limit=0 --title "a b"' },
};

describe("a program run", () => {
  it("is given the engine's addresses and the runtime options", () => {
    expect(commandLine(run, "/sdk/run")).toEqual([
      "--stack-trace-limit=0",
      "--title",
      "a b",
      "/sdk/run",
      ...["--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:2", "--project", "p", "--stack", "dev"],
      ...["--pwd", "/work", "--dry-run", "--parallel", "8", "index.ts"],
    ]);
  });

  it("is given its configuration in the environment", () => {
    expect(environment(run)).toEqual({
      PULUMI_CONFIG: '{"aws:config:region":"us-west-2","p:config:nested":"{}"}',
      PULUMI_CONFIG_SECRET_KEYS: '["p:nested"]',
      PULUMI_NODEJS_TYPESCRIPT: "false",
    });
    expect(environment({ ...run, options: {} }).PULUMI_NODEJS_TYPESCRIPT).toBe("true");
  });

  it("splits arguments as a shell does", () => {
    expect(splitArgs(`a --b="c d" 'e f'`)).toEqual(["a", "--b=c d", "e f"]);
    expect(splitArgs("")).toEqual([]);
  });
});

describe("in a project folder", () => {
  let folder: string;
  const write = (path: string, content: unknown): void => {
    const file = join(folder, path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "program-"));
    write("package.json", { dependencies: { "@pulumi/aws": "*", yaml: "*", missing: "*" } });
    write("node_modules/@pulumi/aws/package.json", {
      name: "@pulumi/aws",
      version: "7.0.0",
      pulumi: { resource: true, name: "aws", version: "7.0.1" },
    });
    write("node_modules/yaml/package.json", { name: "yaml", version: "2.0.0" });
    write("node_modules/@pulumi/pulumi/cmd/run/index.js", "process.exit(Number(process.argv.at(-1)))");
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("finds the plugins its dependencies need", () => {
    expect(requiredPlugins(folder)).toEqual([{ name: "aws", version: "7.0.1", server: undefined }]);
    expect(requiredPlugins(join(folder, "node_modules", "yaml"))).toEqual([]);
    expect(installedPackages(folder)).toEqual([
      { name: "@pulumi/aws", version: "7.0.0" },
      { name: "yaml", version: "2.0.0" },
    ]);
  });

  it.each([
    ["0", { error: "", bail: false }],
    ["32", { error: "", bail: true }],
    ["3", { error: "Program exited with non-zero exit code: 3", bail: false }],
  ])("tells the engine of exit code %s", async (code, result) => {
    const signal = new AbortController().signal;
    const program = { ...run, options: {}, folder, pwd: folder, args: [code] };
    expect(await runProgram(program, signal)).toEqual(result);
  });

  it("says how to install a missing SDK", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "empty-"));
    expect(await runProgram({ ...run, folder: elsewhere }, new AbortController().signal)).toEqual({
      error: `the Pulumi SDK is not installed in ${elsewhere}: run \`npm ci\` there`,
      bail: false,
    });
    rmSync(elsewhere, { recursive: true });
  });
});
