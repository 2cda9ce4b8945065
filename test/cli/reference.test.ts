import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REFERENCE_FILE, renderReference } from "../../cli/reference.ts";
import { PROJECT } from "../support/registry.ts";

describe("the reference of the command", () => {
  it("is up to date (npm run schemas)", () => {
    expect(readFileSync(join(PROJECT, REFERENCE_FILE), "utf8")).toBe(renderReference());
  });
});
