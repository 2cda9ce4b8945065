// Runs the tests and closes with the line that CI reads: `npm test`, `npm run test:unit`, `npm run test:e2e`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [project, ...rest] = process.argv.slice(2);
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "warehouse-tests-"));

/** The e2e tests that measure how long something takes: nothing else may run beside them. */
const MEASURING = "test/e2e/floods";

interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly ok: boolean;
}

/** The runs of a Jest project. Each file of the e2e tests has a sandbox of its own, of which two cores carry two. */
function runsOf(name: string): Result[] {
  if (name !== "e2e") return [run(name, ["--maxWorkers=100%"])];
  if (rest.length > 0) return [run(name, ["--runInBand", "--verbose"])];
  return [
    run(name, ["--maxWorkers=2", "--verbose", "--testPathIgnorePatterns", MEASURING]),
    run(name, ["--runInBand", "--verbose", "--testPathPatterns", MEASURING]),
  ];
}

function run(name: string, options: readonly string[]): Result {
  const report = join(folder, `${name}.json`);
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/jest/bin/jest.js"),
      "--selectProjects",
      name,
      "--json",
      `--outputFile=${report}`,
      ...options,
      ...rest,
    ],
    { cwd: root, stdio: ["ignore", "ignore", "inherit"] },
  );
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, success } = JSON.parse(
      readFileSync(report, "utf8"),
    ) as {
      numPassedTests: number;
      numFailedTests: number;
      numFailedTestSuites: number;
      success: boolean;
    };
    // A suite that cannot even start fails without a failed test.
    return {
      passed: numPassedTests,
      failed: Math.max(numFailedTests, numFailedTestSuites),
      ok: success && status === 0,
    };
  } catch {
    return { passed: 0, failed: 1, ok: false };
  }
}

const names = project === "unit" || project === "e2e" ? [project] : ["unit", "e2e"];
const results = names.flatMap(runsOf);
rmSync(folder, { recursive: true });
const total = (key: "passed" | "failed"): number => results.reduce((sum, result) => sum + result[key], 0);
process.stdout.write(`\n${total("passed")} passed, ${total("failed")} failed\n`);
process.exitCode = results.every(({ ok }) => ok) && total("passed") > 0 ? 0 : 1;
