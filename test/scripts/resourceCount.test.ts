import { readFileSync } from "node:fs";
import { join } from "node:path";
import { countResources, RESOURCES_FILE, renderResources, total } from "../../scripts/resourceCount.ts";
import { PROJECT } from "../support/registry.ts";

// The first test loads the whole program.
jest.setTimeout(60_000);

describe("the resources of a tenant", () => {
  it("are committed as the program registers them (npm run schemas)", async () => {
    expect(readFileSync(join(PROJECT, RESOURCES_FILE), "utf8")).toBe(await renderResources());
  });

  it.each([
    ["pool", 12],
    ["bridge", 20],
    ["silo", 30],
  ] as const)("of placement %s are %i at most", async (placement, most) => {
    expect(total(await countResources(placement))).toBeLessThanOrEqual(most);
  });
});
