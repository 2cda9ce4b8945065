import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderSettings, SETTINGS_REFERENCE_FILE } from "../../scripts/settingsReference.ts";
import { PROJECT } from "../support/registry.ts";

describe("the reference of the stack's file", () => {
  it("is committed as the schema says it (npm run schemas)", () => {
    expect(readFileSync(join(PROJECT, SETTINGS_REFERENCE_FILE), "utf8")).toBe(renderSettings());
  });

  it("has every setting that the stack files have, and says what each means", () => {
    const text = renderSettings();
    for (const stack of ["prod", "staging"])
      for (const [, setting = ""] of readFileSync(join(PROJECT, `Pulumi.${stack}.yaml`), "utf8").matchAll(
        /^ {2}warehouse:(\w+):/gm,
      ))
        expect(text).toContain(`| \`${setting}\` |`);
    expect(text).not.toMatch(/^\| `[^`]+` .*\|\s*\|$/m);
  });
});
