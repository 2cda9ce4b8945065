import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OPS_REFERENCE_FILE, renderOpsReference } from "../../scripts/opsReference.ts";
import { PROJECT } from "../support/registry.ts";

describe("the reference of the operations program", () => {
  it("is committed as the commands say it (npm run schemas)", () => {
    expect(readFileSync(join(PROJECT, OPS_REFERENCE_FILE), "utf8")).toBe(renderOpsReference());
  });

  it("says what every variable of every command means", () => {
    expect(renderOpsReference()).not.toMatch(/^\| `\w+` \| *(?::|\|)/m);
  });
});
