import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARTEFACT_NAMES, type ArtefactName, type Gathered } from "../../report/evidence/artefacts.ts";
import { bundleOf, verifyBundle, writeBundle } from "../../report/evidence/bundle.ts";
import { run } from "../../sandbox/lib/run.ts";
import { stackConfig } from "../../sandbox/stackConfig.ts";
import { inProject, REGISTRY } from "./support.ts";

interface Index {
  readonly generatedAt: string;
  readonly artefacts: readonly {
    name: string;
    file: string | null;
    unknown?: string;
    soc2: string[];
    gdpr: string[];
  }[];
}

const HELD = REGISTRY.replace(
  "    billing: { subscriptionRef: sub_acme }\n",
  '    billing: { subscriptionRef: sub_acme }\n    credentials: { rotation: 3 }\n    legalHold: { caseRef: case-7, since: "2026-01-01T00:00:00Z" }\n',
);

/** A `pulumi` whose answers are full of secrets. */
const PULUMI = `#!/bin/sh
case "$*" in
  "stack history"*) echo '[{"version":7,"kind":"update","startTime":"2026-11-20T10:00:00Z","endTime":"2026-11-20T10:05:00Z","result":"succeeded","resourceChanges":{"update":2},"message":"hunter2","environment":{"git.head":"abc","git.dirty":"false","git.author.email":"somebody@example.com"},"config":{"warehouse:databasePassword":{"value":"hunter2","secret":true}}}]';;
  "stack export"*) echo '{"deployment":{"secrets_providers":{"state":{"salt":"hunter2"}},"resources":[{"urn":"urn:pulumi:prod::warehouse::warehouse:tenancy:TenantStack$kubernetes:core/v1:Secret::acme-db-secret","type":"kubernetes:core/v1:Secret","inputs":{"stringData":{"password":"hunter2"}},"outputs":{"data":{"password":"hunter2"}}}]}}';;
  "stack output"*) echo '{"tenants":{}}';;
esac
`;

describe("tenant evidence", () => {
  it("bundles what the registry knows, and says why the rest is unknown", async () => {
    await inProject(async ({ tenant, dir, write }) => {
      write(HELD);
      const folder = join(dir, "bundle");
      const { code, out } = await tenant(["evidence", "--offline", "--out", folder]);
      expect([code, out.at(-1)]).toEqual([0, folder]);
      const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
      expect(read("legal-holds.json")).toEqual([
        { caseRef: "case-7", since: "2026-01-01T00:00:00Z", tenant: "acme" },
      ]);
      expect(read("access.json")).toEqual({ codeOwners: null, rotations: { acme: 3, beta: 0 } });
      const { artefacts, generatedAt } = read("index.json") as Index;
      expect(generatedAt).toBe("2026-11-23T12:00:00Z");
      expect(artefacts.map(({ name }) => name)).toEqual(ARTEFACT_NAMES);
      for (const { soc2 } of artefacts) expect(soc2.length).toBeGreaterThan(0);
      expect(
        artefacts.filter(({ file }) => file === null).map(({ name, unknown }) => [name, unknown]),
      ).toEqual([
        ["changes", expect.stringContaining("not a git repository")],
        ["resources", "--offline"],
        ["drift", expect.stringContaining("--drift")],
        ["isolation", "--offline"],
        ["encryption", "--offline"],
        ["backups", "--offline"],
        ["drills", "--offline"],
        ["deletions", "--offline"],
        ["exports", "--offline"],
        ["service", "name them by --prometheus <url> and --month 2026-10"],
      ]);
    });
  });

  it("gives the same bytes for the same facts, and overwrites nothing", async () => {
    await inProject(async ({ tenant, dir }) => {
      const [first, second] = [join(dir, "first"), join(dir, "second")];
      for (const folder of [first, second]) await tenant(["evidence", "--offline", "--out", folder]);
      expect(readdirSync(second)).toEqual(readdirSync(first));
      for (const name of readdirSync(first))
        expect(readFileSync(join(second, name), "utf8")).toBe(readFileSync(join(first, name), "utf8"));
      expect(await tenant(["evidence", "--offline", "--out", first])).toMatchObject({
        code: 1,
        err: [`${first} is not empty: evidence is not overwritten; name another --out`],
      });
    });
  });

  it("takes nothing secret from what it reads", async () => {
    await inProject(
      async ({ tenant, dir }) => {
        const bin = join(dir, "bin");
        mkdirSync(bin);
        writeFileSync(join(bin, "pulumi"), PULUMI, { mode: 0o755 });
        await run("git", ["init", "-q", dir]);
        await run("git", [
          "-C",
          dir,
          "-c",
          "user.name=a",
          "-c",
          "user.email=a@example.com",
          "commit",
          "-q",
          "--allow-empty",
          "-m",
          "x",
        ]);
        const folder = join(dir, "bundle");
        const env = {
          ...process.env,
          PULUMI_STACK: undefined,
          PATH: `${bin}:${process.env["PATH"] ?? ""}`,
          KUBECONFIG: "/nonexistent",
          OPS_WAIT_SECONDS: "1",
        };
        expect(await tenant(["evidence", "--out", folder], undefined, { env })).toMatchObject({ code: 0 });
        const all = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
        expect(all.join("\n")).not.toMatch(/hunter2|somebody@example/);
        expect(JSON.parse(readFileSync(join(folder, "resources.json"), "utf8"))).toEqual({
          prod: [
            {
              tenant: "acme",
              type: "kubernetes:core/v1:Secret",
              urn: "urn:pulumi:prod::warehouse::warehouse:tenancy:TenantStack$kubernetes:core/v1:Secret::acme-db-secret",
            },
          ],
        });
        expect(JSON.parse(readFileSync(join(folder, "changes.json"), "utf8"))).toMatchObject({
          updates: { prod: [{ version: 7, commit: "abc", clean: true, result: "succeeded" }] },
        });
      },
      {
        "Pulumi.prod.yaml": stackConfig({ postgres: 5432, aws: 1 }).replace(
          "context: sandbox",
          "context: prod",
        ),
      },
    );
  });

  it("verifies a bundle: changed, missing, added; a signature may stand beside", async () => {
    await inProject(async ({ tenant, dir }) => {
      const folder = join(dir, "bundle");
      await tenant(["evidence", "--offline", "--out", folder]);
      writeFileSync(join(folder, "SHA256SUMS.sig"), "signature");
      expect(await tenant(["evidence", "--verify", folder])).toMatchObject({
        code: 0,
        out: [`${folder} is what was bundled`],
      });
      // The format is that of the usual tool.
      const sums = await run("sha256sum", ["--check", "--quiet", "SHA256SUMS"], { cwd: folder });
      expect([sums.code, sums.stdout]).toEqual([0, ""]);
      const file = join(folder, "tenants.json");
      writeFileSync(file, readFileSync(file, "utf8").replace("enterprise", "starter"));
      rmSync(join(folder, "residency.json"));
      writeFileSync(join(folder, "more.json"), "{}");
      expect(await tenant(["evidence", "--verify", folder])).toMatchObject({
        code: 1,
        err: ["residency.json is missing", "tenants.json is not what was bundled", "more.json was added"],
      });
      expect((await tenant(["evidence", "--verify", dir])).err[0]).toMatch(/SHA256SUMS cannot be read/);
    });
  });
});

describe("a bundle", () => {
  const gathered = (value: unknown): Record<ArtefactName, Gathered> =>
    Object.fromEntries(ARTEFACT_NAMES.map((name) => [name, { from: "here", value }])) as Record<
      ArtefactName,
      Gathered
    >;
  const facts = { generatedAt: "2026-11-23T12:00:00Z", commit: null };

  it("does not depend on the order of what was gathered", () => {
    expect(bundleOf(gathered({ a: 1, b: [{ c: 2, d: 3 }] }), facts)).toEqual(
      bundleOf(gathered({ b: [{ d: 3, c: 2 }], a: 1 }), facts),
    );
  });

  it("has a manifest of every file but itself, and leads verification nowhere else", async () => {
    await inProject(({ dir }) => {
      const folder = join(dir, "bundle");
      const files = bundleOf(gathered(1), facts);
      expect(writeBundle(folder, files)).toBe(true);
      const listed = (files.get("SHA256SUMS") ?? "")
        .trimEnd()
        .split("\n")
        .map((line) => line.slice(66));
      expect(listed).toEqual([...files.keys()].filter((name) => name !== "SHA256SUMS").sort());
      writeFileSync(join(folder, "SHA256SUMS"), `${"0".repeat(64)}  ../../etc/passwd\n`);
      expect(verifyBundle(folder)[0]).toMatch(/is no line of a manifest$/);
      return Promise.resolve();
    });
  });
});
