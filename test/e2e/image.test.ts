import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { PROJECT } from "../support/registry.ts";

const lines = readFileSync(join(PROJECT, "ops", "Dockerfile"), "utf8")
  .replaceAll(/\\\n/g, "")
  .split("\n");
const ignored = readFileSync(join(PROJECT, ".dockerignore"), "utf8").split("\n");

/** The sources and the target of each COPY from the checkout, stage by stage. */
const stages = lines.reduce<string[][][]>((found, line) => {
  if (line.startsWith("FROM ")) return [...found, []];
  const words = line.split(" ").slice(1);
  if (line.startsWith("COPY ") && !line.includes("--from=")) found.at(-1)?.push(words);
  return found;
}, []);

describe("the operations image", () => {
  const image = mkdtempSync(join(tmpdir(), "warehouse-image-"));
  afterAll(() => {
    rmSync(image, { recursive: true });
  });
  const run = (command: string, ...args: string[]) =>
    spawnSync(command, args, {
      cwd: image,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
    });

  it("is built from files that .dockerignore lets through", () => {
    const sources = stages.flat().flatMap((words) => words.slice(0, -1));
    expect(sources.length).toBeGreaterThan(0);
    expect(ignored).toContain("*");
    expect(sources.filter((source) => !ignored.includes(`!${source.replace(/\/$/, "")}`))).toEqual([]);
  });

  it("holds all that the program needs, and nothing of Pulumi's", () => {
    const [dependencies = [], program = []] = stages;
    for (const [...sources] of dependencies) {
      sources.pop();
      for (const source of sources) cpSync(join(PROJECT, source), join(image, basename(source)));
    }
    for (const [source = "", target = ""] of program) {
      mkdirSync(dirname(join(image, target)), { recursive: true });
      cpSync(join(PROJECT, source), join(image, target), { recursive: true });
    }
    const steps = lines.find((line) => line.startsWith("RUN node "))?.slice("RUN ".length) ?? "";
    expect(steps).toContain("npm install");
    expect(run("/bin/sh", "-ec", steps.replace("npm install", "npm install --prefer-offline"))).toMatchObject(
      {
        status: 0,
      },
    );
    const packages = readdirSync(join(image, "node_modules"));
    expect(packages).toContain("pg");
    expect(packages.filter((name) => /^(@pulumi|@grpc|jest|typescript|yaml)$/.test(name))).toEqual([]);

    const outcome = run(process.execPath, "ops/main.ts");
    expect([outcome.status, outcome.stderr]).toEqual([10, ""]);
    expect(outcome.stdout).toContain("is no command; use one of: backup,");
    expect(run(process.execPath, "ops/main.ts", "backup").stdout).toContain(
      "missing or invalid in the environment: DATABASE_HOST",
    );
  }, 300_000);

  it("has the versions of the lockfile", () => {
    const version = (folder: string, name: string): string =>
      (
        JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")) as {
          version: string;
        }
      ).version;
    for (const name of ["pg", "zod", "@aws-sdk/client-s3", "@smithy/core"]) {
      expect(version(image, name)).toBe(version(PROJECT, name));
    }
  });
});
