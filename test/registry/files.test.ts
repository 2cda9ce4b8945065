import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatIssue } from "../../registry/issues.ts";
import { CATALOGUE_FILE, loadRegistry, REGISTRY_FILE } from "../../registry/load.ts";
import { CONTEXT, load, realCatalogue, realRegistry, registryOf, withProject } from "../support/registry.ts";

const issues = (files: Readonly<Record<string, string | undefined>>): string[] => {
  const loaded = load(files);
  return loaded.ok ? [] : loaded.issues.map(formatIssue);
};
const gamma = 'id: gamma\nplan: enterprise\nsince: "2026-01-01T00:00:00Z"\n';

describe("one file per tenant", () => {
  it("is read beside the list, after it, by name", () => {
    const loaded = load({
      "tenants/gamma.yaml": gamma,
      "tenants/delta.yaml": gamma.replace("gamma", "delta"),
    });
    expect(loaded.ok && loaded.value.tenants.map(({ id }) => id)).toEqual(["acme", "beta", "delta", "gamma"]);
  });

  it("is read instead of the list", () => {
    const alone = realRegistry.slice(0, realRegistry.indexOf("tenants:\n"));
    const loaded = load({ [REGISTRY_FILE]: alone, "tenants/gamma.yaml": gamma });
    expect(loaded.ok && loaded.value.tenants.map(({ id }) => id)).toEqual(["gamma"]);
  });

  it("names both places of what is there twice", () => {
    expect(issues({ "tenants/acme.yaml": gamma.replace("gamma", "acme") })).toEqual([
      'tenants/acme.yaml:1:5 acme.id: "acme" is already the id of the entry at tenants/tenants.yaml:18; ids are unique and never reused',
    ]);
    const domains = "domains: [{ host: wms.example.org, verification: verified }]\n";
    expect(
      issues({
        "tenants/gamma.yaml": gamma + domains,
        "tenants/delta.yaml": gamma.replace("gamma", "delta") + domains,
      }),
    ).toEqual([
      'tenants/gamma.yaml:4:19 gamma.domains[0].host: "wms.example.org" already belongs to "delta" at tenants/delta.yaml:1; a host leads to one tenant',
    ]);
  });

  it("carries the tenant's id as its name", () => {
    expect(issues({ "tenants/customer.yaml": gamma })).toEqual([
      "tenants/customer.yaml:1:5 gamma.id: does not match the file's name; rename it to gamma.yaml",
    ]);
  });

  it("is checked like an entry of the list", () => {
    expect(issues({ "tenants/gamma.yaml": `${gamma}chat: none\n` })).toEqual([
      "tenants/gamma.yaml:4:1 gamma.chat: is no known field; remove it or check its spelling",
    ]);
    expect(issues({ "tenants/gamma.yaml": "" })).toEqual([
      "tenants/gamma.yaml:1:1 is empty; docs/reference/registry.md describes its format",
    ]);
  });
});

describe("the files", () => {
  it("are both there", () => {
    expect(issues({ [REGISTRY_FILE]: undefined })).toEqual([
      "tenants/tenants.yaml does not exist; create it (the README shows an example)",
    ]);
    expect(issues({ [CATALOGUE_FILE]: undefined })).toEqual([
      "tenants/plans.yaml does not exist; create it (the README shows an example)",
    ]);
    expect(formatAll(loadRegistry("/nowhere", CONTEXT))).toEqual([
      "tenants/plans.yaml does not exist; create it (the README shows an example)",
      "tenants/tenants.yaml does not exist; create it (the README shows an example)",
    ]);
  });

  it("end in .yaml, or they would be left out in silence", () => {
    expect(issues({ "tenants/gamma.yml": gamma })).toEqual([
      "tenants/gamma.yml would not be read; rename it to gamma.yaml",
    ]);
  });

  it("are UTF-8", () => {
    const loaded = withProject({}, (dir) => {
      writeFileSync(join(dir, REGISTRY_FILE), Buffer.from(realRegistry, "utf16le"));
      writeFileSync(join(dir, "tenants/gamma.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
      return loadRegistry(dir, CONTEXT);
    });
    expect(formatAll(loaded)).toContain("tenants/gamma.yaml is not UTF-8 text; save it as UTF-8");
  });

  it("of editors and the system are left alone", () => {
    const loaded = load({ "tenants/.gamma.yaml": "x", "tenants/acme.yaml~": "x", "tenants/README.md": "x" });
    expect(loaded.ok).toBe(true);
  });
});

describe("bytes that no registry has", () => {
  it.each([
    [
      "a control character",
      registryOf({ id: "acme" }).replace("plan", "pl\u0000an"),
      "tenants/tenants.yaml:18:40 has the control character U+0000, which YAML does not allow; remove it",
    ],
    [
      "5 MB",
      `# ${"x".repeat(5 * 2 ** 20)}`,
      "tenants/tenants.yaml is larger than 4 MiB; split it (one file per tenant is possible)",
    ],
    [
      "deep nesting",
      `a: ${"[".repeat(60)}${"]".repeat(60)}`,
      "tenants/tenants.yaml:1:36 is nested more than 32 levels deep",
    ],
    [
      "nesting beyond the stack",
      `a: ${"[".repeat(100_000)}`,
      expect.stringMatching(/^tenants\/tenants\.yaml:1:\d+ is nested more than 32 levels deep$/),
    ],
    [
      "blocks beyond the stack",
      "- ".repeat(100_000),
      expect.stringMatching(/^tenants\/tenants\.yaml:1:\d+ is nested more than 32 levels deep$/),
    ],
  ])("are refused: %s", (_name, text, message) => {
    const start = performance.now();
    expect(issues({ [REGISTRY_FILE]: text })).toContainEqual(message);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it("stay cheap: 20,000 keys, each of them wrong", () => {
    const versions = Array.from({ length: 20_000 }, (_, n) => `    x${n}: {}\n`).join("");
    const start = performance.now();
    const found = issues({
      [REGISTRY_FILE]: realRegistry.replace("  versions:\n", `  versions:\n${versions}`),
    });
    expect(found.length).toBeGreaterThanOrEqual(20_000);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(realCatalogue).toContain("plans:");
  });
});

const formatAll = (loaded: ReturnType<typeof loadRegistry>): string[] =>
  loaded.ok ? [] : loaded.issues.map(formatIssue);
