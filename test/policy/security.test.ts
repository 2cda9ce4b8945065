import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { forbidden } from "../support/attacks/admission.ts";
import { PROJECT } from "../support/registry.ts";

const text = readFileSync(join(PROJECT, "SECURITY.md"), "utf8");
const quoted = (part: string): string[] => [...part.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

describe("SECURITY.md", () => {
  it("names files that there are", () => {
    const files = quoted(text).filter(
      (name) => /^[\w-]+\/[\w./-]+$/.test(name) && !name.includes("stack.io/"),
    );
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((file) => !existsSync(join(PROJECT, file)))).toEqual([]);
  });

  it("names attacks that are tried", () => {
    const table = text.slice(text.indexOf("## Probes"), text.indexOf("## Residual"));
    const named = quoted(table).filter((name) => !name.includes("/"));
    const tried = new Set(forbidden.map(({ name }) => name));
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter((name) => !tried.has(name))).toEqual([]);
  });
});
