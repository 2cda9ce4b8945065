import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPreview, type Preview } from "../../review/preview.ts";
import { PROJECT } from "./registry.ts";

/** Real output of `pulumi preview --json` on the sandbox, recorded by test/e2e/review.test.ts with RECORD_PREVIEWS=1. */
const FOLDER = join(PROJECT, "test/review/previews");

export const recordedText = (name: string): string => readFileSync(join(FOLDER, `${name}.json`), "utf8");
export const recorded = (name: string): Preview => readPreview(recordedText(name), name);

/** What nothing reads: it is large, or tells of the machine. */
const LEFT_OUT = new Set([
  "outputs",
  "provider",
  "dependencies",
  "propertyDependencies",
  "additionalSecretOutputs",
  "sourcePosition",
  "stackTrace",
  "created",
  "modified",
  "duration",
]);

interface RecordedStep {
  readonly op: string;
  readonly newState?: { readonly type: string; readonly inputs?: object };
}

/** The properties of a new resource are not read, but that a Secret's are not shown is tested. */
function withoutBulk(step: RecordedStep): RecordedStep {
  const { op, newState } = step;
  if (op !== "create" || newState === undefined || newState.type.endsWith(":Secret")) return step;
  return { ...step, newState: { ...newState, inputs: {} } };
}

/** Keeps an output as a recording, if asked for, without what nothing reads. */
export function record(name: string, text: string): void {
  if (process.env["RECORD_PREVIEWS"] !== "1") return;
  const digest = JSON.parse(text, (key, value: unknown) => (LEFT_OUT.has(key) ? undefined : value)) as {
    readonly config: Readonly<Record<string, unknown>>;
    readonly steps: readonly RecordedStep[];
  };
  const config = { "warehouse:cell": digest.config["warehouse:cell"] };
  const steps = digest.steps.filter(({ op }) => op !== "refresh").map(withoutBulk);
  writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify({ ...digest, config, steps })}\n`);
}
