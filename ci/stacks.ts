import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { compareText } from "../registry/issues.ts";

/** A stack whose file is complete. */
export interface Stack {
  readonly stack: string;
  readonly cell: string;
}

/** The stacks of a project by name, and those whose file still has values to fill in. */
export function readStacks(projectDir: string): {
  readonly stacks: readonly Stack[];
  readonly unfinished: readonly string[];
} {
  const files = readdirSync(projectDir)
    .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort(compareText)
    .map((stack) => ({ stack, text: readFileSync(join(projectDir, `Pulumi.${stack}.yaml`), "utf8") }));
  const isUnfinished = ({ text }: { readonly text: string }): boolean => text.includes("<fill in:");
  return {
    stacks: files
      .filter((file) => !isUnfinished(file))
      .flatMap(({ stack, text }) => {
        const { config } = (parse(text) ?? {}) as { readonly config?: Readonly<Record<string, unknown>> };
        const cell = config?.["warehouse:cell"];
        return typeof cell === "string" ? [{ stack, cell }] : [];
      }),
    unfinished: files.filter(isUnfinished).map(({ stack }) => stack),
  };
}
