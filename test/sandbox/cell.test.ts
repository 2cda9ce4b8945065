import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cellToPlay } from "../../sandbox/cell.ts";
import { layout } from "../../sandbox/layout.ts";

describe("the cell of a sandbox", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "warehouse-cell-"));
    for (const folder of ["sandbox", "tenants"]) mkdirSync(join(dir, folder));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  const registry = (text: string): void => {
    writeFileSync(join(dir, "tenants", "tenants.yaml"), text);
  };
  const cell = (isDeployed = false, env: NodeJS.ProcessEnv = {}): string =>
    cellToPlay(layout(join(dir, "sandbox"), dir), env, isDeployed);

  it("is its own as long as the registry names none, or cannot be read", () => {
    registry("tenants:\n  - { id: acme }\n");
    expect(cell()).toBe("sandbox");
    registry("tenants: [\n");
    expect(cell(true)).toBe("sandbox");
    rmSync(join(dir, "tenants", "tenants.yaml"));
    expect(cell(true)).toBe("sandbox");
  });

  it.each([
    ["defaults: { cell: east }\ntenants:\n  - { id: acme, cell: west }\n", "east"],
    ["tenants:\n  - { id: acme }\n  - { id: beta, cell: west }\n  - { id: carla, cell: east }\n", "west"],
  ])("is the first that the registry names: %j", (text, first) => {
    registry(text);
    expect(cell()).toBe(first);
  });

  it("is one that a tenant's own file names", () => {
    registry("tenants: []\n");
    writeFileSync(join(dir, "tenants", "acme.yaml"), "id: acme\ncell: north\n");
    expect(cell()).toBe("north");
  });

  it("is the one that is asked for", () => {
    registry("tenants:\n  - { id: acme, cell: west }\n  - { id: carla, cell: east }\n");
    expect(cell(false, { WAREHOUSE_SANDBOX_CELL: "east" })).toBe("east");
    expect(cell(true)).toBe("east");
  });

  it("stays what it is while the registry names it, and becomes no other once there is a stack", () => {
    registry("tenants:\n  - { id: acme, cell: west }\n");
    expect(cell()).toBe("west");
    registry("tenants:\n  - { id: beta, cell: east }\n  - { id: acme, cell: west }\n");
    expect(cell(true)).toBe("west");
    registry("tenants:\n  - { id: beta, cell: east }\n");
    expect(() => cell(true)).toThrow("This sandbox is the cell west and cannot become east");
    expect(cell(false)).toBe("east");
  });

  it("of before there were cells becomes none of them", () => {
    registry("tenants:\n  - { id: acme, cell: west }\n");
    expect(() => cell(true)).toThrow("npm run sandbox destroy");
  });
});
