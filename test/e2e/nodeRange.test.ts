import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { PROJECT } from "../support/registry.ts";

const cache =
  process.env["WAREHOUSE_CACHE"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "warehouse-tenants");
const engines = (
  JSON.parse(readFileSync(join(PROJECT, "package.json"), "utf8")) as { engines: { node: string } }
).engines.node;

/** The oldest supported Node and the newest that was tried. */
const VERSIONS = ["22.18.0", "26.10.0"];

/** A Node of this version from the npm registry, kept in the cache. */
function node(version: string): string {
  const folder = join(cache, `node-${version}`);
  const name = `node-${process.platform}-${process.arch}`;
  const binary = join(folder, "node_modules", name, "bin", "node");
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    execFileSync(
      "npm",
      ["install", "--prefix", folder, "--ignore-scripts", "--no-save", `${name}@${version}`],
      { stdio: "ignore" },
    );
  }
  return binary;
}

describe("the declared range of Node", () => {
  it(`starts at ${VERSIONS[0] ?? ""}`, () => {
    expect(engines).toBe(">=22.18");
  });

  it.each(VERSIONS)(
    "loads and resolves the program's modules on Node %s",
    (version) => {
      const script = `
        const { loadRegistry } = await import("./registry/load.ts");
        const { TenantStack } = await import("./components/tenantStack.ts");
        const { deployCell } = await import("./components/cell/program.ts");
        const loaded = loadRegistry(".", { baseDomain: "example.com" });
        console.log(process.version, loaded.ok && loaded.value.tenants.map(({ host }) => host).join(), typeof TenantStack, typeof deployCell);`;
      const output = execFileSync(node(version), ["--input-type=module", "-e", script], {
        cwd: PROJECT,
        encoding: "utf8",
      });
      expect(output.trim()).toBe(`v${version} acme.example.com,beta.example.com function function`);
    },
    300_000,
  );
});
