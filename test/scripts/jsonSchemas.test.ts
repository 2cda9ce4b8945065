import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderSchemas } from "../../scripts/jsonSchemas.ts";
import { PROJECT } from "../support/registry.ts";

describe("the committed JSON Schemas", () => {
  it.each(Object.entries(renderSchemas()))("%s is up to date (npm run schemas)", (file, text) => {
    expect(readFileSync(join(PROJECT, file), "utf8")).toBe(text);
  });
});
