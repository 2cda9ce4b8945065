import { z } from "zod";

/** One side of a step: a resource as the engine has it. Secrets are "[secret]" already. */
const state = z.object({
  type: z.string().default(""),
  custom: z.boolean().default(false),
  id: z.string().optional(),
  protect: z.boolean().default(false),
  parent: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).default({}),
});

const step = z.object({
  op: z.string(),
  urn: z.string(),
  oldState: state.optional(),
  newState: state.optional(),
  detailedDiff: z
    .record(z.string(), z.object({ kind: z.string() }))
    .nullish()
    .transform((diff) => diff ?? {}),
  replaceReasons: z
    .array(z.string())
    .nullish()
    .transform((reasons) => reasons ?? []),
});

const digest = z.object({
  config: z.record(z.string(), z.unknown()).default({}),
  steps: z
    .array(step)
    .nullish()
    .transform((steps) => steps ?? []),
  diagnostics: z
    .array(z.object({ urn: z.string().optional(), message: z.string(), severity: z.string() }))
    .nullish()
    .transform((diagnostics) => diagnostics ?? []),
});

export type ResourceState = z.output<typeof state>;
export type Step = z.output<typeof step>;

/** What the engine has to say, e.g. an error. */
export interface Diagnostic {
  /** The resource it is about. */
  readonly urn?: string;
  readonly message: string;
}

/** What `pulumi preview --json`, or `pulumi refresh --preview-only --json`, says about a stack. */
export interface Preview {
  /** Name of the cell, else of the stack, else of the file. */
  readonly cell: string;
  readonly steps: readonly Step[];
  readonly errors: readonly Diagnostic[];
}

/**
 * Reads the output of `pulumi preview --json`. Where it is none, the preview has failed, and that is its one error.
 * @param name what it is called where it does not say so itself
 */
export function readPreview(text: string, name: string): Preview {
  const parsed = digest.safeParse(parseJson(text));
  if (!parsed.success) {
    const message = "is no output of `pulumi preview --json`: the preview was not run, or was cut off";
    return { cell: name, steps: [], errors: [{ message }] };
  }
  const { config, steps, diagnostics } = parsed.data;
  const cell = config["warehouse:cell"];
  return {
    cell: typeof cell === "string" ? cell : (steps.map(({ urn }) => stackOf(urn)).find(Boolean) ?? name),
    steps,
    errors: diagnostics
      .filter(({ severity }) => severity === "error")
      // Said once more at the end, where an error has been said already.
      .filter(({ message }, _, all) => all.length === 1 || !/^error: preview failed\s*$/.test(message))
      .map(({ urn, message }) => ({
        message: message.replace(/^error: /, "").trim(),
        ...(urn === undefined ? {} : { urn }),
      })),
  };
}

/** undefined where the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `urn:pulumi:<stack>::<project>::<parents' types>$<type>::<name>` */
const stackOf = (urn: string): string => urn.split("::")[0]?.replace(/^urn:pulumi:/, "") ?? "";
export const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");
/** Types of the parents and of the resource itself, outermost first. */
export const typesOf = (urn: string): readonly string[] => urn.split("::")[2]?.split("$") ?? [];
